-- One row per line that could not be read: slice, line, reason, the line itself.
create or replace view quarantine as
select * exclude (exchange)
from read_parquet(all_exchange_files('quarantine'), hive_partitioning = true, allow_empty = true,
  hive_types = {'exchange': 'varchar', 'date': 'date'});
