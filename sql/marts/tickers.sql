-- One row per ticker update received, in line order by (instrument, date, arrival, item).
-- Times are UTC; local_timestamp is on the arrival clock.
create or replace view tickers as
select instrument_name(instrument) as instrument, date, * exclude (exchange, instrument, date)
from read_parquet(all_files('tickers'), hive_partitioning = true, allow_empty = true,
  hive_types = {'exchange': varchar, 'instrument': varchar, 'date': date});
comment on view tickers is
  'One row per ticker update received, in line order by (instrument, date, arrival, item).';
