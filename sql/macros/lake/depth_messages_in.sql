-- One row per message in some files of `depth` or of another depth channel: the index of its books.
create or replace macro depth_messages_in(files) as table
select * exclude (
  bid_change_price, bid_change_amount, ask_change_price, ask_change_amount,
  book_bid_price, book_bid_amount, book_ask_price, book_ask_amount
)
from lake_rows(files);
