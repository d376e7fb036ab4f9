-- The files of one table and instrument for a list of UTC days, for read_parquet(…, allow_empty = true):
-- one each, or where they are more than a year's all that there are. The last is the file without
-- rows, so that absent days have columns.
create or replace macro files_of_days(table_name, instrument, days) as
  case
    when len(days) <= 366
      then list_transform(days, lambda day: day_file(table_name, folder_name(instrument), day))
    else [
      format(
        '{}/{}/exchange={}/instrument={}/*/data[.-][p0-9]*t',
        lake_root(), table_name, exchange_id(), folder_name(instrument)
      )
    ]
  end || [empty_file(table_name)];
