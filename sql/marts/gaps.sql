-- One row per stretch [start, stop) of a day in which the instrument's book is unknown, and why.
-- Times are UTC, on the arrival clock.
create or replace view gaps as
select instrument_name(instrument) as instrument, date, * exclude (exchange, instrument, date)
from read_parquet(all_files('gaps'), hive_partitioning = true, allow_empty = true,
  hive_types = {'exchange': varchar, 'instrument': varchar, 'date': date});
comment on view gaps is
  'One row per stretch [start, stop) of a day in which the instrument''s book is unknown, and why.';
