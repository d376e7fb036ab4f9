-- One row per stretch [start, stop) of a day in which the instrument's book is unknown, and why.
-- Times are UTC, on the arrival clock.
create or replace view gaps as
select *
from lake_rows(all_files('gaps'));
