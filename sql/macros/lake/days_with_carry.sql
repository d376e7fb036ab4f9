-- The UTC days whose books may stand in [start, end), as a list: those that it touches, and the one
-- before, whose last book may be carried over midnight.
create or replace macro days_with_carry(start, "end") as
  range(
    utc(start)::date - 1,
    (utc("end") - interval 1 microsecond)::date + 1,
    interval 1 day
  );
