-- One row per time of a grid over [start, end) and price level of the book that stood then: t,
-- timestamp, local_timestamp, age (t - local_timestamp), side ('bid', 'ask'), level (0 = best), price,
-- amount; arrival clock, UTC. Every time of the grid has a row: where no book is known, or none younger
-- than `max_age`, it is all NULL, and never the last known book. At most `depth` levels a side (NULL:
-- all). Sensible up to a day at a step of 1 second; more and finer is for Python.
create or replace macro books(
  instrument, start, "end", step, depth := 25, max_age := null
) as table
with
  grid_times as (
    select t
    from grid(start, "end", step)
  )

select *
from books_in(
  files_of_days('depth', instrument, days_with_carry(start, "end")), 'grid_times',
  utc(start), utc("end"), depth, max_age
);
