-- One row per message of the full channel in [start, end), arrival clock, UTC, before which
-- snapshots were missed although the recorder was connected: `missed` is how many are missing. It
-- rests on the sequence, of which each snapshot takes one step. None is not proof that none is
-- lacking: where the sequence restarted, and on the first message of a day, it is not known, and
-- what was missed in gaps stands in missed_in_gap of depth_messages. Messages without a seq_num
-- tell nothing.
create or replace macro check_missed(instrument, start, "end") as table
select
  found.instrument, found.date, found.message, found.local_timestamp, found.timestamp,
  found.seq_num, found.seq_step, found.missed,
  found.slice, found.line
from depth_messages(instrument, start, "end") as found
where found.missed > 0;
