-- A scalar: a number as DOUBLE, if it is finite and above zero; anything else, NULL too, is an error that
-- calls it by its name. For sizes: of orders, ticks, distances.
create or replace macro above_zero(number, name) as
  case
    when number::double > 0 and isfinite(number::double) then number::double
    else error(
      name || ' was ' || coalesce(number::varchar, 'NULL')
      || '; what would work: a number above zero'
    )
  end;
