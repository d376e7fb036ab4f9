-- One row per book of some: date, message, and its best levels as lists, best first: bid_px, bid_sz,
-- ask_px, ask_sz (DOUBLE[], empty where a side is). For `wanted` and `depth` see levels_of.
create or replace macro lists_of(files, wanted, depth) as table
with
  listed_books as (
    select distinct date, message
    from query_table(wanted)
  ),

  levels as (
    select *
    from levels_of(files, wanted, depth)
  ),

  lists as (
    select
      date, message,
      list(price order by level) filter (side = 'bid') as bid_px,
      list(amount order by level) filter (side = 'bid') as bid_sz,
      list(price order by level) filter (side = 'ask') as ask_px,
      list(amount order by level) filter (side = 'ask') as ask_sz
    from levels
    group by date, message
  )

select
  date, message,
  coalesce(bid_px, []) as bid_px, coalesce(bid_sz, []) as bid_sz,
  coalesce(ask_px, []) as ask_px, coalesce(ask_sz, []) as ask_sz
from listed_books
left join lists using (date, message);
