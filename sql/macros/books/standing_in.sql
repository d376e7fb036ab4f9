-- One row per stretch [starts, ends) in which a book of the full channel stands, arrival clock, in some
-- files of `depth`: date, message, keyframe, arrival, times and best prices of its message. `days` is
-- the name of a relation with a column `date`: the days whose stretches are wanted. What ends before
-- `since` or arrived after `until` may be left out. The last book of a day has a second row, if it
-- stands on after midnight.
create or replace macro standing_in(files, days, since, until) as table
with
  wanted_days as (
    select date
    from query_table(days)
  ),

  of_the_day as (
    select
      date, message, keyframe, arrival, timestamp, local_timestamp,
      greatest(local_timestamp, date::timestamp) as starts,
      valid_until as ends,
      bid_price, bid_amount, ask_price, ask_amount
    from lake_rows(files)
    where date in (from wanted_days)
      and valid_until > local_timestamp and valid_until > since and local_timestamp < until
  ),

  -- Only the day's first message knows how long the day before stands on.
  carries as (
    select date, carry_until
    from lake_rows(files)
    where date in (from wanted_days) and message = 0 and carry_until > date::timestamp
  ),

  -- All that ended no sooner than its day, which are more than one where the clock stepped back; a
  -- later one takes the place of an earlier as soon as it has arrived.
  left_over as (
    select
      date, message, keyframe, arrival, timestamp, local_timestamp,
      min(local_timestamp) over (
        partition by date order by message rows between 1 following and unbounded following
      ) as replaced,
      bid_price, bid_amount, ask_price, ask_amount
    from lake_rows(files)
    where date in (select date - 1 from wanted_days)
      and valid_until >= (date + 1)::timestamp and valid_until >= since::date
  ),

  carried as (
    select
      left_over.date, message, keyframe, arrival, timestamp, local_timestamp,
      greatest(local_timestamp, (left_over.date + 1)::timestamp) as starts,
      least(replaced, carry_until) as ends,
      bid_price, bid_amount, ask_price, ask_amount
    from left_over
    join carries on carries.date = left_over.date + 1
    -- What is no book has ended the one before it all the same.
    where keyframe is not null
  )

from of_the_day
where starts < ends
union all
from carried
where starts < ends;
