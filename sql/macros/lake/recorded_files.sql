-- The files that say what the lake holds of days that are being recorded, or were and are still in
-- parts: a pattern for read_parquet.
create or replace macro recorded_files() as
  lake_root() || '/_recorded/' || exchange_id() || '/*.parquet';
