-- One row per snapshot that Tardis's own client makes of a replay of [start, end) on a grid of the
-- exchange's clock (computeBookSnapshots, interval = step): timestamp, local_timestamp, bid_px, bid_sz,
-- ask_px, ask_sz (DOUBLE[], best first, at most `depth` long). Not filled, and not books(…): the first
-- row is the first book, with its own time; a later one is the book *before* the first message of a
-- later step, stamped with the end of the step before that message's and with that message's
-- local_timestamp; a step in which the best levels did not change has none. Begins anew after a gap.
-- Messages without a timestamp are left out. Sensible up to some hours.
create or replace macro tardis_book_snapshots(
  instrument, start, "end", step, depth := 25
) as table
with
  -- A run goes from gap to gap, whichever of its messages have a timestamp.
  runs as (
    select
      date, message, keyframe, version, timestamp, local_timestamp,
      count(*) filter (not unbroken) over (order by date, message) as run
    from books_in_turn(
      files_of_days('depth', instrument, days_with_carry_around(start, "end")), start, "end"
    )
    -- Afterwards: a run may have ended at a message that a clock led out of the range.
    qualify asked
  ),

  asked_books as materialized (
    select *
    from runs
    where timestamp is not null
  ),

  lists as (
    select *
    from lists_of(
      files_of_days('depth', instrument, days_with_carry_around(start, "end")),
      'asked_books', depth
    )
  ),

  in_buckets as (
    select
      *,
      epoch_us(timestamp) // step_us(step) as bucket
    from asked_books
    join lists using (date, message)
  ),

  compared as (
    select
      *,
      lag(bucket) over in_run as bucket_before,
      {'bid_px': bid_px, 'bid_sz': bid_sz, 'ask_px': ask_px, 'ask_sz': ask_sz} as book,
      lag(book) over in_run as book_before,
      coalesce(book <> book_before, len(bid_px) + len(ask_px) > 0) as changed
    from in_buckets
    window in_run as (partition by run order by date, message)
  ),

  -- A run's first book that has any level is reported at once.
  begun as (
    select
      *,
      count(*) filter (changed) over (
        partition by run order by date, message rows unbounded preceding
      ) as changes
    from compared
  ),

  in_steps as (
    select
      *,
      changes > 0 and not (changed and changes = 1) and bucket > bucket_before as next_step,
      count(*) filter (next_step) over (
        partition by run order by date, message rows unbounded preceding
      ) as steps
    from begun
  ),

  changed_steps as (
    select run, steps
    from in_steps
    where changed and changes > 1
    group by run, steps
  ),

  first_rows as (
    select date, message, timestamp, local_timestamp, bid_px, bid_sz, ask_px, ask_sz
    from in_steps
    where changed and changes = 1
  ),

  later_rows as (
    select
      date, message,
      make_timestamp(
        (bucket_before + 1) * step_us(step)
      ) as timestamp,
      local_timestamp, unnest(book_before)
    from in_steps
    semi join changed_steps
      on in_steps.run = changed_steps.run and in_steps.steps - 1 = changed_steps.steps
    where next_step
  ),

  all_rows as (
    from first_rows
    union all
    from later_rows
  )

select timestamp, local_timestamp, bid_px, bid_sz, ask_px, ask_sz
from all_rows
order by date, message;
