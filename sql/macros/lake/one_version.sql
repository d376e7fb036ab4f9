-- A scalar: a value that rests on two readings of one day, if both were of the same version of it. Else
-- (or where one of the two found nothing, so has no version) an error: it was replaced in between.
create or replace macro one_version(value, version, other) as
  case when version = other then value else was_replaced() end;
