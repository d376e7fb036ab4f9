-- A scalar: a value that rests on two readings of one day, unless they were of different versions of it,
-- which is an error: it was replaced in between. NULL, where one of the two found nothing, differs from
-- no version.
create or replace macro unless_replaced(value, version, other) as
  case when version <> other then was_replaced() else value end;
