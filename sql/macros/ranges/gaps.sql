-- One row per stretch of unknown book that overlaps [start, end), arrival clock, UTC, whole: the rows
-- that the view gaps has of one instrument. Opens the days that it needs, whatever else is in the
-- lake.
create or replace macro gaps(instrument, start, "end") as table
select found.*
from lake_rows(files_between('gaps', instrument, start, "end")) as found
where found.start < utc("end") and found.stop > utc(start);
