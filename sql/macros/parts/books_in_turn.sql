-- One row per book that arrived in [start, end), arrival clock, and per book just before one of these, in line
-- order by (date, message): date, message, keyframe, arrival, times, best prices, the version of its
-- day, `asked` (it arrived in the range) and `unbroken` (the row before is the book that stood until
-- this one arrived, midnight between them or not). `files` are those of `depth` around the range and
-- of the day before.
create or replace macro books_in_turn(files, start, "end") as table
with
  messages as (
    select
      date, message, keyframe, arrival, timestamp, local_timestamp, valid_until, carry_until, reset,
      bid_price, bid_amount, ask_price, ask_amount, version, recorder_of(origin) as recorder,
      is_between(local_timestamp, start, "end") as asked
    from lake_rows(files)
  ),

  asked_messages as (
    select
      date, min(message) as first_message, max(message) as last_message, any_value(version) as version
    from messages
    where asked
    group by date
  ),

  chosen as (
    select messages.*
    from messages
    right join asked_messages
      on messages.date = asked_messages.date
      and message between first_message - 1 and last_message
    where same_version(messages.version, asked_messages.version)
    union all
    select messages.*
    from messages
    join asked_messages on messages.date + 1 = asked_messages.date
    anti join asked_messages as of_the_day on messages.date = of_the_day.date
    where first_message = 0 and valid_until >= asked_messages.date::timestamp
  )

select
  date, message, keyframe, arrival, timestamp, local_timestamp,
  bid_price, bid_amount, ask_price, ask_amount, version, asked,
  case
    when message > 0 then not reset
    -- The day before stood to its end, and no break lies between that and the first message.
    else coalesce(
      carry_until >= local_timestamp
      and lag(date) over in_turn = date - 1
      and lag(keyframe) over in_turn is not null
      and lag(valid_until) over in_turn >= date::timestamp
      and lag(recorder) over in_turn = recorder,
      false
    )
  end as unbroken
from chosen
window in_turn as (order by date, message)
-- Last, since a message that is no book ends the one before it.
qualify keyframe is not null;
