-- One row per book of the full channel in [start, end), arrival clock, UTC, whose best bid stood at or
-- above its best ask: `overlap` is by how much, 0 where the two are equal. A row proves that the
-- message said so, since its levels are kept as received. It can't prove whether the exchange's book
-- was so: an engine caught between two steps shows the same. None proves nothing of one-sided books.
create or replace macro check_crossed(instrument, start, "end") as table
select
  found.instrument, found.date, found.message, found.local_timestamp, found.timestamp,
  found.bid_price, found.bid_amount, found.ask_price, found.ask_amount,
  found.bid_price - found.ask_price as overlap,
  found.slice, found.line
from depth_messages(instrument, start, "end") as found
where found.crossed;
