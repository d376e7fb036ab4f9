-- One row per time of a relation: the message whose book stands then, in some files of `depth`: t,
-- date, message, keyframe, arrival, timestamp, local_timestamp, age, best prices, and the version of
-- its day. All NULL but t where no book is known, or where it is older than `max_age` (an INTERVAL, or
-- NULL). `times` is the name of a relation with a column t, TIMESTAMP, each once. For `since` and
-- `until` see standing_in.
create or replace macro standing_at(files, times, since, until, max_age) as table
with
  asked_times as (
    select t
    from query_table(times)
  ),

  asked_days as (
    select distinct t::date as date
    from asked_times
  ),

  standing as (
    select *
    from standing_in(files, 'asked_days', since, until)
  ),

  latest as (
    select t, standing.*
    from asked_times
    asof left join standing on asked_times.t >= standing.starts
  )

select
  asked_times.t, date, message, keyframe, arrival, timestamp, local_timestamp,
  asked_times.t - local_timestamp as age,
  bid_price, bid_amount, ask_price, ask_amount, version
from asked_times
left join latest
  on latest.t = asked_times.t
  and latest.t < ends
  and coalesce(latest.t - local_timestamp <= max_age::interval, true);
