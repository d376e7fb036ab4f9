-- One row per message of the full channel in [start, end), arrival clock, UTC, that repeats the seq_num
-- of the message before it: `same_book` says whether it also repeats its book, and is NULL where that
-- is not known, since the book starts anew (after a gap). A repeat of the same book is a message sent
-- twice; one of another book is two books under one number, of which either may be wrong. The first
-- message of a day is not compared with the day before.
create or replace macro check_duplicates(instrument, start, "end") as table
select
  found.instrument, found.date, found.message, found.local_timestamp, found.timestamp, found.seq_num,
  case
    when not found.reset and found.bid_levels is not null
      then len(found.bid_change_price) + len(found.ask_change_price) = 0
  end as same_book,
  found.slice, found.line
from depth_rows(instrument, start, "end") as found
where found.duplicate;
