-- One row per UTC day of the lake and kind of rows ('depth' of all channels, 'trades', 'tickers') of
-- which the catalogue counts other than the slices gave that the day was made from: `in_catalogue`
-- over all instruments, `in_slices` as `ingests` has it. Compared are days that were brought in whole,
-- all from the same slices: of a day brought in by instrument the rest is not there to be counted. A
-- row proves that the lake disagrees with itself, unless that day is just being written. Whether the
-- files hold what the catalogue says is check_catalogue's question. Opens one small file a day.
create or replace view check_rows as
with
  comparable as (
    select catalogued_days.date
    from catalogued_days
    left join read_parquet(catalogue_file()) as said using (date)
    group by catalogued_days.date
    having coalesce(bool_and(said.source = catalogued_days.source), true)
  ),

  counted as (
    select
      date, true as of_catalogue,
      depth_messages + other_depth_messages as depth, trades, tickers
    from catalogued
    union all
    select date, false, depth, trades, tickers
    from ingests
  ),

  by_kind as (
    select
      date, of_catalogue,
      unnest(['depth', 'trades', 'tickers']) as kind,
      unnest([depth, trades, tickers]) as rows
    from counted
    semi join comparable using (date)
  ),

  sums as (
    select
      date, kind,
      coalesce(sum(rows) filter (of_catalogue), 0)::bigint as in_catalogue,
      coalesce(sum(rows) filter (not of_catalogue), 0)::bigint as in_slices
    from by_kind
    group by date, kind
  )

select date, kind, in_catalogue, in_slices
from sums
where in_catalogue <> in_slices
order by date, kind;
