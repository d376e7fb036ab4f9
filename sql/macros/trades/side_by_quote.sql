-- A scalar: the taker's side as a price and the quote before it tell: at or above the ask 'buy', at or
-- below the bid 'sell', between them by the mid. NULL where it is at the mid, at or beyond both (the
-- book is crossed or locked there), or a side that would tell is lacking.
create or replace macro side_by_quote(price, bid_price, ask_price) as
  case
    when price >= ask_price and price <= bid_price then null
    when price >= ask_price then 'buy'
    when price <= bid_price then 'sell'
    when price > mid(bid_price, ask_price) then 'buy'
    when price < mid(bid_price, ask_price) then 'sell'
  end;
