-- The file without rows of one table that has a partition for each day of the whole exchange.
create or replace macro empty_exchange_file(table_name) as
  format(
    '{}/_empty/{}/exchange={}/date=1970-01-01/data.parquet', lake_root(), table_name, exchange_id()
  );
