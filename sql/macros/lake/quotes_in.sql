-- One row per book in some files of `depth`: best bid and ask. NULL where a side is empty.
create or replace macro quotes_in(files) as table
select
  instrument, date, message, arrival, local_timestamp, timestamp, valid_until,
  bid_price, bid_amount, ask_price, ask_amount, crossed, checksum_status, version
from lake_rows(files)
where bid_levels is not null;
