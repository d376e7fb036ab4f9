-- The files of one table and instrument that may hold arrivals of [start, end), as a list for
-- read_parquet(…, allow_empty = true): those of each day, or where they are many, all that there are.
-- The last is the file without rows, so that absent days have columns.
create or replace macro files_between(table_name, instrument, start, "end") as
  case
    when utc("end") - utc(start) < interval 1 year
      then list_transform(
        days_around(start, "end"),
        lambda day: day_file(table_name, folder_name(instrument), day)
      )
    else [
      format(
        '{}/{}/exchange={}/instrument={}/*/data.parquet',
        lake_root(), table_name, exchange_id(), folder_name(instrument)
      )
    ]
  end || [empty_file(table_name)];
