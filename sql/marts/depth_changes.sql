-- One row per price level that a message changed: side, price, new amount (0 = gone). Applied in
-- order of message, starting from nothing at each message with `reset`, they give every book.
create or replace view depth_changes as
select *
from depth_changes_in(all_files('depth'));
