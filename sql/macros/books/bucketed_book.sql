-- One row per price bucket of the book that stood at a time: side ('bid', 'ask'), level (0 = best), price
-- (of the bucket, see price_bucket), amount (sum), levels (how many). Buckets without a level are no
-- rows. No rows where the book is unknown, as book_at.
create or replace macro bucketed_book(instrument, t, tick_size, ticks) as table
with
  buckets as (
    select
      side, price_bucket(side, price, tick_size, ticks) as price, sum(amount) as amount,
      count(*) as levels
    from book_at(instrument, t)
    group by all
  )

select
  side,
  (row_number() over (
    partition by side order by case side when 'bid' then -price else price end
  ) - 1)::integer as level,
  price, amount, levels
from buckets
order by side desc, level;
