-- One row per instrument in the lake: type, base, counter and expiry as its name says them, INFERRED
-- (see inferred_type; NULL where the name is of no known form), first and last arrival. Read from the
-- catalogue. What tick and lot sizes a day's numbers show is in instrument_days.
create or replace view instrument_types as
with
  named as (
    select
      instrument, inferred_terms(instrument) as terms,
      first_local_timestamp, last_local_timestamp
    from instruments
  )

select
  instrument,
  terms.type as type_inferred,
  terms.base as base_inferred,
  terms.counter as counter_inferred,
  terms.expiry as expiry_inferred,
  first_local_timestamp, last_local_timestamp
from named
order by instrument;
