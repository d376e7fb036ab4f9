-- One row per message of the full channel in [start, end), arrival clock, UTC, that was irregular as
-- received: levels out of order or repeated, an amount of 0 or below, or third and fourth elements that
-- are not 0. The book in the lake is sorted all the same, of a repeated price the last one counts, and
-- an amount of 0 is no level. A row doesn't say which of these it was: that stands in raw, in the
-- slice and line that it names.
create or replace macro check_unsorted(instrument, start, "end") as table
select
  found.instrument, found.date, found.message, found.local_timestamp, found.timestamp,
  found.bid_levels, found.ask_levels,
  found.slice, found.line
from depth_messages(instrument, start, "end") as found
where found.irregular;
