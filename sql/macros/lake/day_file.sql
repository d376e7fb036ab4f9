-- The file of one table, a folder of an instrument, and a UTC day, or its parts while it is recorded: a
-- pattern, so that an absent day is no error to read_parquet.
create or replace macro day_file(table_name, folder, day) as
  format(
    '{}/{}/exchange={}/instrument={}/date={}/data[.-][p0-9]*t',
    lake_root(), table_name, exchange_id(), folder, day::date
  );
