-- One row per change of the best levels in [start, end), arrival clock, UTC, in line order: timestamp,
-- local_timestamp, and the levels as lists, best first: bid_px, bid_sz, ask_px, ask_sz (DOUBLE[], at
-- most `depth` long). A book whose best levels are those of the book before is no row; the first one
-- after a gap is, whatever it is; midnight is no change. The rows of two ranges, one after the other,
-- are those of both, so the first may come after `start`: book_at says what stood then. Sensible up to
-- some hours; whole days are for Python and `coinflex-l2 derive`.
create or replace macro book_snapshots(instrument, start, "end", depth := 25) as table
with
  in_turn as materialized (
    select *
    from books_in_turn(
      files_of_days('depth', instrument, days_with_carry_around(start, "end")), start, "end"
    )
  ),

  lists as (
    select *
    from lists_of(
      files_of_days('depth', instrument, days_with_carry_around(start, "end")), 'in_turn', depth
    )
  ),

  compared as (
    select
      date, message, timestamp, local_timestamp, asked, bid_px, bid_sz, ask_px, ask_sz,
      unbroken
      and bid_px = lag(bid_px) over in_order and bid_sz = lag(bid_sz) over in_order
      and ask_px = lag(ask_px) over in_order and ask_sz = lag(ask_sz) over in_order as unchanged
    from in_turn
    join lists using (date, message)
    window in_order as (order by date, message)
  )

select timestamp, local_timestamp, bid_px, bid_sz, ask_px, ask_sz
from compared
where asked and not unchanged
order by date, message;
