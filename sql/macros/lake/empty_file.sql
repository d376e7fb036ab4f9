-- The file without rows of one table that has a partition for each instrument and day: its columns.
create or replace macro empty_file(table_name) as
  format(
    '{}/_empty/{}/exchange={}/instrument=none/date=1970-01-01/data.parquet',
    lake_root(), table_name, exchange_id()
  );
