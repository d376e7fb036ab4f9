-- The file that says what the lake holds, a row per instrument and day, for read_parquet.
create or replace macro catalogue_file() as
  lake_root() || '/_catalogue/' || exchange_id() || '.parquet';
