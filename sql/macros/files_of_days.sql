-- The files of one table, a folder of an instrument, and a list of UTC days, as a list that
-- read_parquet(…, allow_empty = true) takes ([t] makes a pattern, so that an absent day is no
-- error). The last is the file without rows, so that absent days have columns.
create or replace macro files_of_days(table_name, folder, days) as
  list_transform(
    days,
    lambda day: format(
      '{}/{}/exchange={}/instrument={}/date={}/data.parque[t]',
      lake_root(), table_name, exchange_id(), folder, day::date
    )
  ) || [empty_file(table_name)];
