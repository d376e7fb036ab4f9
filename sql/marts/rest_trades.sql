-- One row per trade in an answer of REST's /exchange-trades, which was asked for after a hole in the
-- feed. Filed by (instrument, date) under the exchange's time, for it has no time of arrival, nor an id.
-- The same trade stands here as often as answers overlap, and in `trades` if it was recorded too:
-- trades_by_exchange_time puts them together. side is the taker's. Times are UTC.
create or replace view rest_trades as
select *
from lake_rows(all_files('rest_trades'));
