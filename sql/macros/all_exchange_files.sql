-- All files of one table that has a partition for each day of the whole exchange, for read_parquet.
create or replace macro all_exchange_files(table_name) as
  [
    lake_root() || '/_empty/' || table_name || '/exchange=' || exchange_id()
      || '/date=1970-01-01/data.parquet',
    lake_root() || '/' || table_name || '/exchange=' || exchange_id() || '/*/data.parquet'
  ];
