-- One row per stretch in which a book stands and step of [start, end) that it lies in: t (the step's
-- start), microseconds (how long, within the step), date, message, keyframe, the best prices, and the
-- version of the day. From `max_age` on a book counts as unknown. Arrival clock, UTC.
create or replace macro standing_in_steps(
  instrument, start, "end", step, max_age
) as table
with
  clipped as (
    select
      date, message, keyframe, bid_price, bid_amount, ask_price, ask_amount, version,
      epoch_us(greatest(starts, utc(start))) - epoch_us(utc(start)) as from_us,
      -- A book whose age is max_age is known still.
      epoch_us(least(
        ends, utc("end"), local_timestamp + max_age::interval + interval 1 microsecond
      )) - epoch_us(utc(start)) as to_us
    from standing_books(instrument, start, "end")
  ),

  in_steps as (
    select *, unnest(range(from_us // step_us(step), (to_us - 1) // step_us(step) + 1)) as number
    from clipped
    where from_us < to_us
  )

select
  utc(start) + to_microseconds(number * step_us(step)) as t,
  least(to_us, (number + 1) * step_us(step)) - greatest(from_us, number * step_us(step))
    as microseconds,
  date, message, keyframe, bid_price, bid_amount, ask_price, ask_amount, version
from in_steps;
