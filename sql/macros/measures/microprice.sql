-- A scalar: best bid and ask, each weighted by the amount on the other side. NULL where a side is empty.
create or replace macro microprice(bid_price, bid_amount, ask_price, ask_amount) as
  (bid_price * ask_amount + ask_price * bid_amount) / (bid_amount + ask_amount);
