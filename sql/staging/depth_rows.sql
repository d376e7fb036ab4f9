-- One row per message of the full depth channel, with its lists: what changed against the message
-- before (or, on reset, the whole book), and on keyframes the whole book beside it.
create or replace view depth_rows as
select * replace (instrument_name(instrument) as instrument)
from read_parquet(all_files('depth'), hive_partitioning = true, allow_empty = true,
  hive_types = {'exchange': varchar, 'instrument': varchar, 'date': date});
comment on view depth_rows is
  'One row per message of the full depth channel, with its changes and keyframes as lists.';
