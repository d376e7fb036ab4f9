-- One row per stretch [starts, ends) within [start, end), arrival clock, UTC, of more than `longest` in
-- which no message of the full channel arrived although no gap is known: between two messages, or up
-- to a gap or the range's end; `ended_by` says which ('message', 'gap', 'range'). The feed is a
-- heartbeat, so a row proves that the exchange stood still or the recorder was deaf, not which. What
-- began before `start` counts from there. What `gaps` has (among it days without any message,
-- no_snapshot) and days that are not in the lake are unknown, not silent.
create or replace macro check_stale(instrument, start, "end", longest := interval 1 minute) as table
with
  messages as materialized (
    select date, message, local_timestamp, carry_until, version
    from lake_rows(files_between('depth', instrument, start, "end"))
  ),

  -- The last book of a day that stands on after midnight is one stretch.
  stood as (
    select date, version, min(starts) as starts, max(ends) as ends
    from standing_books(instrument, start, "end")
    group by date, message, version
  ),

  -- Also where no book is known from the day before, a day is silent up to its first message.
  begun as (
    select date, version, date::timestamp as starts, carry_until as ends
    from messages
    anti join stood on stood.date + 1 = messages.date and stood.ends > messages.date::timestamp
    where message = 0
  ),

  known as materialized (
    select
      date, version,
      greatest(starts, utc(start)) as starts,
      least(ends, utc("end")) as ends
    from (from stood union all from begun)
    where starts < utc("end") and ends > utc(start)
  ),

  -- By the clock, wherever it stepped back: what arrived before may have a later time.
  moments as (
    select local_timestamp as moment
    from messages
    union
    select starts
    from known
  ),

  pauses as (
    select moment, lead(moment) over (order by moment) as next_moment
    from moments
    qualify coalesce(next_moment - moment > longest, true)
  ),

  silences as (
    select date, version, moment as starts, least(next_moment, ends) as ends
    from pauses
    asof join known on pauses.moment >= known.starts
    where moment < ends
  ),

  read_days as (
    select date, any_value(version) as version
    from messages
    group by date
  )

select
  instrument as instrument, starts, ends, ends - starts as lasted,
  case
    when ends = utc("end") then 'range'
    when ends in (select local_timestamp from messages) then 'message'
    else 'gap'
  end as ended_by
from silences
left join read_days using (date)
where ends - starts > longest
  and same_version_if_both(silences.version, read_days.version)
order by starts;
