-- One row per step of [start, end): t (the step's start), observed_seconds (in which a book was known),
-- events (books that arrived in the step and follow a known one, both with two sides), ofi (the sum of
-- order_flow over them, base currency). Arrival clock, UTC. Nothing known: NULL; known, and no event: 0. A
-- book after a gap is no event: what happened in the gap is not known.
create or replace macro order_flow_imbalance(instrument, start, "end", step) as table
with
  standing as materialized (
    select t, microseconds, date, version
    from standing_in_steps(instrument, start, "end", step, null)
  ),

  standing_days as (
    select date, any_value(version) as version
    from standing
    group by date
  ),

  in_turn as (
    select
      date, version, local_timestamp, asked, unbroken,
      order_flow(
        bid_price, bid_amount, ask_price, ask_amount,
        lag(bid_price) over in_order, lag(bid_amount) over in_order,
        lag(ask_price) over in_order, lag(ask_amount) over in_order
      ) as flow
    from books_in_turn(
      files_of_days('depth', instrument, days_with_carry_around(start, "end")), start, "end"
    )
    window in_order as (order by date, message)
  ),

  flows as (
    select
      step_of(local_timestamp, start, step) as t,
      count(*) as events,
      sum(flow) as ofi
    from in_turn
    left join standing_days using (date)
    where asked and unbroken and flow is not null
      and same_version_if_both(in_turn.version, standing_days.version)
    group by all
  ),

  known as (
    select t, sum(microseconds) / 1e6 as observed_seconds
    from standing
    group by t
  )

select
  steps.t,
  coalesce(observed_seconds, 0) as observed_seconds,
  coalesce(events, 0) as events,
  case when observed_seconds > 0 then coalesce(ofi, 0) else ofi end as ofi
from grid(start, "end", step) as steps
left join known using (t)
left join flows using (t)
order by steps.t;
