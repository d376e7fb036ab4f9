-- One row per stretch [starts, ends) in which the instrument's trades are known to have been
-- recorded, and which overlaps [start, end), whole, but cut at midnights; arrival clock, UTC. A
-- minute that was fetched counts from its start on. No trade in it means that there was none;
-- outside (in trade_gaps, and on days that are not in the lake) it means nothing. A line that could
-- not be read, and stands in quarantine, may have been a trade.
create or replace macro trade_feed(instrument, start, "end") as table
with
  known_days as (
    select date
    from lake_rows(files_of_days('trade_gaps', instrument, days_with_carry(start, "end")))
    where cause = 'midnight' and is_touched(date, start, "end")
  ),

  limits as (
    select lacking.date, lacking.start, lacking.stop
    from trade_gaps_in(
      files_of_days('trade_gaps', instrument, days_with_carry(start, "end"))
    ) as lacking
    union all
    select date, (date + 1)::timestamp, (date + 1)::timestamp
    from known_days
  ),

  stretches as (
    select
      date,
      coalesce(
        lag(limits.stop) over (partition by date order by limits.start, limits.stop),
        date::timestamp
      ) as starts,
      limits.start as ends
    from limits
  )

select date, starts, ends
from stretches
where starts < ends and starts < utc("end") and ends > utc(start) and utc(start) < utc("end")
order by starts;
