-- One row per market of the exchange as its definitions were known at a time, arrival clock, UTC: the
-- rows of `markets` of the last answer up to then. No row where none was recorded before.
create or replace macro markets_at(t) as table
with
  before as (
    select *
    from markets
    where local_timestamp <= utc(t) and date <= utc(t)::date
  )

select *
from before
where (date, answer) = (select max((date, answer)) from before);
