-- One row per stretch [starts, ends) in which trades are known to have been recorded, and which overlaps
-- [start, end), whole, but cut at midnights: what trade_feed asks. `gap_rows` is the name of a relation
-- with what trade_gap_rows says of one instrument.
create or replace macro recorded_in(gap_rows, start, "end") as table
with
  limits as (
    select date, lacking.start as begins, stop
    from query_table(gap_rows) as lacking
    where cause <> 'midnight'
    union all
    select date, (date + 1)::timestamp, (date + 1)::timestamp
    from query_table(gap_rows)
    where cause = 'midnight' and is_touched(date, start, "end")
  ),

  stretches as (
    select
      date,
      coalesce(
        lag(stop) over (partition by date order by begins, stop), date::timestamp
      ) as starts,
      begins as ends
    from limits
  )

select date, starts, ends
from stretches
where starts < ends and starts < utc("end") and ends > utc(start) and utc(start) < utc("end");
