-- One row per price level of the book that stood at a time: what book_at(instrument, t) asks, of
-- the instrument's folder (folder_name) and a TIMESTAMP in UTC.
create or replace macro book_in_folder(folder, t) as table
with
  -- A book stands until valid_until, which never falls from one message to the next. So the first
  -- message whose end is still to come is the one that stands, if it has arrived. If it is the
  -- day's first and has not, the book of the day before may stand, up to carry_until.
  -- Ordered by all that is read, since otherwise DuckDB reads the file twice for a LIMIT.
  next_to_end as materialized (
    select
      message, keyframe, local_timestamp, valid_until, carry_until, recorder_of(origin) as recorder,
      version
    from read_parquet(
      [day_file('depth', folder, t), empty_file('depth')],
      allow_empty = true
    )
    where valid_until > t
    order by all
    limit 1
  ),

  -- The day whose last book may be carried, else that of the file without rows: one row, always,
  -- so that the join below names the one file that it opens.
  carried_from as (
    select
      coalesce(max(t::date - 1), date '1970-01-01') as date, any_value(recorder) as recorder
    from next_to_end
    where carry_until > t
  ),

  -- Its recorder is looked at behind all else: beside it DuckDB would open the file for nothing.
  carried as materialized (
    select date, message, keyframe, version, recorder_of(origin) as recorder
    from read_parquet(
      [day_file('depth', folder, t), day_file('depth', folder, t::date - 1), empty_file('depth')],
      allow_empty = true, hive_partitioning = true
    )
    join carried_from using (date)
    where valid_until >= t::date and local_timestamp <= t
    order by message desc
    limit 1
  ),

  standing as materialized (
    select t::date as date, message, keyframe, version
    from next_to_end
    where local_timestamp <= t
    union all
    select date, message, keyframe, version
    from carried
    where recorder = (select recorder from carried_from)
  ),

  -- A message that is no book ends the one before it. Of one that is, also what is not found comes
  -- through: that is another version, too.
  since_keyframe as materialized (
    select
      days.message, days.message = days.keyframe as whole,
      bid_change_price, bid_change_amount, ask_change_price, ask_change_amount,
      book_bid_price, book_bid_amount, book_ask_price, book_ask_amount
    from read_parquet(
      [day_file('depth', folder, t), day_file('depth', folder, t::date - 1), empty_file('depth')],
      allow_empty = true, hive_partitioning = true
    ) as days
    right join (from standing where keyframe is not null) as standing
      on days.date = standing.date
      and days.keyframe = standing.keyframe
      and days.message <= standing.message
    where same_version(days.version, standing.version)
  ),

  -- The keyframe itself is a whole book, every later message what changed; the last word counts.
  said as (
    select
      message, 'bid' as side,
      unnest(case when whole then book_bid_price else bid_change_price end) as price,
      unnest(case when whole then book_bid_amount else bid_change_amount end) as amount
    from since_keyframe
    union all
    select
      message, 'ask',
      unnest(case when whole then book_ask_price else ask_change_price end),
      unnest(case when whole then book_ask_amount else ask_change_amount end)
    from since_keyframe
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
order by side desc, level;
