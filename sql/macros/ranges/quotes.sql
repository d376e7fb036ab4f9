-- One row per book that arrived in [start, end), arrival clock, UTC: the rows that
-- the view quotes has of one instrument. Opens the days that it needs, whatever else is in the lake.
create or replace macro quotes(instrument, start, "end") as table
select found.*
from quotes_in(files_between('depth', instrument, start, "end")) as found
where is_between(found.local_timestamp, start, "end");
