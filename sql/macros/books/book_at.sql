-- One row per price level of the book that stood at a time: side ('bid', 'ask'), level (0 = best),
-- price, amount. `t` is on the arrival clock, UTC. Of several messages in one microsecond the last
-- counts. No rows where the book is unknown: before the first snapshot, from just after the last
-- line before a disconnect until the next snapshot, in minutes never fetched, after the end of
-- coverage. Until the day's first message the last book of the day before stands, if no gap lies
-- between. Opens the one partition that it needs, or two after midnight, whatever else is in the
-- lake. An error, never a mixture, if a file is replaced between its two readings: ask again.
-- The query is put together as text, so that time and folder are worked out once: what a macro is
-- given is put in its text wherever its name stands.
create or replace macro book_at(instrument, t) as table
from query(
  coalesce(
    format('from book_in_folder(''{}'', timestamp ''{}'')', folder_name(instrument), moment(t)),
    error('a time was NULL; what would work: 2020-08-01 23:54:00.5')
  )
);
