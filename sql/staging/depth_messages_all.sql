-- One row per depth message received, on any depth channel. `message` counts within instrument,
-- day and channel. Times are UTC; valid_until is exclusive. See depth_messages for the full channel.
create or replace view depth_messages_all as
from depth_messages_in(all_files('depth'))
union all by name
from depth_messages_in(all_files('depthL5'))
union all by name
from depth_messages_in(all_files('depthL10'))
union all by name
from depth_messages_in(all_files('depthL25'))
union all by name
from depth_messages_in(all_files('depthUpdate'))
union all by name
from depth_messages_in(all_files('depthUpdate-diff'));
