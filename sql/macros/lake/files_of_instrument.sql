-- All files of one table and instrument, as a list for read_parquet(…, allow_empty = true).
create or replace macro files_of_instrument(table_name, instrument) as
  [
    format(
      '{}/{}/exchange={}/instrument={}/*/data[.-][p0-9]*t',
      lake_root(), table_name, exchange_id(), folder_name(instrument)
    ),
    empty_file(table_name)
  ];
