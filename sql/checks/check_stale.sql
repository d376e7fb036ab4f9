-- One row per stretch [starts, ends) within [start, end), arrival clock, UTC, of more than `longest` in
-- which no message of the full channel arrived although no gap is known: between two messages, or up
-- to a gap or the range's end; `ended_by` says which ('message', 'gap', 'range'). The feed is a
-- heartbeat, so a row proves that the exchange stood still or the recorder was deaf, not which. What
-- began before `start` counts from there. What `gaps` has (among it days without any message,
-- no_snapshot) and days that are not in the lake are unknown, not silent.
create or replace macro check_stale(instrument, start, "end", longest := interval 1 minute) as table
with
  edges as (
    select utc(start) as time, 'range' as kind
    union all
    select utc("end"), 'range'
    union all
    select found.local_timestamp, 'message'
    from lake_rows(files_between('depth', instrument, start, "end")) as found
    where is_between(found.local_timestamp, start, "end")
  ),

  between_edges as (
    select
      time as starts,
      lead(time) over in_order as ends,
      lead(kind) over in_order as ended_by
    from edges
    window in_order as (order by time)
  ),

  silences as (
    from between_edges
    where ends - starts > longest and utc(start) < utc("end")
  ),

  covered as (
    select coverage.date
    from coverage
    where coverage.instrument = instrument
  ),

  holes as (
    select found.start as starts, found.stop as ends
    from gaps(instrument, start, "end") as found
    union all
    select timestamp '-infinity', coalesce(min(date), 'infinity')
    from covered
    union all
    select date + interval 1 day, coalesce(lead(date) over (order by date), 'infinity')
    from covered
  ),

  -- What is left of a silence begins with it, or where a hole in it ends, and goes on to the next one.
  begun as (
    select starts, ends, ended_by
    from silences
    union
    select holes.ends, silences.ends, ended_by
    from silences
    join holes
      on holes.ends > silences.starts and holes.ends < silences.ends and holes.starts < holes.ends
  ),

  outside_holes as (
    from begun
    anti join holes
      on holes.starts <= begun.starts and begun.starts < holes.ends
  ),

  known as (
    select
      outside_holes.starts,
      least(min(holes.starts), any_value(outside_holes.ends)) as ends,
      case when min(holes.starts) is null then any_value(ended_by) else 'gap' end as ended_by
    from outside_holes
    left join holes
      on holes.starts > outside_holes.starts
      and holes.starts < outside_holes.ends
      and holes.starts < holes.ends
    group by outside_holes.starts
  )

select instrument as instrument, starts, ends, ends - starts as lasted, ended_by
from known
where ends - starts > longest;
