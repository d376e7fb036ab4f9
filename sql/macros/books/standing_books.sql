-- One row per stretch [starts, ends) in which a book stands and which overlaps [start, end), arrival
-- clock, UTC: date, message, keyframe, arrival, times and best prices of its message, and the version
-- of its day. Stretches never overlap; between them no book is known. They are clipped at midnight: a
-- book that stands on has a second row, so that the day is in the lake by which it is known.
create or replace macro standing_books(instrument, start, "end") as table
with
  days_touched as (
    select range::date as date
    from range(
      utc(start)::date, (utc("end") - interval 1 microsecond)::date + 1, interval 1 day
    )
  )

select *
from standing_in(
  files_of_days('depth', instrument, days_with_carry(start, "end")),
  'days_touched', utc(start), utc("end")
)
where starts < utc("end") and ends > utc(start) and utc(start) < utc("end")
order by starts;
