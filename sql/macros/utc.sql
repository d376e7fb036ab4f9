-- A time given as text, date or timestamp → TIMESTAMP in UTC. An offset is converted; plain
-- `'…+02:00'::timestamp` would drop it in silence. Text without an offset is UTC already.
create or replace macro utc(t) as
  case
    when regexp_matches(t::varchar, ':\d\d.*(Z|[+-]\d\d(:?\d\d)?)$')
      then make_timestamp(epoch_us((t::varchar)::timestamptz))
    else (t::varchar)::timestamp
  end;
