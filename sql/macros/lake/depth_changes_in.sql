-- One row per price level that a message changed, in some files of `depth`: side, price, new amount
-- (0 = gone).
create or replace macro depth_changes_in(files) as table
with
  -- One reading of the file, so that both sides are of one version of it.
  changes as (
    select
      instrument, date, message, reset, local_timestamp, version,
      len(bid_change_price) as bids,
      unnest(range(len(bid_change_price) + len(ask_change_price))) as place,
      unnest(list_concat(bid_change_price, ask_change_price)) as price,
      unnest(list_concat(bid_change_amount, ask_change_amount)) as amount
    from lake_rows(files)
  )

select
  instrument, date, message, reset, local_timestamp,
  case when place < bids then 'bid' else 'ask' end as side,
  price, amount, version
from changes;
