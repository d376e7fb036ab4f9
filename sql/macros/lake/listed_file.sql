-- The file of what Tardis said of the exchange: 'listings' or 'incidents', for read_parquet.
create or replace macro listed_file(table_name) as
  format('{}/_listed/{}/{}.parquet', lake_root(), exchange_id(), table_name);
