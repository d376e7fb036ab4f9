-- One row per time of a grid over [start, end) and price bucket of the book that stood then: t,
-- timestamp, local_timestamp, age, side, level (0 = best), price (of the bucket, see price_bucket),
-- amount (sum), levels (how many); arrival clock, UTC. At most `depth` buckets a side, made of all
-- levels. Times without a known book as in books(…).
create or replace macro bucketed_books(
  instrument, start, "end", step, tick_size, ticks, depth := 25, max_age := null
) as table
with
  buckets as (
    select
      t, timestamp, local_timestamp, age, side,
      price_bucket(side, price, tick_size, ticks) as price,
      sum(amount) as amount, count(price) as levels
    from books(instrument, start, "end", step, depth := null, max_age := max_age)
    group by all
  ),

  ranked as (
    select
      *,
      row_number() over (
        partition by t, side order by case side when 'bid' then -price else price end
      ) - 1 as level
    from buckets
  )

select
  t, timestamp, local_timestamp, age, side,
  case when side is not null then level::integer end as level, price, amount, levels
from ranked
where coalesce(
  level < case when depth is not null then whole_number(depth, 'the number of levels') end, true
)
order by t, side desc, level;
