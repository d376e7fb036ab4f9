-- One row per step of [start, end), a candle: t (the step's start), open, high, low, close (prices
-- of the first, highest, lowest, last trade in line order), volume (base currency), notional (price
-- * amount, counter currency), vwap, trades (how many), buy_volume and sell_volume (by the taker's
-- side), observed_seconds (of the step, in which trades were recorded: see trade_feed). Arrival
-- clock, UTC; the last step ends at `end`. A step without trades has volume 0 where it was
-- observed, and NULL where it was not at all. Of a step observed in part all columns tell of the
-- trades that were seen, so that volumes and counts are the least that there was: compare
-- observed_seconds with the step. Sensible for days.
create or replace macro ohlcv(instrument, start, "end", step) as table
with
  gap_rows as materialized (
    select *
    from trade_gap_rows(
      files_of_days('trade_gaps', instrument, days_with_carry_around(start, "end"))
    )
  ),

  known_days as (
    select date, trades, version
    from gap_rows
    where cause = 'midnight'
  ),

  -- Read once: that there was no trade is known only if the trades that the day has were there.
  day_trades as materialized (
    select
      date, version, local_timestamp, price, amount, side,
      {date: date, arrival: arrival, item: item} as place
    from lake_rows(files_of_days('trades', instrument, days_with_carry_around(start, "end")))
  ),

  traded_days as (
    select date, any_value(version) as version
    from day_trades
    group by date
  ),

  prints as (
    select step_of(local_timestamp, start, step) as t, place, price, amount, side
    from day_trades
    left join known_days using (date)
    where is_between(local_timestamp, start, "end")
      and same_version(day_trades.version, known_days.version)
  ),

  candles as (
    select
      t,
      arg_min(price, place) as open, max(price) as high,
      min(price) as low, arg_max(price, place) as close,
      sum(amount) as volume,
      sum(price * amount) as notional,
      count(*) as trades,
      coalesce(sum(amount) filter (side = 'buy'), 0) as buy_volume,
      coalesce(sum(amount) filter (side = 'sell'), 0) as sell_volume
    from prints
    group by t
  ),

  recorded as (
    select
      epoch_us(greatest(starts, utc(start))) - epoch_us(utc(start)) as from_us,
      epoch_us(least(ends, utc("end"))) - epoch_us(utc(start)) as to_us
    from recorded_in('gap_rows', start, "end")
    join known_days using (date)
    left join traded_days using (date)
    where case
      when trades > 0 then same_version(traded_days.version, known_days.version) else true
    end
  ),

  recorded_in_steps as (
    select
      from_us, to_us,
      unnest(range(from_us // step_us(step), (to_us - 1) // step_us(step) + 1)) as number
    from recorded
  ),

  observed as (
    select
      utc(start) + to_microseconds(number * step_us(step)) as t,
      sum(
        least(to_us, (number + 1) * step_us(step)) - greatest(from_us, number * step_us(step))
      ) / 1e6 as seconds
    from recorded_in_steps
    group by number
  )

select
  steps.t, open, high, low, close,
  coalesce(volume, case when seconds > 0 then 0 end) as volume,
  coalesce(notional, case when seconds > 0 then 0 end) as notional,
  notional / nullif(volume, 0) as vwap,
  coalesce(trades, case when seconds > 0 then 0 end) as trades,
  coalesce(buy_volume, case when seconds > 0 then 0 end) as buy_volume,
  coalesce(sell_volume, case when seconds > 0 then 0 end) as sell_volume,
  coalesce(seconds, 0) as observed_seconds
from grid(start, "end", step) as steps
left join candles using (t)
left join observed using (t)
order by steps.t;
