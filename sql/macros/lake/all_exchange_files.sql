-- All files of one table that has a partition for each day of the whole exchange, for read_parquet.
create or replace macro all_exchange_files(table_name) as
  [
    empty_exchange_file(table_name),
    format('{}/{}/exchange={}/*/data[.-][p0-9]*t', lake_root(), table_name, exchange_id())
  ];
