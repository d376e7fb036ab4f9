-- One row per price level of some books: date, message, side ('bid', 'ask'), level (0 = best), price,
-- amount. `wanted` is the name of a relation with date, message and keyframe of each, and the version of
-- the day in which they were found: an error if the files now have another. At most `depth` levels a
-- side, NULL for all. Books are rebuilt a keyframe at a time, however many are wanted of it: a price
-- keeps its amount from the message that said so to the next one that says otherwise.
create or replace macro levels_of(files, wanted, depth) as table
with
  wanted_books as (
    select distinct date, keyframe, message, version
    from query_table(wanted)
  ),

  -- Numbered through, so that a stretch of wanted books is a range of numbers.
  numbered as materialized (
    select date, keyframe, message, version, row_number() over (order by date, message) as book
    from wanted_books
  ),

  segments as (
    select date, keyframe, version, max(message) as last_message, max(book) as last_book
    from numbered
    group by date, keyframe, version
  ),

  -- Also a segment of which nothing is found comes through: that is another version, too.
  messages as (
    select
      days.date, days.keyframe, days.message, days.message = days.keyframe as whole, last_book,
      bid_change_price, bid_change_amount, ask_change_price, ask_change_amount,
      book_bid_price, book_bid_amount, book_ask_price, book_ask_amount
    from lake_rows(files) as days
    right join segments
      on days.date = segments.date
      and days.keyframe = segments.keyframe
      and days.message <= last_message
    where same_version(days.version, segments.version)
  ),

  -- The first wanted book that knows of each message.
  known_from as (
    select messages.*, book
    from messages
    asof join numbered
      on messages.date = numbered.date
      and messages.keyframe = numbered.keyframe
      and messages.message <= numbered.message
  ),

  said as (
    select
      date, keyframe, message, book, last_book, 'bid' as side,
      unnest(case when whole then book_bid_price else bid_change_price end) as price,
      unnest(case when whole then book_bid_amount else bid_change_amount end) as amount
    from known_from
    union all
    select
      date, keyframe, message, book, last_book, 'ask',
      unnest(case when whole then book_ask_price else ask_change_price end),
      unnest(case when whole then book_ask_amount else ask_change_amount end)
    from known_from
  ),

  last_words as (
    select date, keyframe, book, last_book, side, price, arg_max(amount, message) as amount
    from said
    group by all
  ),

  stretches as (
    select
      book, side, price, amount,
      lead(book, 1, last_book + 1) over (
        partition by date, keyframe, side, price order by book
      ) as until
    from last_words
  ),

  levels as (
    select unnest(range(book, until)) as book, side, price, amount
    from stretches
    where amount <> 0
  ),

  ranked as (
    select
      book, side, price, amount,
      row_number() over (
        partition by book, side order by case side when 'bid' then -price else price end
      ) - 1 as level
    from levels
  )

select date, message, side, level::integer as level, price, amount
from ranked
join numbered using (book)
-- coalesce: all levels where no depth is given. It also hides from DuckDB that only the first few
-- are wanted, for which its plan takes minutes where there are 100,000 books.
where coalesce(
  level < case when depth is not null then whole_number(depth, 'the number of levels') end, true
);
