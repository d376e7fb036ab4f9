-- One row per stretch [start, stop) of a day in which trades may be lacking, in some files of
-- `trade_gaps`, with whose it is, and before them one of each day in the lake: of cause 'midnight', and
-- empty, with the number of trades that the day has. Where a day ended in a disconnect, the next one
-- begins with a stretch up to its first line; the files must have both days to tell.
create or replace macro trade_gap_rows(files) as table
with
  stored as materialized (
    select *
    from lake_rows(files)
  ),

  ended_in_a_disconnect as (
    select instrument, date
    from stored
    where cause = 'disconnect' and stop = (date + 1)::timestamp
  ),

  carried as (
    select instrument, stored.date, start, stop, version
    from stored
    join ended_in_a_disconnect as before using (instrument)
    where cause = 'midnight' and stored.date = before.date + 1 and start < stop
  )

select instrument, date, start, start as stop, cause, trades, version
from stored
where cause = 'midnight'
union all
-- Up to the first line nothing else can have ended: what began there is part of the same stretch.
select
  stored.instrument, stored.date, stored.start, stored.stop, stored.cause, null, stored.version
from stored
left join carried using (instrument, date)
where stored.cause <> 'midnight' and (carried.stop is null or stored.start >= carried.stop)
union all
select instrument, date, start, stop, 'disconnect', null, version
from carried;
