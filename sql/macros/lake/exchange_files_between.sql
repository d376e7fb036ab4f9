-- The files of one table of the whole exchange that may hold arrivals of [start, end), as a list for
-- read_parquet(…, allow_empty = true): one each, or where its days are more than a year's all that
-- there are.
create or replace macro exchange_files_between(table_name, start, "end") as
  case
    when len(days_around(start, "end")) <= 366
      then list_transform(
        days_around(start, "end"),
        lambda day: format(
          '{}/{}/exchange={}/date={}/data[.-][p0-9]*t',
          lake_root(), table_name, exchange_id(), day::date
        )
      ) || [empty_exchange_file(table_name)]
    else all_exchange_files(table_name)
  end;
