-- One row per book of the full depth channel: best bid and ask, standing in
-- [local_timestamp, valid_until), arrival clock, UTC. NULL where a side is empty.
create or replace view quotes as
select
  instrument, date, message, arrival, local_timestamp, timestamp, valid_until,
  bid_price, bid_amount, ask_price, ask_amount, crossed, checksum_status
from depth_messages
where bid_levels is not null;
comment on view quotes is
  'One row per book: best bid and ask, standing in [local_timestamp, valid_until), arrival clock, UTC.';
