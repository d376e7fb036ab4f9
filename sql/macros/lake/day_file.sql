-- The file of one table, a folder of an instrument, and a UTC day (a pattern: an
-- absent day is no error to read_parquet).
create or replace macro day_file(table_name, folder, day) as
  format(
    '{}/{}/exchange={}/instrument={}/date={}/*.parquet',
    lake_root(), table_name, exchange_id(), folder, day::date
  );
