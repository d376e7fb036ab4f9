-- All files of one table that has a partition for each instrument and day, for read_parquet.
create or replace macro all_files(table_name) as
  [
    lake_root() || '/_empty/' || table_name || '/exchange=' || exchange_id()
      || '/instrument=none/date=1970-01-01/data.parquet',
    lake_root() || '/' || table_name || '/exchange=' || exchange_id() || '/*/*/data.parquet'
  ];
