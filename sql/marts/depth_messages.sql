-- One row per message of the full depth channel, in line order by (instrument, date, message): the
-- index of all books. A book stands in [local_timestamp, valid_until), arrival clock, UTC.
create or replace view depth_messages as
select * exclude (
  exchange, bid_change_price, bid_change_amount, ask_change_price, ask_change_amount,
  book_bid_price, book_bid_amount, book_ask_price, book_ask_amount
)
from depth_rows;
comment on view depth_messages is
  'One row per message of the full depth channel: times, sequence, labels, best bid and ask. The book stands in [local_timestamp, valid_until), arrival clock, UTC.';
