-- One row per price level of the book that stood at a time: side ('bid', 'ask'), level (0 = best),
-- price, amount. `t` is on the arrival clock, UTC. Of several messages in one microsecond the last
-- counts. No rows where the book is unknown: before the first snapshot, from just after the last
-- line before a disconnect until the next snapshot, in minutes never fetched, after the end of
-- coverage. Until the day's first message the last book of the day before stands, if no gap lies
-- between. Reads the one or two files that it needs, whatever else is in the lake. An error, never
-- a mixture, if a file is replaced between its two readings: ask again.
create or replace macro book_at(instrument, t) as table
with
  today as materialized (
    select
      'today' as day, message, keyframe, slice, line, item,
      local_timestamp, valid_until, carry_until
    from read_parquet(day_files('depth', instrument, utc(t)::date), allow_empty = true)
    where local_timestamp <= utc(t) or message = 0
  ),

  standing_today as (
    select * exclude (carry_until)
    from today
    where local_timestamp <= utc(t) and valid_until > utc(t)
    order by message desc
    limit 1
  ),

  last_of_yesterday as (
    select
      'yesterday' as day, message, keyframe, slice, line, item, local_timestamp, valid_until
    from read_parquet(
      day_files('depth', instrument, utc(t)::date - interval 1 day), allow_empty = true
    )
    where local_timestamp <= utc(t)
    order by message desc
    limit 1
  ),

  -- The day's first message says until when the last book of the day before still stood.
  carried_from_yesterday as (
    from last_of_yesterday
    where valid_until >= date_trunc('day', utc(t))
      and exists (from today where message = 0 and carry_until > utc(t))
      and not exists (from today where local_timestamp <= utc(t))
  ),

  standing as materialized (
    from standing_today
    union all
    from carried_from_yesterday
  ),

  since_keyframe as materialized (
    select days.*
    from (
      select 'today' as day, *
      from read_parquet(day_files('depth', instrument, utc(t)::date), allow_empty = true)
      where message <= (select max(message) from standing)
        and message >= (select min(keyframe) from standing)
      union all
      select 'yesterday' as day, *
      from read_parquet(
        day_files('depth', instrument, utc(t)::date - interval 1 day), allow_empty = true
      )
      where message <= (select max(message) from standing)
        and message >= (select min(keyframe) from standing)
    ) as days
    semi join standing using (day)
  ),

  -- The second reading must have found the very message that the first one chose.
  found_again as (
    select count(*) as messages
    from since_keyframe
    semi join standing
      using (day, message, keyframe, slice, line, item, local_timestamp, valid_until)
  ),

  -- The keyframe itself is a whole book, every later message what changed; the last word counts.
  said as (
    select message, 'bid' as side, unnest(book_bid_price) as price, unnest(book_bid_amount) as amount
    from since_keyframe where message = keyframe
    union all
    select message, 'ask', unnest(book_ask_price), unnest(book_ask_amount)
    from since_keyframe where message = keyframe
    union all
    select message, 'bid', unnest(bid_change_price), unnest(bid_change_amount)
    from since_keyframe where message > keyframe
    union all
    select message, 'ask', unnest(ask_change_price), unnest(ask_change_amount)
    from since_keyframe where message > keyframe
  ),

  book as (
    select side, price, arg_max(amount, message) as amount
    from said
    group by side, price
  )

select
  side,
  (row_number() over (
    partition by side order by case side when 'bid' then -price else price end
  ) - 1)::integer as level,
  price,
  amount
from book
where amount <> 0
union all
-- Never a row: either both readings agree, or this fails.
select error('the lake was replaced while it was read; ask again'), null, null, null
from found_again
where messages <> (select count(*) from standing)
order by side desc, level;
