-- A step as an INTERVAL of one length: text is converted; what is not above zero, or has months, whose
-- lengths differ, is an error that calls it by its name.
create or replace macro positive(step, name := 'the step') as
  case
    when step::interval > interval 0 second and datepart('month', step::interval) = 0
      and datepart('year', step::interval) = 0
      then step::interval
    else error(
      name || ' was ' || coalesce(step::varchar, 'NULL')
      || '; what would work: more than nothing, without months: interval 1 second, interval 30 day'
    )
  end;
