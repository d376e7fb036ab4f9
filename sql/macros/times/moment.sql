-- What utc(t) is, at once where `t` has a type that says it: only text has to be looked at. (The other
-- macros say utc, since DuckDB can't choose an overload for a parameter before it is given.)
create or replace macro moment(t timestamp) as t,
  (t date) as t::timestamp,
  (t timestamptz) as make_timestamp(epoch_us(t)),
  (t timestamp_ns) as utc(t),
  (t varchar) as utc(t);
