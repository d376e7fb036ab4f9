-- One row per taker order whose first print was received in [start, end), in line order. The feed does
-- not name orders: INFERRED to be one are prints that follow each other in line order, without another
-- of the instrument between them, of one side and one exchange timestamp, less than a second apart in
-- arrival. So two orders of one side within one millisecond look like one; a print without an exchange
-- timestamp is its own. Columns: date, arrival, item, local_timestamp (of the first print),
-- last_local_timestamp, timestamp, side, prints (how many), amount, notional, first_price, last_price,
-- vwap, then the quote that stood just before the first print, as in trades_with_quotes. Arrival clock,
-- UTC.
create or replace macro taker_orders(
  instrument, start, "end", max_age := null
) as table
with
  prints as (
    select
      date, arrival, item, local_timestamp, timestamp, side, price, amount, version,
      coalesce(
        side = lag(side) over in_order
        and timestamp = lag(timestamp) over in_order
        and local_timestamp < lag(local_timestamp) over in_order + interval 1 second,
        false
      ) as goes_on
    -- An order may have begun before the range, and may end after it.
    from lake_rows(files_between(
      'trades', instrument, utc(start) - interval 1 minute, utc("end") + interval 1 minute
    ))
    where local_timestamp >= utc(start) - interval 1 minute
      and local_timestamp < utc("end") + interval 1 minute
    window in_order as (order by date, arrival, item)
  ),

  numbered as (
    select
      *,
      sum(case when goes_on then 0 else 1 end)
        over (order by date, arrival, item rows unbounded preceding) as number,
      not coalesce(lead(goes_on) over (order by date, arrival, item), false) as is_last
    from prints
  ),

  -- Of each group one print is the first, and one the last.
  orders as materialized (
    select
      max(date) filter (not goes_on) as date,
      max(arrival) filter (not goes_on) as arrival,
      max(item) filter (not goes_on) as item,
      max(local_timestamp) filter (not goes_on) as local_timestamp,
      max(local_timestamp) filter (is_last) as last_local_timestamp,
      max(timestamp) filter (not goes_on) as timestamp,
      max(side) filter (not goes_on) as side,
      count(*) as prints,
      sum(amount) as amount,
      sum(price * amount) as notional,
      max(price) filter (not goes_on) as first_price,
      max(price) filter (is_last) as last_price,
      max(version) filter (not goes_on) as version
    from numbered
    group by number
    having is_between(max(local_timestamp) filter (not goes_on), start, "end")
  ),

  lines_of_orders as (
    select distinct date, arrival, local_timestamp, version
    from orders
  ),

  quotes_of_lines as (
    select *
    from quotes_before(
      files_of_days('depth', instrument, days_with_carry_around(start, "end")),
      'lines_of_orders', utc(start), max_age
    )
  )

select
  orders.date, orders.arrival, item, local_timestamp, last_local_timestamp, timestamp, side,
  prints, amount, notional, first_price, last_price,
  notional / nullif(amount, 0) as vwap,
  quote_timestamp, quote_local_timestamp, quote_age, bid_price, bid_amount, ask_price, ask_amount
from orders
join quotes_of_lines using (date, arrival)
order by orders.date, orders.arrival, item;
