-- All files of one table that has a partition for each instrument and day, for read_parquet.
create or replace macro all_files(table_name) as
  [
    empty_file(table_name),
    format('{}/{}/exchange={}/*/*/data[.-][p0-9]*t', lake_root(), table_name, exchange_id())
  ];
