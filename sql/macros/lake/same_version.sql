-- A scalar, true: that two readings of one day were of the same version of it. Else (or where one of the
-- two found nothing, so has no version) an error: it was replaced in between. It belongs into a WHERE or
-- a HAVING: of what is selected, DuckDB works out only what is asked for.
create or replace macro same_version(version, other) as
  case when version = other then true else was_replaced() end;
