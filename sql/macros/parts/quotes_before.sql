-- One row per line of a relation: the book that stood just before it in line order, in some files of
-- `depth`: date, arrival (of the line), quote_timestamp, quote_local_timestamp, quote_age, and its best
-- prices. All NULL but date and arrival where no book is known, or none younger than `max_age` (an
-- INTERVAL, or NULL). `lines` is the name of a relation with date, arrival and local_timestamp, each
-- once, of lines that arrived from `since` on, and the version of the day in which they were found: an
-- error if the files now have another. Before means before in line order: of what arrived in the same
-- microsecond, a message counts if it stands earlier in the file, and not if it stands later.
create or replace macro quotes_before(files, lines, since, max_age) as table
with
  first_messages as materialized (
    select date, version, arrival, local_timestamp, carry_until, recorder_of(origin) as recorder
    from lake_rows(files)
    where message = 0
  ),

  -- A day may have lines, and no message of `depth`.
  asked_lines as (
    select asked.date, asked.arrival, asked.local_timestamp as arrived
    from query_table(lines) as asked
    left join first_messages using (date)
    where same_version_if_both(asked.version, first_messages.version)
  ),

  -- Since valid_until never falls from one message of a day to the next, what is left out here stands
  -- before all that is wanted, up to a minute more for lines that arrived just after their day. There is
  -- no such bound at the other end: by a clock that jumps ahead, a message of any time may stand before
  -- a line.
  messages as (
    select
      days.date, days.arrival, timestamp, days.local_timestamp, valid_until,
      bid_levels is not null as is_book, bid_price, bid_amount, ask_price, ask_amount
    from lake_rows(files) as days
    left join first_messages on first_messages.date = days.date
    where days.valid_until >= since - interval 1 minute
      and same_version(days.version, first_messages.version)
  ),

  of_the_day as (
    select
      asked_lines.date, asked_lines.arrival, arrived, timestamp, local_timestamp, valid_until,
      is_book, bid_price, bid_amount, ask_price, ask_amount
    from asked_lines
    asof join messages
      on asked_lines.date = messages.date and asked_lines.arrival > messages.arrival
  ),

  -- The next message, which ends the book, may be of the line's own microsecond, and stand behind it.
  ended_at_once as (
    select of_the_day.date, of_the_day.arrival
    from of_the_day
    semi join messages
      on of_the_day.date = messages.date
      and of_the_day.arrived = messages.local_timestamp
      and of_the_day.arrival < messages.arrival
    where arrived = valid_until
  ),

  -- A day's last message, if it stood to the end of the day.
  last_messages as (
    select
      date, version,
      arg_max(
        {
          is_book: bid_levels is not null, recorder: recorder_of(origin),
          timestamp: timestamp, local_timestamp: local_timestamp,
          bid_price: bid_price, bid_amount: bid_amount,
          ask_price: ask_price, ask_amount: ask_amount
        },
        message
      ) as last
    from lake_rows(files)
    where valid_until >= (date + 1)::timestamp and valid_until >= since::date
    group by date, version
  ),

  left_over as (
    select last_messages.date, last
    from last_messages
    left join first_messages using (date)
    where same_version(last_messages.version, first_messages.version)
  ),

  carried as (
    select
      asked_lines.date, asked_lines.arrival, arrived, last.timestamp,
      last.local_timestamp, last.bid_price, last.bid_amount, last.ask_price, last.ask_amount
    from asked_lines
    join first_messages as following on following.date = asked_lines.date
    join left_over on left_over.date + 1 = asked_lines.date
    where last.is_book and last.recorder = following.recorder
      and asked_lines.arrival < following.arrival
      and (
        arrived < carry_until
        or (arrived = carry_until and arrived = following.local_timestamp)
      )
  ),

  standing as (
    select
      date, arrival, arrived, timestamp, local_timestamp,
      bid_price, bid_amount, ask_price, ask_amount
    from of_the_day
    where is_book
      and (
        arrived < valid_until
        or (date, arrival) in (from ended_at_once)
        -- Both arrived just after their day, or the line did. Its end is no hole in its file.
        or (valid_until >= (date + 1)::timestamp and arrived >= (date + 1)::timestamp)
      )
    union all
    select *
    from carried
  )

select
  asked_lines.date, asked_lines.arrival,
  standing.timestamp as quote_timestamp, standing.local_timestamp as quote_local_timestamp,
  standing.arrived - standing.local_timestamp as quote_age,
  bid_price, bid_amount, ask_price, ask_amount
from asked_lines
left join standing
  on standing.date = asked_lines.date and standing.arrival = asked_lines.arrival
  and standing.local_timestamp <= standing.arrived
  and coalesce(standing.arrived - standing.local_timestamp <= max_age::interval, true);
