-- One row per depth message received, on any depth channel. `message` counts within instrument,
-- day and channel. Times are UTC; valid_until is exclusive. See depth_messages for the full channel.
create or replace view depth_messages_all as
with
  received as (
    from read_parquet(all_files('depth'), hive_partitioning = true, allow_empty = true,
      hive_types = {'exchange': varchar, 'instrument': varchar, 'date': date})
    union all by name
    from read_parquet(all_files('depthL5'), hive_partitioning = true, allow_empty = true,
      hive_types = {'exchange': varchar, 'instrument': varchar, 'date': date})
    union all by name
    from read_parquet(all_files('depthL10'), hive_partitioning = true, allow_empty = true,
      hive_types = {'exchange': varchar, 'instrument': varchar, 'date': date})
    union all by name
    from read_parquet(all_files('depthL25'), hive_partitioning = true, allow_empty = true,
      hive_types = {'exchange': varchar, 'instrument': varchar, 'date': date})
    union all by name
    from read_parquet(all_files('depthUpdate'), hive_partitioning = true, allow_empty = true,
      hive_types = {'exchange': varchar, 'instrument': varchar, 'date': date})
    union all by name
    from read_parquet(all_files('depthUpdate-diff'), hive_partitioning = true, allow_empty = true,
      hive_types = {'exchange': varchar, 'instrument': varchar, 'date': date})
  )

select
  instrument_name(instrument) as instrument, date, message, channel, action,
  arrival, item, local_timestamp, timestamp, valid_until, carry_until,
  seq_num, seq_step, missed, missed_in_gap, epoch, duplicate,
  checksum, checksum_status, bid_levels, ask_levels,
  bid_price, bid_amount, ask_price, ask_amount,
  crossed, irregular, reset, keyframe, origin, slice, line
from received;
comment on view depth_messages_all is
  'One row per depth message received, on any depth channel; times UTC, valid_until exclusive.';
