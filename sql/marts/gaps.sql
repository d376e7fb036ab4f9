-- One row per stretch [start, stop) of a day in which something lacks of an instrument's book, and why.
-- Where `is_unknown`, no book is known in it. Else one is, but snapshots were missed, the exchange was
-- silent for more than a minute, Tardis reports an incident, or lines of that minute can't be read:
-- such stretches may overlap others. Times are UTC, on the arrival clock.
create or replace view gaps as
select *, null::varchar as details
from lake_rows(all_files('gaps'))
union all by name
select *, false as is_unknown
from impaired_in(all_exchange_files('quarantine'));
