"""DuckDB alone: its own reader, its own JSON, window functions over every level of every book.

Gunzips and splits with read_csv (a line is a time and a JSON, which read_json does not take),
decodes with json_transform, unnests all levels, and looks along each price at the messages before
and after. Changes are counted, not stored.
"""

from __future__ import annotations

from typing import Final

import duckdb

from benchmarks.job import Counted, Job, Measured, timed

__all__ = ["measure"]

# One row per level that a message has; messages of an instrument are numbered without holes.
_CHANGES: Final = """
with
  lines as materialized (
    select json_transform(line[30:], '{
      "table": "varchar",
      "data": [{
        "instrumentId": "varchar", "seqNum": "bigint", "asks": [["double"]], "bids": [["double"]]
      }]
    }') as message
    from read_csv(
      $1, columns = {'line': 'varchar'}, delim = '\\x01', quote = '', escape = '',
      header = false, auto_detect = false, max_line_size = 4000000
    )
  ),

  books as (
    select unnest(message.data) as book from lines where message."table" = 'futures/depth'
  ),

  numbered as materialized (
    select
      book.instrumentId as instrument, book.asks, book.bids,
      row_number() over (partition by book.instrumentId order by book.seqNum) as number
    from books
  ),

  levels as (
    select instrument, number, 'ask' as side, level[1] as price, level[2] as amount
    from (select instrument, number, unnest(asks) as level from numbered)
    union all
    select instrument, number, 'bid', level[1], level[2]
    from (select instrument, number, unnest(bids) as level from numbered)
  ),

  along_prices as (
    select
      instrument, number, amount,
      lag(number) over price as before, lag(amount) over price as amount_before,
      lead(number) over price as after
    from levels
    window price as (partition by instrument, side, price order by number)
  ),

  ends as (select instrument, max(number) as last from numbered group by instrument)

select
  (select count(*) from lines),
  count(*) filter (before is null or before < number - 1 or amount_before <> amount)
    + count(*) filter ((after is null or after > number + 1) and number < last)
from along_prices join ends using (instrument)
"""


def measure(job: Job) -> Measured:
    """Count the changes in one query, on as many threads as the job has cores."""
    paths = [str(path) for path in job.files]
    with duckdb.connect(config={"threads": job.cores}) as connection:
        connection.execute("set enable_progress_bar = false")

        def count() -> Counted:
            row = connection.execute(_CHANGES, [paths]).fetchone()
            assert row is not None
            return Counted(*row)

        return timed(job, count)
