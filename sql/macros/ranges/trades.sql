-- One row per trade received in [start, end), arrival clock, UTC: the rows that
-- the view trades has of one instrument. Opens the days that it needs, whatever else is in the lake.
create or replace macro trades(instrument, start, "end") as table
select found.*
from lake_rows(files_between('trades', instrument, start, "end")) as found
where is_between(found.local_timestamp, start, "end");
