-- One row per book of the full depth channel: best bid and ask, standing in
-- [local_timestamp, valid_until), arrival clock, UTC. NULL where a side is empty.
create or replace view quotes as
select *
from quotes_in(all_files('depth'));
