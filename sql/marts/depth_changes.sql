-- One row per price level that a message changed: side, price, new amount (0 = gone). Applied in
-- order of message, starting from nothing at each message with `reset`, they give every book.
create or replace view depth_changes as
with
  -- One reading of the file, so that both sides are of one version of it.
  changes as (
    select
      instrument, date, message, reset, local_timestamp,
      len(bid_change_price) as bids,
      unnest(range(len(bid_change_price) + len(ask_change_price))) as place,
      unnest(list_concat(bid_change_price, ask_change_price)) as price,
      unnest(list_concat(bid_change_amount, ask_change_amount)) as amount
    from depth_rows
  )

select
  instrument, date, message, reset, local_timestamp,
  case when place < bids then 'bid' else 'ask' end as side,
  price, amount
from changes;
comment on view depth_changes is
  'One row per price level that a message changed; amount is absolute, 0 = gone; start from nothing at each reset.';
