-- The files of one table and instrument that may hold arrivals of [start, end), as a list for
-- read_parquet(…, allow_empty = true).
create or replace macro files_between(table_name, instrument, start, "end") as
  files_of_days(table_name, instrument, days_around(start, "end"));
