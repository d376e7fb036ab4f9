-- A time given as text, date or timestamp → TIMESTAMP in UTC. An offset is converted; plain
-- `'…+02:00'::timestamp` would drop it in silence, as it would a zone's name. Text without an offset
-- is UTC already. Text of any other form is an error.
create or replace macro utc(t) as
  case
    when t::varchar is null then null
    when regexp_full_match(t::varchar, '\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?')
      then (t::varchar)::timestamp
    when regexp_full_match(
      t::varchar, '\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)'
    )
      then make_timestamp(epoch_us((t::varchar)::timestamptz))
    else error(
      'a time was ' || t::varchar || '; what would work: 2020-08-01, 2020-08-01 23:54:00.5, '
      || '2020-08-02T01:54:00+02:00'
    )
  end;
