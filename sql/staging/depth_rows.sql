-- One row per message of the full depth channel, with its lists: what changed against the message
-- before (or, on reset, the whole book), and on keyframes the whole book beside it.
create or replace view depth_rows as
select *
from lake_rows(all_files('depth'));
