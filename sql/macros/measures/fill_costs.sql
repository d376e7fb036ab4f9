-- One row per time of a grid over [start, end) and side ('buy' takes asks, 'sell' takes bids): what a
-- market order of `quantity` (base currency) would get from the book that stood then: t, timestamp,
-- local_timestamp, age, side, mid, filled (how much of it the book has), price (average), worst_price,
-- levels (how many it takes), slippage (from the mid, above zero is a cost, counter currency),
-- slippage_bp. Arrival clock, UTC. Where the book has less, `filled` says how much and the prices are
-- NULL; where no book is known all is NULL. No fees, and nothing that the order itself would change.
create or replace macro fill_costs(
  instrument, start, "end", step, quantity, max_age := null
) as table
select *
from fills_in(instrument, start, "end", step, above_zero(quantity, 'quantity'), false, max_age);
