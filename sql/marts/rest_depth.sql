-- One row per answer of REST's /depth, in line order by (instrument, date, answer): the best levels of a
-- book, as many as were asked for (100), while no connection to the feed stood. It is never the whole
-- book, and no verb on books looks at it. Times are UTC; local_timestamp is on the arrival clock,
-- timestamp is the exchange's.
create or replace view rest_depth as
select *
from lake_rows(all_files('rest_depth'));
