-- One row per time of a grid over [start, end) and side: what a market order worth `notional`
-- (counter currency) would get from the book that stood then: price, slippage and so on, with the
-- columns of fill_costs; `filled` is in base currency.
create or replace macro fill_costs_notional(
  instrument, start, "end", step, notional, max_age := null
) as table
select *
from fills_in(instrument, start, "end", step, above_zero(notional, 'notional'), true, max_age);
