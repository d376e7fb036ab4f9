-- One row per answer of REST's /depth that arrived in [start, end), arrival clock, UTC: the rows that
-- the view rest_depth has of one instrument. Opens the days that it needs, whatever else is in the lake.
create or replace macro rest_depth(instrument, start, "end") as table
select found.*
from lake_rows(files_between('rest_depth', instrument, start, "end")) as found
where is_between(found.local_timestamp, start, "end");
