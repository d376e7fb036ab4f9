-- A scalar: the price of the bucket that a price falls into, when `ticks` ticks are one: bids are rounded
-- down, asks up, so that no bucket is better than what is in it. Counted in whole ticks; a price
-- between ticks goes to the worse one.
create or replace macro price_bucket(side, price, tick_size, ticks) as
  round(
    whole_number(ticks, 'ticks') * above_zero(tick_size, 'tick_size') * case side
      -- A millionth of a tick is what dividing doubles may be off by.
      when 'bid' then floor(floor(price / tick_size + 1e-6) / ticks)
      else ceil(ceil(price / tick_size - 1e-6) / ticks)
    end,
    9
  );
