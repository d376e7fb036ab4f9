-- A scalar: a difference of prices in ten thousandths of a price. NULL where that is not above zero,
-- as it may be in REPO and spread markets.
create or replace macro basis_points(difference, price) as
  case when price > 0 then 10000 * difference / price end;
