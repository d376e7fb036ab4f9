-- One row per time of a grid over [start, end): the book that stood then, as lists, best first: t,
-- timestamp, local_timestamp, age (t - local_timestamp), bid_px, bid_sz, ask_px, ask_sz (DOUBLE[], at
-- most `depth` long, NULL: all levels); arrival clock, UTC. Every time of the grid has a row: where no
-- book is known, or none younger than `max_age`, it is all NULL; a known side without levels is an
-- empty list. What books(…) has in long form.
create or replace macro book_lists(
  instrument, start, "end", step, depth := 25, max_age := null
) as table
with
  grid_times as (
    select t
    from grid(start, "end", step)
  ),

  standing as materialized (
    select *
    from standing_at(
      files_of_days('depth', instrument, days_with_carry(start, "end")), 'grid_times',
      utc(start), utc("end"), max_age
    )
  ),

  known as (
    select date, message, keyframe, version
    from standing
    where message is not null
  ),

  lists as (
    select *
    from lists_of(
      files_of_days('depth', instrument, days_with_carry(start, "end")), 'known', depth
    )
  )

select t, timestamp, local_timestamp, age, bid_px, bid_sz, ask_px, ask_sz
from standing
left join lists using (date, message)
order by t;
