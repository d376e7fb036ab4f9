-- A step as an INTERVAL: text is converted, and what is not above zero is an error.
create or replace macro positive(step) as
  case
    when step::interval > interval 0 second then step::interval
    else error('a step was ' || coalesce(step::varchar, 'NULL') || '; what would work: interval 1 second')
  end;
