-- One row per ticker update received, in line order by (instrument, date, arrival, item).
-- Times are UTC; local_timestamp is on the arrival clock.
create or replace view tickers as
select *
from lake_rows(all_files('tickers'));
