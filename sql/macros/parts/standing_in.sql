-- One row per stretch [starts, ends) in which a book of the full channel stands, arrival clock, in some
-- files of `depth`: date, message, keyframe, arrival, times and best prices of its message, and the
-- version of its day. `days` is the name of a relation with a column `date`: the days whose stretches
-- are wanted. What ends before `since` or arrived after `until` may be left out. The last book of a
-- day has a second row, if it stands on after midnight.
create or replace macro standing_in(files, days, since, until) as table
with
  wanted_days as (
    select date
    from query_table(days)
  ),

  -- Only the day's first message knows how long the day before stands on: never beyond where it ends
  -- itself, which is before it arrives where the clock stepped back.
  first_messages as materialized (
    select
      date, version, recorder_of(origin) as recorder, least(carry_until, valid_until) as carry_until
    from lake_rows(files)
    where message = 0
  ),

  of_the_day as (
    select
      days.date, message, keyframe, arrival, timestamp, local_timestamp,
      greatest(local_timestamp, days.date::timestamp) as starts,
      valid_until as ends,
      bid_price, bid_amount, ask_price, ask_amount, days.version
    from lake_rows(files) as days
    left join first_messages on first_messages.date = days.date
    where days.date in (from wanted_days)
      and valid_until > local_timestamp and valid_until > since and local_timestamp < until
      and same_version(days.version, first_messages.version)
  ),

  -- All that ended no sooner than its day, which are more than one where the clock stepped back; a
  -- later one takes the place of an earlier as soon as it has arrived.
  left_over as (
    select
      date, message, keyframe, arrival, timestamp, local_timestamp,
      min(local_timestamp) over (
        partition by date order by message rows between 1 following and unbounded following
      ) as replaced,
      bid_price, bid_amount, ask_price, ask_amount, recorder_of(origin) as recorder, version
    from lake_rows(files)
    where date in (select date - 1 from wanted_days)
      and valid_until >= (date + 1)::timestamp and valid_until >= since::date
  ),

  carried as (
    select
      left_over.date, message, keyframe, arrival, timestamp, local_timestamp,
      greatest(local_timestamp, (left_over.date + 1)::timestamp) as starts,
      least(replaced, following.carry_until) as ends,
      bid_price, bid_amount, ask_price, ask_amount, left_over.version
    from left_over
    join first_messages as following
      on following.date = left_over.date + 1 and following.recorder = left_over.recorder
    left join first_messages as of_its_day on of_its_day.date = left_over.date
    -- What is no book has ended the one before it all the same.
    where keyframe is not null and following.carry_until > following.date::timestamp
      and same_version(left_over.version, of_its_day.version)
  )

from of_the_day
where starts < ends
union all
from carried
where starts < ends;
