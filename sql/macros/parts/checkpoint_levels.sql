-- One row per price level at a checkpoint (see keyframe_checkpoints) in [start, end), arrival clock,
-- UTC: `built` is its amount by the keyframe before and the changes since, `stored` its amount in the
-- keyframe that stands there. 0 where the one or the other has no such level; `stored` is 0 throughout
-- where no keyframe stands. `version` is that of the day.
create or replace macro checkpoint_levels(instrument, start, "end") as table
with
  checkpoints as materialized (
    from keyframe_checkpoints(instrument, start, "end")
  ),

  -- The rows that lead to a checkpoint: a whole book, then what changed.
  led as (
    select
      found.date, found.version, checkpoints.message as checkpoint, found.message,
      false as is_stored,
      unnest(case when found.message = found.keyframe
        then [
          {'is_bid': true, 'prices': book_bid_price, 'amounts': book_bid_amount},
          {'is_bid': false, 'prices': book_ask_price, 'amounts': book_ask_amount}
        ]
        else [
          {'is_bid': true, 'prices': bid_change_price, 'amounts': bid_change_amount},
          {'is_bid': false, 'prices': ask_change_price, 'amounts': ask_change_amount}
        ]
      end) as said
    from lake_rows(files_between('depth', instrument, start, "end")) as found
    join checkpoints
      on found.date = checkpoints.date and found.keyframe = checkpoints.base
    where same_version(found.version, checkpoints.version)
  ),

  -- A keyframe says both what changed with it, and what its book is.
  standing as (
    select
      found.date, found.version, found.message as checkpoint, found.message,
      unnest([false, false, true, true]) as is_stored,
      unnest([
        {'is_bid': true, 'prices': bid_change_price, 'amounts': bid_change_amount},
        {'is_bid': false, 'prices': ask_change_price, 'amounts': ask_change_amount},
        {'is_bid': true, 'prices': book_bid_price, 'amounts': book_bid_amount},
        {'is_bid': false, 'prices': book_ask_price, 'amounts': book_ask_amount}
      ]) as said
    from lake_rows(files_between('depth', instrument, start, "end")) as found
    join checkpoints using (date, message)
    where found.message = found.keyframe and same_version(found.version, checkpoints.version)
  ),

  levels as (
    select
      date, version, checkpoint, message, is_stored, said.is_bid,
      unnest(said.prices) as price,
      unnest(said.amounts) as amount
    from (from led union all from standing)
  ),

  amounts as (
    select
      date, version, checkpoint, is_bid, price,
      coalesce(arg_max(amount, message) filter (not is_stored), 0) as built,
      coalesce(max(amount) filter (is_stored), 0) as stored
    from levels
    group by all
  )

select date, version, checkpoint, case when is_bid then 'bid' else 'ask' end as side, price, built, stored
from amounts;
