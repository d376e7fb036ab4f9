-- One row per time of a grid: t = start, start + step, … below end.
create or replace macro grid(start, "end", step) as table
select range as t
from range(utc(start), utc("end"), positive(step));
