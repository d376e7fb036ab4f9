-- One row per price level that a message changed: side, price, new amount (0 = gone). Applied in
-- order of message, starting from nothing at each message with `reset`, they give every book.
create or replace view depth_changes as
with
  changes as (
    select
      instrument, date, message, reset, local_timestamp, 'bid' as side,
      unnest(bid_change_price) as price, unnest(bid_change_amount) as amount
    from depth_rows
    union all
    select
      instrument, date, message, reset, local_timestamp, 'ask' as side,
      unnest(ask_change_price) as price, unnest(ask_change_amount) as amount
    from depth_rows
  )

from changes;
comment on view depth_changes is
  'One row per price level that a message changed; amount is absolute, 0 = gone; start from nothing at each reset.';
