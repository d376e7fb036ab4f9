-- One row per time of a grid over [start, end): how a perpetual (or a future) stands to its spot: t,
-- perpetual_mid, spot_mid, basis (the one minus the other), basis_bp (in basis points of the spot's),
-- perpetual_age, spot_age (how long ago each book had arrived); arrival clock, UTC. Any two
-- instruments can be named. NULL where one of the books is not known, or is older than `max_age`, or
-- has an empty side, and, in basis points, where the spot's mid is not above zero.
create or replace macro basis(
  perpetual, spot, start, "end", step, max_age := null
) as table
with
  of_perpetual as (
    select t, age, mid(bid_price, ask_price) as middle
    from quote_grid(perpetual, start, "end", step, max_age := max_age)
  ),

  of_spot as (
    select t, age, mid(bid_price, ask_price) as middle
    from quote_grid(spot, start, "end", step, max_age := max_age)
  )

select
  t,
  of_perpetual.middle as perpetual_mid,
  of_spot.middle as spot_mid,
  of_perpetual.middle - of_spot.middle as basis,
  basis_points(of_perpetual.middle - of_spot.middle, of_spot.middle) as basis_bp,
  of_perpetual.age as perpetual_age,
  of_spot.age as spot_age
from of_perpetual
join of_spot using (t)
order by t;
