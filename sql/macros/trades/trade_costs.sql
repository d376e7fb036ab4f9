-- One row per trade received in [start, end), in line order: what its taker paid, as effective
-- spread, realized spread and price impact. date, arrival, item, local_timestamp, timestamp, side,
-- price, amount, quote_age, mid (of the quote that stood just before it, see trades_with_quotes),
-- mid_after (of the book that stood `horizon` after its arrival), effective_spread = 2 (price -
-- mid), realized_spread = 2 (price - mid_after), price_impact = 2 (mid_after - mid), each for a
-- seller with the sign turned: the first is the sum of the others; the same in basis points of the
-- mid: effective_spread_bp, realized_spread_bp, price_impact_bp; side_quoted (the taker's side as
-- the quote tells it, see side_by_quote) and sign_agrees (whether it is the side that was sent).
-- Arrival clock, UTC. NULL where a mid is not known, or either quote is older than `max_age`, and,
-- in basis points, where the mid is not above zero. All prints of an order that walks the book meet the
-- one quote before them, so the far ones cost much: taker_orders has them joined. Averages are of the
-- same trades where price_impact is not null.
create or replace macro trade_costs(
  instrument, start, "end", horizon, max_age := null
) as table
with
  quoted as materialized (
    select
      date, arrival, item, local_timestamp, timestamp, side, price, amount, quote_age, version,
      mid(bid_price, ask_price) as mid,
      side_by_quote(price, bid_price, ask_price) as side_quoted,
      case side when 'buy' then 2 else -2 end as twice,
      local_timestamp + positive(horizon, name := 'the horizon') as later
    from trades_with_quotes(instrument, start, "end", max_age := max_age)
  ),

  times_after as (
    select distinct later as t
    from quoted
  ),

  quoted_days as (
    select date, any_value(version) as version
    from quoted
    group by date
  ),

  after as (
    select t as later, mid(bid_price, ask_price) as mid_after
    from standing_at(
      files_of_days('depth', instrument, days_with_carry(
        utc(start) + positive(horizon, name := 'the horizon'),
        utc("end") + positive(horizon, name := 'the horizon')
      )),
      'times_after', utc(start) + horizon::interval, utc("end") + horizon::interval, max_age
    ) as found
    left join quoted_days using (date)
    where same_version_if_both(found.version, quoted_days.version)
  ),

  costs as (
    select
      date, arrival, item, local_timestamp, timestamp, side, price, amount, quote_age,
      mid, mid_after, side_quoted,
      twice * (price - mid) as effective_spread,
      twice * (price - mid_after) as realized_spread,
      twice * (mid_after - mid) as price_impact
    from quoted
    join after using (later)
  )

select
  date, arrival, item, local_timestamp, timestamp, side, price, amount, quote_age, mid, mid_after,
  effective_spread, realized_spread, price_impact,
  basis_points(effective_spread, mid) as effective_spread_bp,
  basis_points(realized_spread, mid) as realized_spread_bp,
  basis_points(price_impact, mid) as price_impact_bp,
  side_quoted,
  side = side_quoted as sign_agrees
from costs
order by date, arrival, item;
