-- One row per price level that changed in [start, end), in the form of Tardis's incremental_book_L2 and in
-- line order: exchange, symbol, timestamp, local_timestamp, is_snapshot, side, price, amount (absolute,
-- 0 = gone); arrival clock, UTC. is_snapshot is true where the book starts anew: at the first message
-- of the range, of a day, and after a gap; levels that are gone then are removed by rows of that
-- message before it. So Tardis's documented rule gives every book (a book is to be discarded where a
-- snapshot follows what was none), and so does a reader who only applies the rows. That between two
-- messages no book was known is not in this form: gaps says so. Sensible up to some hours.
create or replace macro incremental_book_L2(instrument, start, "end") as table
with
  asked_books as materialized (
    select
      date, message, keyframe, version, timestamp, local_timestamp,
      lag(date) over in_order as date_before,
      lag(message) over in_order as message_before,
      lag(keyframe) over in_order as keyframe_before,
      lag(version) over in_order as version_before,
      -- Also where the row before is not the message before: the clock stepped out of the range.
      coalesce(message = 0 or not unbroken or message_before <> message - 1, true) as anew
    from books_in_turn(
      files_of_days('depth', instrument, days_with_carry_around(start, "end")), start, "end"
    )
    where asked
    window in_order as (order by date, message)
  ),

  whole_books as (
    select date, message, keyframe, version
    from asked_books
    where anew
    union all
    select date_before, message_before, keyframe_before, version_before
    from asked_books
    where anew and date_before is not null
  ),

  levels as materialized (
    select *
    from levels_of(
      files_of_days('depth', instrument, days_with_carry_around(start, "end")), 'whole_books', null
    )
  ),

  snapshots as (
    select date, message, timestamp, local_timestamp, true as is_snapshot, side, price, amount
    from asked_books
    join levels using (date, message)
    where anew
  ),

  vanished as (
    select
      asked_books.date, asked_books.message, timestamp, local_timestamp,
      false as is_snapshot, levels.side, levels.price, 0.0 as amount
    from asked_books
    join levels
      on levels.date = date_before and levels.message = message_before
    anti join levels as now
      on now.date = asked_books.date and now.message = asked_books.message
      and now.side = levels.side and now.price = levels.price
    where anew
  ),

  -- What is not found, too: that is another version.
  changed as materialized (
    select
      asked_books.date, asked_books.message, asked_books.timestamp, asked_books.local_timestamp,
      bid_change_price as bid_price, bid_change_amount as bid_amount,
      ask_change_price as ask_price, ask_change_amount as ask_amount
    from lake_rows(files_of_days('depth', instrument, days_with_carry_around(start, "end"))) as days
    right join asked_books
      on days.date = asked_books.date and days.message = asked_books.message
    where not anew and same_version(days.version, asked_books.version)
  ),

  differences as (
    select
      date, message, timestamp, local_timestamp, false as is_snapshot, 'bid' as side,
      unnest(bid_price) as price, unnest(bid_amount) as amount
    from changed
    union all
    select
      date, message, timestamp, local_timestamp, false, 'ask',
      unnest(ask_price), unnest(ask_amount)
    from changed
  ),

  all_rows as (
    from snapshots
    union all
    from vanished
    union all
    from differences
  )

select
  exchange_id() as exchange, instrument as symbol, timestamp, local_timestamp,
  is_snapshot, side, price, amount
from all_rows
order by date, message, is_snapshot, side desc, case side when 'bid' then -price else price end;
