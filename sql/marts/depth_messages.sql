-- One row per message of the full depth channel, in line order by (instrument, date, message): the
-- index of all books. A book stands in [local_timestamp, valid_until), arrival clock, UTC.
create or replace view depth_messages as
select *
from depth_messages_in(all_files('depth'));
