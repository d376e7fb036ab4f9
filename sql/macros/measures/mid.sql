-- A scalar: the price in the middle of best bid and best ask. NULL where a side is empty.
create or replace macro mid(bid_price, ask_price) as
  (bid_price + ask_price) / 2;
