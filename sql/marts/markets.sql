-- One row per market in each recorded answer of REST's /markets: the exchange's own definitions (tick
-- size, smallest amount, type), in line order by (date, answer, item). Recorded when one of them
-- changed, as a capture began, and as each day began. Times are UTC; local_timestamp is on the arrival
-- clock. Bounds and mark price move all the time, and are what they were just then.
create or replace view markets as
select instrument, date, * exclude (exchange, instrument, date)
from read_parquet(all_exchange_files('markets'), hive_partitioning = true, allow_empty = true,
  hive_types = {'exchange': 'varchar', 'date': 'date'});
