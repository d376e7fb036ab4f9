-- One row per instrument, day and origin (as tardis:coinflex, live:api.coinflex.us): how much of the
-- day came from there, on all depth channels together, and when the first and the last of it arrived
-- (arrival clock, UTC). What REST answered is in rest_trades and rest_depth alone. Counted in the rows
-- themselves, so ask for few instruments or days of a large lake.
create or replace view coverage_by_origin as
with
  counted as (
    select
      instrument, date, origin, count(*) as depth_messages, 0 as trades, 0 as tickers,
      min(local_timestamp) as first_arrival, max(local_timestamp) as last_arrival
    from depth_messages_all
    group by instrument, date, origin
    union all
    select instrument, date, origin, 0, count(*), 0, min(local_timestamp), max(local_timestamp)
    from lake_rows(all_files('trades'))
    group by instrument, date, origin
    union all
    select instrument, date, origin, 0, 0, count(*), min(local_timestamp), max(local_timestamp)
    from lake_rows(all_files('tickers'))
    group by instrument, date, origin
  )

select
  instrument, date, origin,
  sum(depth_messages)::bigint as depth_messages, sum(trades)::bigint as trades,
  sum(tickers)::bigint as tickers,
  min(first_arrival) as first_arrival, max(last_arrival) as last_arrival
from counted
group by instrument, date, origin
order by instrument, date, origin;
