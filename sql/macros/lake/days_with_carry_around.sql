-- The UTC days that say all of what arrived in [start, end), as a list: days_around, and the one before,
-- with whose last book the first one is compared.
create or replace macro days_with_carry_around(start, "end") as
  range(
    (utc(start) - interval 1 minute)::date - 1,
    (utc("end") + interval 1 minute - interval 1 microsecond)::date + 1,
    interval 1 day
  );
