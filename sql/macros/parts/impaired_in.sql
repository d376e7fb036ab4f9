-- One row per stretch of an instrument's day in the lake that is called impaired by others than its own
-- rows: an incident that Tardis reports ('incident'), a minute with lines that can't be read, of whatever
-- instrument they were ('quarantined', of the files of quarantine that are given). `details` says more.
create or replace macro impaired_in(quarantine_files) as table
with
  refused as (
    select
      date,
      strptime(regexp_extract(slice, '(\d{4}/\d\d/\d\d/\d\d/\d\d)\.json', 1), '%Y/%m/%d/%H/%M') as minute,
      count(*) as refused_lines,
      min(reason) as reason
    from read_parquet(
      quarantine_files, hive_partitioning = true, allow_empty = true,
      hive_types = {'exchange': 'varchar', 'date': 'date'}
    )
    where slice not like 'rest-%'
    group by date, minute
  )

select
  catalogued.instrument, catalogued.date,
  greatest(incidents.start, catalogued.date::timestamp) as start,
  least(incidents.stop, (catalogued.date + 1)::timestamp) as stop,
  'incident' as cause,
  incidents.details
from catalogued
inner join incidents
  on incidents.start < (catalogued.date + 1)::timestamp and incidents.stop > catalogued.date::timestamp
union all
select
  catalogued.instrument, catalogued.date, minute, minute + interval 1 minute, 'quarantined',
  format('{} {}: {}', refused_lines, if(refused_lines = 1, 'line', 'lines'), reason)
from catalogued
inner join refused using (date);
