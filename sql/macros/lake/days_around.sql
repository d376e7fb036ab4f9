-- The UTC days whose files may hold arrivals of [start, end), as a list: the days that it touches,
-- and where it comes within a minute of midnight also the day on the other side, since a line may
-- arrive just outside the minute of its slice.
create or replace macro days_around(start, "end") as
  range(
    (utc(start) - interval 1 minute)::date,
    (utc("end") + interval 1 minute - interval 1 microsecond)::date + 1,
    interval 1 day
  );
