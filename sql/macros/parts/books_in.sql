-- One row per time of a relation and price level of the book that stands then, in some files of
-- `depth`: what books_at and books ask. A time at which no book is known has one row of NULLs, and so
-- has a book without levels, but for its times and age.
create or replace macro books_in(files, times, since, until, depth, max_age) as table
with
  standing as materialized (
    select *
    from standing_at(files, times, since, until, max_age)
  ),

  known as (
    select date, message, keyframe, version
    from standing
    where message is not null
  ),

  levels as (
    select *
    from levels_of(files, 'known', depth)
  )

select t, timestamp, local_timestamp, age, side, level, price, amount
from standing
left join levels using (date, message)
order by t, side desc, level;
