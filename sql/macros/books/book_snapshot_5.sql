-- One row per change of the best 5 levels in [start, end), wide; arrival clock, UTC, in line order:
-- timestamp, local_timestamp, bid_px_00, bid_sz_00, ask_px_00, ask_sz_00, bid_px_01, …; NULL where
-- there is no such level. What book_snapshots(…, depth := 5) has as lists.
create or replace macro book_snapshot_5(instrument, start, "end") as table
select
  timestamp, local_timestamp,
  bid_px[1] as bid_px_00, bid_sz[1] as bid_sz_00,
  ask_px[1] as ask_px_00, ask_sz[1] as ask_sz_00,
  bid_px[2] as bid_px_01, bid_sz[2] as bid_sz_01,
  ask_px[2] as ask_px_01, ask_sz[2] as ask_sz_01,
  bid_px[3] as bid_px_02, bid_sz[3] as bid_sz_02,
  ask_px[3] as ask_px_02, ask_sz[3] as ask_sz_02,
  bid_px[4] as bid_px_03, bid_sz[4] as bid_sz_03,
  ask_px[4] as ask_px_03, ask_sz[4] as ask_sz_03,
  bid_px[5] as bid_px_04, bid_sz[5] as bid_sz_04,
  ask_px[5] as ask_px_04, ask_sz[5] as ask_sz_04
from book_snapshots(instrument, start, "end", depth := 5);
