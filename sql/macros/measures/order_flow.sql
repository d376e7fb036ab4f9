-- A scalar: what one book's best prices say was added to bids and taken from asks since the book
-- before, in base currency (Cont, Kukanov, Stoikov): the order-flow imbalance of one event. NULL where
-- a side of either is empty.
create or replace macro order_flow(
  bid_price, bid_amount, ask_price, ask_amount,
  bid_price_before, bid_amount_before, ask_price_before, ask_amount_before
) as
  case when bid_price >= bid_price_before then bid_amount else 0 end
  - case when bid_price <= bid_price_before then bid_amount_before else 0 end
  - case when ask_price <= ask_price_before then ask_amount else 0 end
  + case when ask_price >= ask_price_before then ask_amount_before else 0 end
  + 0 * (bid_price + ask_price + bid_price_before + ask_price_before);
