-- One row per keyframe in [start, end), arrival clock, UTC, to which the rows before it do not lead,
-- and likewise per last message before the book starts anew or the day ends: its book is built from
-- the keyframe before it (`base`) and the changes since. `problems` is a list of 'lacking' (rows rest
-- on a keyframe that is not there), 'messages' (ordinals since `base` lack or repeat), 'levels' (the
-- book built is not the keyframe's), 'counts', 'best' (level counts or best prices that the row states
-- are not those of the book built) and 'order' (the keyframe's levels are not best first).
-- `differing` counts levels, `example` is the best of them. A row proves that the lake disagrees with
-- itself; `ingest --rebuild` makes it anew. A wrong change shows at the keyframe after it, a wrong
-- keyframe at itself and at the next. None is no proof for what was wrong between two keyframes and
-- set right by the second, nor that raw says the same.
create or replace macro check_keyframes(instrument, start, "end") as table
with
  checkpoints as materialized (
    from keyframe_checkpoints(instrument, start, "end")
  ),

  books as (
    select
      date, version, checkpoint as message,
      count(*) filter (built <> 0 and side = 'bid') as bid_levels,
      count(*) filter (built <> 0 and side = 'ask') as ask_levels,
      max(price) filter (built <> 0 and side = 'bid') as bid_price,
      min(price) filter (built <> 0 and side = 'ask') as ask_price,
      arg_max(built, price) filter (built <> 0 and side = 'bid') as bid_amount,
      arg_min(built, price) filter (built <> 0 and side = 'ask') as ask_amount,
      count(*) filter (built <> stored) as differing,
      arg_min(
        {'side': side, 'price': price, 'built': built, 'stored': stored},
        (side = 'ask', case side when 'bid' then -price else price end)
      ) filter (built <> stored) as example
    from checkpoint_levels(instrument, start, "end")
    group by all
  ),

  compared as (
    select
      checkpoints.*,
      case when found.message = found.keyframe then coalesce(differing, 0) end as differing,
      case when found.message = found.keyframe then example end as example,
      (found.bid_levels, found.ask_levels)
        is distinct from (coalesce(books.bid_levels, 0), coalesce(books.ask_levels, 0)) as counts,
      (found.bid_price, found.bid_amount, found.ask_price, found.ask_amount)
        is distinct from
        (books.bid_price, books.bid_amount, books.ask_price, books.ask_amount) as best,
      found.book_bid_price <> list_reverse_sort(list_distinct(found.book_bid_price))
        or found.book_ask_price <> list_sort(list_distinct(found.book_ask_price)) as unordered
    from checkpoints
    -- Versions are compared by day, before the messages are: another version may not have that one.
    left join lake_rows(files_between('depth', instrument, start, "end")) as found
      on found.date = checkpoints.date
      and found.message = case
        when same_version_if_both(found.version, checkpoints.version) then checkpoints.message
      end
    left join books
      on books.date = checkpoints.date
      and books.message = case
        when same_version_if_both(books.version, checkpoints.version) then checkpoints.message
      end
  ),

  judged as (
    select
      *,
      list_filter(
        [
          case when not there then 'lacking' end,
          case when not complete then 'messages' end,
          case when differing > 0 then 'levels' end,
          case when there and counts then 'counts' end,
          case when there and best then 'best' end,
          case when unordered then 'order' end
        ],
        lambda problem: problem is not null
      ) as problems
    from compared
  )

select
  instrument as instrument, date, message, local_timestamp, base, problems, differing, example
from judged
where len(problems) > 0;
