-- One row per message of the full channel in [start, end), arrival clock, UTC, whose checksum does not
-- fit its levels: `checksum` is what was sent. A row proves that levels or checksum are not what the
-- exchange meant, not which of them. None is no proof where there was nothing to verify: 2020's
-- messages give no checksum, and the rule for levels of four elements is not known (checksum_status
-- 'absent' and 'unverifiable').
create or replace macro check_checksums(instrument, start, "end") as table
select
  found.instrument, found.date, found.message, found.local_timestamp, found.timestamp,
  found.seq_num, found.checksum, found.bid_levels, found.ask_levels,
  found.slice, found.line
from depth_messages(instrument, start, "end") as found
where found.checksum_status = 'mismatch';
