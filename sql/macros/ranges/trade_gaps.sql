-- One row per stretch that overlaps [start, end), arrival clock, UTC, whole, in which trades may be
-- lacking: the rows that the view trade_gaps has of one instrument. Of days that are not in the lake
-- there are none: trade_feed says in which time trades were recorded. Opens the days that it needs,
-- whatever else is in the lake.
create or replace macro trade_gaps(instrument, start, "end") as table
select found.* exclude (trades)
from trade_gap_rows(files_of_days('trade_gaps', instrument, days_with_carry(start, "end"))) as found
where found.cause <> 'midnight' and found.start < utc("end") and found.stop > utc(start)
order by found.start;
