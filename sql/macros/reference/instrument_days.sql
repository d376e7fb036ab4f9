-- One row per UTC day in the lake that [start, end) touches: an instrument's type, base, counter and
-- expiry by its name, its tick size and lot size by the whole day's numbers, and the first and last
-- arrival of any of its lines. All of it is INFERRED: the exchange's own definitions are known of days
-- that were captured alone (markets_at). tick_size_inferred is the greatest number of which each price in the day's depth
-- changes and trades is a multiple (as decimals), lot_size_inferred likewise of amounts. The true
-- one divides it, and is smaller where too few numbers came to show it: different_prices and
-- different_amounts say on how many it rests, and what rests on few is a guess. NULL where there
-- was no number but 0, or no common divisor of 1e-9 or more (some number has more decimals).
create or replace macro instrument_days(instrument, start, "end") as table
with
  days as (
    select
      catalogued.instrument, inferred_terms(catalogued.instrument) as terms,
      date, first_local_timestamp, last_local_timestamp
    from catalogued
    where catalogued.instrument = instrument and is_touched(date, start, "end")
  ),

  numbers as (
    select
      date, version,
      unnest(list_concat(bid_change_price, ask_change_price)) as price,
      unnest(list_concat(bid_change_amount, ask_change_amount)) as amount
    from lake_rows(files_between('depth', instrument, start, "end"))
    where is_touched(date, start, "end")
    union all
    select date, version, price, amount
    from lake_rows(files_between('trades', instrument, start, "end"))
    where is_touched(date, start, "end")
  ),

  -- An amount of 0 means that the level is gone.
  different as (
    select date, version, 'price' as what, price as number
    from numbers
    group by all
    union all
    select date, version, 'amount', amount
    from numbers
    where amount <> 0
    group by all
  ),

  inferred as (
    select
      date,
      common_divisor(list(number) filter (what = 'price')) as tick_size,
      count(*) filter (what = 'price') as prices,
      common_divisor(list(number) filter (what = 'amount')) as lot_size,
      count(*) filter (what = 'amount') as amounts
    from different
    group by date
    having same_version(min(version), max(version))
  )

select
  days.instrument, days.date,
  days.terms.type as type_inferred,
  days.terms.base as base_inferred,
  days.terms.counter as counter_inferred,
  days.terms.expiry as expiry_inferred,
  inferred.tick_size as tick_size_inferred,
  coalesce(inferred.prices, 0) as different_prices,
  inferred.lot_size as lot_size_inferred,
  coalesce(inferred.amounts, 0) as different_amounts,
  days.first_local_timestamp, days.last_local_timestamp
from days
left join inferred using (date)
order by days.date;
