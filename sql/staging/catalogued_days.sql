-- One row per UTC day that was brought into the lake whole, as the catalogue's own metadata have it: the
-- digest of its slices, how many minutes were fetched, which instruments were asked for (NULL: all), how
-- many lines can't be read, and why what was recorded live fills none of its gaps, if it contradicts
-- history.
create or replace view catalogued_days as
select
  key::date as date,
  value ->> '$.source' as source,
  (value ->> '$.minutes_fetched')::bigint as minutes_fetched,
  from_json(value -> '$.instruments_asked', '["varchar"]') as instruments_asked,
  (value ->> '$.quarantined')::bigint as quarantined,
  value ->> '$.conflict' as conflict
from (
  select unnest(map_entries(from_json(decode(value), '"map(varchar, json)"')), recursive := true)
  from parquet_kv_metadata(catalogue_file())
  where decode(key) = 'days'
);
