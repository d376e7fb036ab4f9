-- One row per message of the full channel in [start, end), arrival clock, UTC, whose times can't be
-- right, or are far apart. `delay` is local_timestamp - timestamp, and `causes` is a list of
-- 'before_exchange' (it arrived before the exchange's time), 'late' (more than `most` after it),
-- 'arrival_backwards' and 'exchange_backwards' (that clock is behind the message before, in line
-- order). A row proves that one of two clocks is off or that a line was held up, not which. A steady
-- offset of both clocks shows nowhere. Messages without a timestamp are held against the arrival
-- clock alone, and the message before may have arrived before `start`.
create or replace macro check_clocks(instrument, start, "end", most := interval 1 second) as table
with
  messages as (
    select
      found.instrument, found.date, found.message, found.local_timestamp, found.timestamp,
      found.slice, found.line,
      found.local_timestamp - found.timestamp as delay,
      lag(found.local_timestamp) over in_order as arrival_before,
      lag(found.timestamp) over in_order as exchange_before
    from lake_rows(files_between('depth', instrument, start, "end")) as found
    window in_order as (order by found.date, found.message)
  ),

  judged as (
    select
      *,
      list_filter(
        [
          case when delay < interval 0 second then 'before_exchange' end,
          case when delay > most then 'late' end,
          case when local_timestamp < arrival_before then 'arrival_backwards' end,
          case when timestamp < exchange_before then 'exchange_backwards' end
        ],
        lambda cause: cause is not null
      ) as causes
    from messages
    where
      delay < interval 0 second or delay > most
      or local_timestamp < arrival_before or timestamp < exchange_before
  )

select
  judged.instrument, date, message, local_timestamp, timestamp, delay, causes,
  arrival_before, exchange_before, slice, line
from judged
where is_between(local_timestamp, start, "end");
