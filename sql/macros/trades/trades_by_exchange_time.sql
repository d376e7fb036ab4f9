-- One row per trade whose exchange time is in [start, end), UTC, recorded or fetched from REST after a
-- hole in the feed, in order of that time: timestamp, side, price, amount, id, then of those recorded
-- local_timestamp, date, arrival and item, NULL of those fetched, and origin, slice, line. REST's
-- trades have no id, and the same print may be made twice, so they are matched as multisets: of each
-- side, price, amount and millisecond there are as many rows as were recorded, or as one answer has,
-- whichever is more, the recorded ones first. What was fetched counts on days (UTC) whose recorded
-- trades are of the same host, or that have none: another source may tell the same trades otherwise.
-- Looks at what was recorded within an hour of the range. What neither was recorded nor fetched is
-- lacking without a sign; trade_gaps says where the feed was not heard.
create or replace macro trades_by_exchange_time(instrument, start, "end") as table
with
  of_days as materialized (
    select
      timestamp, side, price, amount, id, local_timestamp, date, arrival, item,
      origin, slice, line
    from lake_rows(files_between(
      'trades', instrument, utc(start) - interval 1 hour, utc("end") + interval 1 hour
    ))
  ),

  recorded as (
    select
      *,
      row_number() over (
        partition by timestamp, side, price, amount order by date, arrival, item
      ) as nth
    from of_days
    where is_between(timestamp, start, "end")
  ),

  hosts as (
    select distinct date as day, substr(origin, instr(origin, ':') + 1) as host
    from of_days
  ),

  in_answers as (
    select
      timestamp, side, price, amount, origin, slice, line,
      timestamp::date as day,
      substr(origin, instr(origin, ':') + 1) as host,
      row_number() over (
        partition by timestamp, side, price, amount, slice, line order by item
      ) as nth
    from lake_rows(files_between('rest_trades', instrument, start, "end"))
    where is_between(timestamp, start, "end")
  ),

  -- An nth of a kind is there if one answer has as many.
  fetched as (
    select timestamp, side, price, amount, nth, min({slice: slice, line: line, origin: origin}) as place
    from in_answers
    where (day, host) in (select (day, host) from hosts) or day not in (select day from hosts)
    group by timestamp, side, price, amount, nth
  ),

  lacking as (
    select *
    from fetched
    anti join recorded using (timestamp, side, price, amount, nth)
  )

select
  timestamp, side, price, amount, id, local_timestamp, date, arrival, item, origin, slice, line
from recorded
union all
select
  timestamp, side, price, amount, null, null, null, null, null, place.origin, place.slice, place.line
from lacking
order by timestamp, date nulls last, arrival, item, side, price, amount;
