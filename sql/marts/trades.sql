-- One row per trade received, in line order by (instrument, date, arrival, item). side is the taker's.
-- Times are UTC; local_timestamp is on the arrival clock.
create or replace view trades as
select *
from lake_rows(all_files('trades'));
