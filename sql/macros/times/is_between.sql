-- Whether a TIMESTAMP in UTC lies in [start, end).
create or replace macro is_between(moment, start, "end") as
  moment >= utc(start) and moment < utc("end");
