-- One row per trade received in [start, end), in line order, with the quote that stood just before it:
-- date, arrival, item, local_timestamp, timestamp, id, side (the taker's), price, amount, then
-- quote_timestamp, quote_local_timestamp, quote_age (how long ago it had arrived), bid_price,
-- bid_amount, ask_price, ask_amount, and the day's version. Arrival clock, UTC. Before means before in
-- line order, whatever the clocks say: a trade never sees a book that the recorder got after it, though
-- it be of the same microsecond. All NULL where no book is known then, or none younger than `max_age`; a
-- side without levels is NULL.
create or replace macro trades_with_quotes(
  instrument, start, "end", max_age := null
) as table
with
  prints as materialized (
    select date, arrival, item, local_timestamp, timestamp, id, side, price, amount, version
    from trades(instrument, start, "end")
  ),

  lines_of_prints as (
    select distinct date, arrival, local_timestamp, version
    from prints
  ),

  quotes_of_lines as (
    select *
    from quotes_before(
      files_of_days('depth', instrument, days_with_carry_around(start, "end")),
      'lines_of_prints', utc(start), max_age
    )
  )

select
  prints.date, prints.arrival, item, local_timestamp, timestamp, id, side, price, amount,
  quote_timestamp, quote_local_timestamp, quote_age, bid_price, bid_amount, ask_price, ask_amount,
  version
from prints
join quotes_of_lines using (date, arrival)
order by prints.date, prints.arrival, item;
