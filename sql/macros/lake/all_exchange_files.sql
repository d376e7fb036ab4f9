-- All files of one table that has a partition for each day of the whole exchange, for read_parquet.
create or replace macro all_exchange_files(table_name) as
  [
    empty_exchange_file(table_name),
    format('{}/{}/exchange={}/*/*.parquet', lake_root(), table_name, exchange_id())
  ];
