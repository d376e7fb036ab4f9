-- Whether a UTC day (DATE) has a moment of [start, end).
create or replace macro is_touched(day, start, "end") as
  day >= utc(start)::date and day < utc("end") and utc(start) < utc("end");
