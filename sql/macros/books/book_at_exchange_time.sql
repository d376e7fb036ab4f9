-- One row per price level of the book that stood at a time of the exchange's clock: side ('bid', 'ask'),
-- level (0 = best), price, amount. A book stands there from its timestamp to that of the next message,
-- if no gap lies between; where the exchange's clock stepped back, the last in line order counts. The
-- last book before a gap has no end that is known, so it is no answer. Looks at what arrived within
-- an hour of t. No rows where the book is unknown.
create or replace macro book_at_exchange_time(instrument, t) as table
with
  in_turn as (
    select
      date, message, keyframe, version, timestamp,
      lead(timestamp) over in_order as next_timestamp,
      lead(unbroken) over in_order as next_unbroken
    from books_in_turn(
      files_of_days(
        'depth', instrument,
        days_with_carry_around(utc(t) - interval 1 hour, utc(t) + interval 1 hour)
      ),
      utc(t) - interval 1 hour, utc(t) + interval 1 hour
    )
    window in_order as (order by date, message)
  ),

  standing as materialized (
    select date, message, keyframe, version
    from in_turn
    where next_unbroken and timestamp <= utc(t) and next_timestamp > utc(t)
    order by date desc, message desc
    limit 1
  )

select side, level, price, amount
from levels_of(
  files_of_days(
    'depth', instrument,
    days_with_carry_around(utc(t) - interval 1 hour, utc(t) + interval 1 hour)
  ),
  'standing', null
)
order by side desc, level;
