-- A scalar: a number as it is, if it is above zero; NULL stays NULL, anything else is an error that calls
-- it by its name. For sizes of orders and numbers of levels.
create or replace macro above_zero(number, name) as
  case
    when number > 0 or number is null then number
    else error(name || ' was ' || number::varchar || '; what would work: a number above zero')
  end;
