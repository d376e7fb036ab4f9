-- One row per stretch [start, stop) of a day in which trades may be lacking, in some files of
-- `trade_gaps`, with whose it is, and before them one of each day in the lake: of cause 'midnight', and
-- empty, with the number of trades that the day has. Where a day ended in a disconnect, in a
-- changeover, or with what another recorder has, the next one begins with a stretch up to its first
-- line; the files must have both days to tell.
create or replace macro trade_gap_rows(files) as table
with
  stored as materialized (
    select *
    from lake_rows(files)
  ),

  ended_unsure as (
    select instrument, date + 1 as next_date, cause
    from stored
    where cause in ('disconnect', 'changeover') and stop = (date + 1)::timestamp
    union all
    select instrument, following.date, 'changeover'
    from stored
    join stored as following using (instrument)
    where stored.cause = 'midnight' and following.cause = 'midnight'
      and following.date = stored.date + 1
      and recorder_of(stored.last_origin) <> recorder_of(following.first_origin)
  ),

  carried as (
    select instrument, stored.date, start, stop, min(before.cause) as cause, version
    from stored
    join ended_unsure as before using (instrument)
    where stored.cause = 'midnight' and stored.date = next_date and start < stop
    group by all
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
select instrument, date, start, stop, cause, null, version
from carried;
