-- One row per UTC day that [start, end) touches and count of which the catalogue (as `coverage` shows
-- it) says other of the instrument than its files hold: `what` is the column of coverage, `in_files`
-- is counted in the files, `in_catalogue` is NULL where the catalogue has no row. A row proves that
-- the lake disagrees with itself (a file was damaged, lost, or put there by others), unless that day
-- is just being written. None is no proof that rows are right: they are counted, not compared.
create or replace macro check_catalogue(instrument, start, "end") as table
with
  depth as (
    select
      date,
      count(*) as depth_messages,
      sum(len(bid_change_price) + len(ask_change_price)) as depth_changes,
      coalesce(sum(missed), 0) as missed_snapshots,
      coalesce(sum(missed_in_gap), 0) as missed_in_gaps,
      max(epoch) as restarts,
      count(*) filter (duplicate) as duplicates,
      count(*) filter (checksum_status = 'mismatch') as checksum_mismatches,
      count(*) filter (crossed) as crossed,
      count(*) filter (irregular) as irregular
    from lake_rows(files_between('depth', instrument, start, "end"))
    where is_touched(date, start, "end")
    group by date
  ),

  others as (
    select date, 'other_depth_messages' as what
    from lake_rows(flatten(list_transform(
      ['depthL5', 'depthL10', 'depthL25', 'depthUpdate', 'depthUpdate-diff'],
      lambda channel: files_between(channel, instrument, start, "end")
    )))
    union all
    select date, 'trades'
    from lake_rows(files_between('trades', instrument, start, "end"))
    union all
    select date, 'tickers'
    from lake_rows(files_between('tickers', instrument, start, "end"))
    union all
    select date, 'gaps'
    from lake_rows(files_between('gaps', instrument, start, "end"))
    where is_unknown
    union all
    select date, 'trade_gaps'
    from lake_rows(files_between('trade_gaps', instrument, start, "end"))
    where cause <> 'midnight'
  ),

  catalogued as (
    select
      date,
      depth_messages, depth_changes, missed_snapshots, missed_in_gaps, restarts, duplicates,
      checksum_mismatches, crossed, irregular, other_depth_messages, trades, tickers, gaps,
      trade_gaps
    from catalogued
    where catalogued.instrument = instrument
  ),

  counts as (
    select date, what, rows::bigint as in_files, null::bigint as in_catalogue
    from (unpivot depth on columns(* exclude date) into name what value rows)
    union all
    select date, what, count(*), null
    from others
    group by date, what
    union all
    select date, what, null, rows
    from (unpivot catalogued on columns(* exclude date) into name what value rows)
  ),

  compared as (
    select
      date, what,
      coalesce(max(in_files), 0) as in_files,
      max(in_catalogue) as in_catalogue
    from counts
    where is_touched(date, start, "end")
    group by date, what
  )

select instrument as instrument, date, what, in_files, in_catalogue
from compared
where in_files <> coalesce(in_catalogue, 0);
