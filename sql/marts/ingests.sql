-- One row per raw slice that the lake was made from, with what became of its lines.
create or replace view ingests as
select * exclude (exchange)
from read_parquet(all_exchange_files('ingests'), hive_partitioning = true, allow_empty = true,
  hive_types = {'exchange': 'varchar', 'date': 'date'});
