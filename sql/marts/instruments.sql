-- One row per instrument in the lake: first and last arrival (UTC), days, rows.
create or replace view instruments as
select
  instrument,
  min(date) as first_date,
  max(date) as last_date,
  count(*) as days,
  sum(depth_messages)::bigint as depth_messages,
  sum(trades)::bigint as trades,
  sum(tickers)::bigint as tickers,
  sum(minutes_fetched)::bigint as minutes_fetched,
  min(first_local_timestamp) as first_local_timestamp,
  max(last_local_timestamp) as last_local_timestamp,
  sum(bytes)::bigint as bytes
from catalogued
group by instrument
order by instrument;
