-- One row per row of some files of the lake, with whose they are: instrument, date (UTC day).
-- Types are named as text: a bare `date` would be the column of whatever this is joined with.
create or replace macro lake_rows(files) as table
select instrument_name(instrument) as instrument, date, * exclude (exchange, instrument, date)
from read_parquet(
  files, hive_partitioning = true, allow_empty = true,
  hive_types = {'exchange': 'varchar', 'instrument': 'varchar', 'date': 'date'}
);
