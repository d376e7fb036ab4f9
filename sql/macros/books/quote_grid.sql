-- One row per time of a grid over [start, end): the best bid and ask of the book that stood then: t,
-- timestamp, local_timestamp, age (t - local_timestamp), bid_price, bid_amount, ask_price, ask_amount;
-- arrival clock, UTC. Every time of the grid has a row: where no book is known, or none younger than
-- `max_age`, it is all NULL. A side without levels is NULL.
create or replace macro quote_grid(instrument, start, "end", step, max_age := null) as table
with
  grid_times as (
    select t
    from grid(start, "end", step)
  )

select t, timestamp, local_timestamp, age, bid_price, bid_amount, ask_price, ask_amount
from standing_at(
  files_of_days('depth', instrument, days_with_carry(start, "end")), 'grid_times',
  utc(start), utc("end"), max_age
)
order by t;
