-- One row per place in [start, end), arrival clock, UTC, at which the books of `depth` can be held
-- against each other: each keyframe, and each last message before the book starts anew or the day
-- ends. `base` is the keyframe whose rows lead there, NULL where the book starts anew; `there` says
-- whether the row that a keyframe's name promises exists; `complete` whether each message since
-- `base` is there once; `version` is that of the day.
create or replace macro keyframe_checkpoints(instrument, start, "end") as table
with
  -- A run is a keyframe and the rows that rest on it.
  runs as (
    select
      found.date, found.keyframe, found.version,
      count(*) as messages,
      max(found.message) as last,
      bool_or(found.message = found.keyframe) as there,
      bool_or(found.reset) as anew,
      arg_min(found.local_timestamp, found.message) as first_time,
      arg_max(found.local_timestamp, found.message) as last_time
    from lake_rows(files_between('depth', instrument, start, "end")) as found
    where found.bid_levels is not null
    group by all
  ),

  runs_in_order as (
    select
      *,
      case when not anew then lag(keyframe) over in_order end as base,
      lag(messages) over in_order as messages_before,
      coalesce(lead(anew) over in_order, true) as leads_nowhere
    from runs
    window in_order as (partition by date order by keyframe)
  )

select
  date, version, keyframe as message, first_time as local_timestamp, base, there,
  anew or coalesce(messages_before = keyframe - base, false) as complete
from runs_in_order
where is_between(first_time, start, "end")
union all
select date, version, last, last_time, keyframe, true, messages = last - keyframe + 1
from runs_in_order
where leads_nowhere and last > keyframe and is_between(last_time, start, "end");
