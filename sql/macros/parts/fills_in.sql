-- One row per time of a grid over [start, end) and side ('buy' takes asks, 'sell' takes bids): what a
-- market order would get from the book that stood then. `by_notional` says what `wanted` counts:
-- base currency, or counter currency. What fill_costs and fill_costs_notional ask.
create or replace macro fills_in(
  instrument, start, "end", step, wanted, by_notional, max_age
) as table
with
  book_levels as (
    select
      *,
      case side when 'ask' then 'buy' else 'sell' end as taker,
      -- A notional is counted in absolute prices: below zero a buyer is paid.
      case when by_notional then abs(price) * amount else amount end as offered
    from books(instrument, start, "end", step, depth := null, max_age := max_age)
  ),

  reached as (
    select
      *,
      mid(
        max(price) filter (side = 'bid' and level = 0) over (partition by t),
        max(price) filter (side = 'ask' and level = 0) over (partition by t)
      ) as middle,
      coalesce(sum(offered) over (
        partition by t, side order by level rows between unbounded preceding and 1 preceding
      ), 0) as before
    from book_levels
  ),

  taken as (
    select
      *,
      -- What is offered for nothing is taken whole.
      amount * case when offered > wanted - before then (wanted - before) / offered else 1 end
        as quantity
    from reached
    -- What adding up doubles may be off by is no rest, for which to take another level.
    where before < wanted * (1 - 1e-12) and side is not null
  ),

  fills as (
    select
      t, taker as side, sum(quantity) as filled, sum(quantity * price) as notional,
      -- Added up as a difference, which has more digits than the difference of two sums.
      sum(quantity * (price - middle)) as above_mid,
      sum(least(offered, wanted - before)) as reached, max_by(price, level) as worst_price,
      count(*) as levels
    from taken
    group by t, taker
  ),

  times as (
    select
      t, any_value(timestamp) as timestamp, any_value(local_timestamp) as local_timestamp,
      any_value(age) as age, any_value(middle) as middle
    from reached
    group by t
  ),

  takers as (
    select unnest(['buy', 'sell']) as side
  ),

  answers as (
    select
      times.*, takers.side,
      case when local_timestamp is not null then coalesce(filled, 0) end as filled,
      case when reached >= wanted * (1 - 1e-12) then notional / filled end as price,
      case takers.side when 'buy' then 1 else -1 end * above_mid / filled as above_mid,
      worst_price, levels
    from times
    cross join takers
    left join fills on fills.t = times.t and fills.side = takers.side
  )

select
  t, timestamp, local_timestamp, age, side, middle as mid, filled, price,
  case when price is not null then worst_price end as worst_price,
  case when price is not null then levels end as levels,
  case when price is not null then above_mid end as slippage,
  case when price is not null then basis_points(above_mid, middle) end as slippage_bp
from answers
order by t, side;
