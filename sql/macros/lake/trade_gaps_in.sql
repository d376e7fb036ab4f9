-- One row per stretch [start, stop) of a day in which trades may be lacking, in some files of
-- `trade_gaps`, with whose it is: what the view shows. Where a day ended in a disconnect, the next one
-- begins with a stretch up to its first line; the files must have both days to tell.
create or replace macro trade_gaps_in(files) as table
with
  stored as materialized (
    select instrument, date, start, stop, cause
    from lake_rows(files)
  ),

  ended_in_a_disconnect as (
    select instrument, date
    from stored
    where cause = 'disconnect' and stop = (date + 1)::timestamp
  ),

  carried as (
    select instrument, stored.date, start, stop
    from stored
    join ended_in_a_disconnect as before using (instrument)
    where cause = 'midnight' and stored.date = before.date + 1 and start < stop
  )

-- Up to the first line nothing else can have ended: what began there is part of the same stretch.
select stored.instrument, stored.date, stored.start, stored.stop, stored.cause
from stored
left join carried using (instrument, date)
where stored.cause <> 'midnight' and (carried.stop is null or stored.start >= carried.stop)
union all
select instrument, date, start, stop, 'disconnect'
from carried;
