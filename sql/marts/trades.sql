-- One row per trade received, in line order by (instrument, date, arrival, item). side is the taker's.
-- Times are UTC; local_timestamp is on the arrival clock.
create or replace view trades as
select instrument_name(instrument) as instrument, date, * exclude (exchange, instrument, date)
from read_parquet(all_files('trades'), hive_partitioning = true, allow_empty = true,
  hive_types = {'exchange': varchar, 'instrument': varchar, 'date': date});
comment on view trades is
  'One row per trade received, in line order by (instrument, date, arrival, item). side is the taker''s.';
