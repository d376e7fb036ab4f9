-- One row per instrument and day in the lake: what was fetched, what is there, what was missed, and in
-- which condition it is (see conditions, which has the days that are not in the lake too).
-- Read from the catalogue, one small file, however large the lake is, and one more for each day that is
-- being recorded, whose rows say how it is so far.
create or replace view coverage as
select catalogued.* exclude (is_recorded), condition, reasons
from catalogued
left join conditions using (instrument, date);
