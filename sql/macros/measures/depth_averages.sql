-- One row per step of [start, end) and side ('bid', 'ask'): the time-weighted amount in the best
-- `levels`: t (the step's start), side, observed_seconds (in which a book was known), amount (base
-- currency; of sides with fewer levels, what they have), levels (average number of levels there, at
-- most `levels`). Arrival clock, UTC. Nothing known: 0 seconds, and NULL. Sensible up to some
-- hours.
create or replace macro depth_averages(
  instrument, start, "end", step, levels := 5, max_age := null
) as table
with
  standing as materialized (
    select t, microseconds, date, message, keyframe, version
    from standing_in_steps(instrument, start, "end", step, max_age)
  ),

  depths as (
    select date, message, side, sum(amount) as amount, count(*) as level_count
    from levels_of(
      files_of_days('depth', instrument, days_with_carry(start, "end")), 'standing', levels
    )
    group by date, message, side
  ),

  sides as (
    select unnest(['bid', 'ask']) as side
  ),

  averages as (
    select
      t, side,
      sum(microseconds) / 1e6 as observed_seconds,
      sum(microseconds * coalesce(amount, 0)) / sum(microseconds) as amount,
      sum(microseconds * coalesce(level_count, 0)) / sum(microseconds) as level_count
    from standing
    cross join sides
    left join depths using (date, message, side)
    group by t, side
  )

select
  steps.t, sides.side, coalesce(observed_seconds, 0) as observed_seconds, amount,
  level_count as levels
from grid(start, "end", step) as steps
cross join sides
left join averages using (t, side)
order by steps.t, sides.side desc;
