-- One row per instrument and day in the lake, as the catalogue has it: coverage without its conditions.
-- Read from one small file, however large the lake is, and one more for each day that is being recorded,
-- whose rows say how it is so far (`is_recorded`).
create or replace view catalogued as
with
  said as (
    select *, filename <> catalogue_file() as is_recorded
    from read_parquet([catalogue_file(), recorded_files()], allow_empty = true, filename = true)
  )

select * exclude (source, schema_version, filename)
from said
where is_recorded or date not in (select date from said where is_recorded);
