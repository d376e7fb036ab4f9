-- The files of one table, instrument and UTC day, as a list that read_parquet(…, allow_empty = true)
-- takes ([t] makes it a pattern, so that an absent day is no error): a file without rows, so that an absent day has columns and no rows, and the day's own.
create or replace macro day_files(table_name, instrument, day) as
  [
    lake_root() || '/_empty/' || table_name || '/exchange=' || exchange_id()
      || '/instrument=none/date=1970-01-01/data.parquet',
    lake_root() || '/' || table_name || '/exchange=' || exchange_id()
      || '/instrument=' || folder_name(instrument)
      || '/date=' || strftime(day, '%Y-%m-%d') || '/data.parque[t]'
  ];
