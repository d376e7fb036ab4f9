-- One row per time and price level of the book that stood then: t, timestamp, local_timestamp, age
-- (t - local_timestamp), side ('bid', 'ask'), level (0 = best), price, amount. `times` is the name, as
-- text, of a table, view or CTE with a column t (arrival clock, UTC); a time that is there twice counts
-- once. At most `depth` levels a side (NULL: all). A time at which no book is known, or none younger
-- than `max_age`, has one row of NULLs; a known book without levels has one with its times and age.
-- Reads the days of the times and the day before each. 100,000 times of a day take seconds.
create or replace macro books_at(instrument, times, depth := 25, max_age := null) as table
with
  times_of_books as materialized (
    select distinct utc(t) as t
    from query_table(times)
    where t is not null
  )

select *
from books_in(
  files_of_instrument('depth', instrument), 'times_of_books',
  timestamp '-infinity', timestamp 'infinity', depth, max_age
);
