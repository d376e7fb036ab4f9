-- One row per time of a grid over [start, end): measures of the book that stood then: t, timestamp,
-- local_timestamp, age, bid_price, ask_price, spread, spread_bp, mid, microprice, imbalance (of the best
-- `levels`), bid_depth and ask_depth (amount within `within` basis points of the mid), bid_slope and
-- ask_slope (base currency per basis point: how fast the amount grows with the distance from the mid,
-- a line through none at the mid, fitted to the best `levels` by least squares). Arrival clock, UTC.
-- NULL where no book is known, where a side is empty, where a side has fewer than `levels` (imbalance,
-- slope), and, in basis points, where the mid is not above zero.
create or replace macro book_measures(
  instrument, start, "end", step, levels := 5, within := 10, max_age := null
) as table
with
  book_levels as (
    select *
    from books(instrument, start, "end", step, depth := null, max_age := max_age)
  ),

  with_mid as (
    select
      *,
      mid(
        max(price) filter (side = 'bid' and level = 0) over (partition by t),
        max(price) filter (side = 'ask' and level = 0) over (partition by t)
      ) as middle,
      sum(amount) over (partition by t, side order by level rows unbounded preceding) as reached
    from book_levels
  ),

  with_distance as (
    select
      *,
      basis_points(case side when 'bid' then middle - price else price - middle end, middle)
        as distance
    from with_mid
  ),

  sides as (
    select
      t, timestamp, local_timestamp, age, middle, side,
      any_value(price) filter (level = 0) as best_price,
      any_value(amount) filter (level = 0) as best_amount,
      sum(amount) filter (level < whole_number(levels, 'levels')) as amount,
      count(*) filter (level < levels) as level_count,
      coalesce(sum(amount) filter (distance <= above_zero(within, 'within')), 0 * middle) as depth,
      sum(distance * reached) filter (level < levels)
        / nullif(sum(distance * distance) filter (level < levels), 0) as slope
    from with_distance
    group by t, timestamp, local_timestamp, age, middle, side
  ),

  bids as (
    select *
    from sides
    where side = 'bid'
  ),

  asks as (
    select *
    from sides
    where side = 'ask'
  ),

  times as (
    select distinct t, timestamp, local_timestamp, age
    from sides
  )

select
  times.t, times.timestamp, times.local_timestamp, times.age,
  bids.best_price as bid_price, asks.best_price as ask_price,
  asks.best_price - bids.best_price as spread,
  basis_points(asks.best_price - bids.best_price, bids.middle) as spread_bp,
  bids.middle as mid,
  microprice(bids.best_price, bids.best_amount, asks.best_price, asks.best_amount) as microprice,
  case when bids.level_count = levels and asks.level_count = levels
    then imbalance(bids.amount, asks.amount)
  end as imbalance,
  case when bids.middle > 0 then bids.depth end as bid_depth,
  case when asks.middle > 0 then asks.depth end as ask_depth,
  case when bids.level_count = levels then bids.slope end as bid_slope,
  case when asks.level_count = levels then asks.slope end as ask_slope
from times
left join bids on bids.t = times.t
left join asks on asks.t = times.t
order by times.t;
