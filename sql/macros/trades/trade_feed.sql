-- One row per stretch [starts, ends) in which the instrument's trades are known to have been
-- recorded, and which overlaps [start, end), whole, but cut at midnights; arrival clock, UTC. A
-- minute that was fetched counts from its start on. No trade in it means that there was none;
-- outside (in trade_gaps, and on days that are not in the lake) it means nothing. A line that could
-- not be read, and stands in quarantine, may have been a trade.
create or replace macro trade_feed(instrument, start, "end") as table
with
  gap_rows as materialized (
    select *
    from trade_gap_rows(files_of_days('trade_gaps', instrument, days_with_carry(start, "end")))
  )

select *
from recorded_in('gap_rows', start, "end")
order by starts;
