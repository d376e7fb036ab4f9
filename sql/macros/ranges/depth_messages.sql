-- One row per message of the full depth channel in [start, end), arrival clock, UTC: the rows that
-- the view depth_messages has of one instrument. Opens the days that it needs, whatever else is in the lake.
create or replace macro depth_messages(instrument, start, "end") as table
select found.*
from depth_messages_in(files_between('depth', instrument, start, "end")) as found
where is_between(found.local_timestamp, start, "end");
