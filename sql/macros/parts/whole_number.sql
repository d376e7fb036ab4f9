-- A scalar: a number as BIGINT, if it is 1, 2, 3, …; anything else, NULL too, is an error that calls it by
-- its name. For counts: of levels, ticks.
create or replace macro whole_number(number, name) as
  case
    when number::double >= 1 and number::double = floor(number::double)
      and isfinite(number::double)
      then number::bigint
    else error(
      name || ' was ' || coalesce(number::varchar, 'NULL')
      || '; what would work: a whole number above zero'
    )
  end;
