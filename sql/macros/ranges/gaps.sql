-- One row per stretch in which something lacks of an instrument's book that overlaps [start, end),
-- arrival clock, UTC, whole: the rows that the view gaps has of one instrument. Opens the days that it
-- needs, whatever else is in the lake.
create or replace macro gaps(instrument, start, "end") as table
select found.*
from (
  select *, null::varchar as details
  from lake_rows(files_between('gaps', instrument, start, "end"))
  union all by name
  select impaired.*, false as is_unknown
  from impaired_in(exchange_files_between('quarantine', start, "end")) as impaired
  where impaired.instrument = instrument
) as found
where found.start < utc("end") and found.stop > utc(start);
