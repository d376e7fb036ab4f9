-- One row per step of [start, end): time-weighted averages of the best prices: t (the step's
-- start), observed_seconds (in which a book was known), quoted_seconds (in which both sides were
-- there, to which all else refers), spread, spread_bp, mid, microprice, bid_amount, ask_amount,
-- imbalance; and narrowest_spread, widest_spread, its extremes. Arrival clock, UTC. Nothing known: 0
-- seconds, and NULL; the last known quote is never carried on. spread_bp is NULL where a mid was not
-- above zero. Sensible for days.
create or replace macro quote_averages(
  instrument, start, "end", step, max_age := null
) as table
with
  quoted as (
    select
      *,
      case when bid_price is not null and ask_price is not null then microseconds end
        as quoted_for
    from standing_in_steps(instrument, start, "end", step, max_age)
  ),

  sums as (
    select
      t,
      sum(microseconds) / 1e6 as observed_seconds,
      sum(quoted_for) as quoted_us,
      sum(quoted_for * (ask_price - bid_price)) as spread,
      -- A step with one mid that has none says nothing, rather than something of the others.
      case when bool_and(mid(bid_price, ask_price) > 0)
        then sum(quoted_for * basis_points(ask_price - bid_price, mid(bid_price, ask_price)))
      end as spread_bp,
      sum(quoted_for * mid(bid_price, ask_price)) as mid,
      sum(quoted_for * microprice(bid_price, bid_amount, ask_price, ask_amount)) as microprice,
      sum(quoted_for * bid_amount) as bid_amount,
      sum(quoted_for * ask_amount) as ask_amount,
      sum(quoted_for * imbalance(bid_amount, ask_amount)) as imbalance,
      min(ask_price - bid_price) as narrowest_spread,
      max(ask_price - bid_price) as widest_spread
    from quoted
    group by t
  )

select
  steps.t,
  coalesce(observed_seconds, 0) as observed_seconds,
  coalesce(quoted_us, 0) / 1e6 as quoted_seconds,
  spread / quoted_us as spread, spread_bp / quoted_us as spread_bp,
  mid / quoted_us as mid, microprice / quoted_us as microprice,
  bid_amount / quoted_us as bid_amount, ask_amount / quoted_us as ask_amount,
  imbalance / quoted_us as imbalance,
  narrowest_spread, widest_spread
from grid(start, "end", step) as steps
left join sums using (t)
order by steps.t;
