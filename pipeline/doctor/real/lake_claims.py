"""What SQL says of a day's minutes, as the normalizer brought them into a lake: time and sequence.

Steps are those from message to message of one feed within what was fetched without a break.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.doctor.real.evidence import (
    DIFFERS,
    HOLDS,
    LEAST,
    TOLD,
    UNDECIDED,
    Evidence,
    judged,
    percent,
)
from pipeline.query import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import duckdb

__all__ = ["lake_claims"]

_STEPS: Final = """
    with
      messages as (
        select
          instrument, message, reset, seq_step, missed,
          date_diff('microsecond', lag(timestamp) over in_order, timestamp) / 1000 as ms
        from depth_messages
        where date = ?
        window in_order as (partition by instrument order by message)
      ),
      steps as (from messages where not reset and seq_step is not null)
"""
# Every 50 ms by the documentation up to 2022, every 100 ms after; measured 60 to 77, and 100.6.
_TICK: Final = (50.0, 110.0)
_LEAST_STEPS: Final = 100
_NEARLY_ALL: Final = 0.99
# A step of k takes k times as long as a step of one, give or take this factor.
_IN_PROPORTION: Final = 2.0
# What is missed and what is a restart are told apart for sure if the one is so much larger.
_APART: Final = 1000


def lake_claims(connection: duckdb.DuckDBPyConnection, day: date) -> Iterator[Evidence]:
    """Yield what the depth messages of a day say."""
    yield _cadence(connection, day)
    yield from _steps(connection, day)
    yield _jumps(connection, day)
    yield from _tops(connection, day)
    yield _verdicts(connection, day)


def _cadence(connection: duckdb.DuckDBPyConnection, day: date) -> Evidence:
    """Judge by the median of each instrument that has enough steps."""
    claim = f"A market sends a book every {_TICK[0]:.0f} to {_TICK[1]:.0f} ms of exchange time"
    rows = rows_of(
        connection,
        f"""{_STEPS}
        select instrument, count(ms) as n, quantile_cont(ms, [0.05, 0.5, 0.95]) as of_steps
        from messages where not reset and ms is not null
        group by instrument having n >= {_LEAST_STEPS} order by instrument""",
        [day],
    )
    n = sum(row[1] for row in rows)
    if not rows:
        found = f"no market has {_LEAST_STEPS} steps"
        return Evidence(claim, day, found, n, UNDECIDED)
    medians = sorted(row[2][1] for row in rows)
    outside = [row for row in rows if not _TICK[0] <= row[2][1] <= _TICK[1]]
    low, high = min(row[2][0] for row in rows), max(row[2][2] for row in rows)
    busiest = max(rows, key=lambda row: (row[1], row[0]))
    found = (
        f"medians of {len(rows)} markets {medians[0]:.1f} to {medians[-1]:.1f} ms, "
        f"{len(outside)} outside; 5 % to 95 %: {low:.1f} to {high:.1f} ms; {busiest[0]}: "
        f"{busiest[2][0]:.1f} / {busiest[2][1]:.1f} / {busiest[2][2]:.1f} ms of {busiest[1]:,}"
    )
    return Evidence(claim, day, found, n, DIFFERS if outside else HOLDS)


def _steps(connection: duckdb.DuckDBPyConnection, day: date) -> Iterator[Evidence]:
    [(n, ones, same, missed, restarts, median, tick, rate)] = rows_of(
        connection,
        f"""{_STEPS}
        select
          count(*) as n,
          count(*) filter (seq_step = 1) as ones,
          count(*) filter (seq_step = 0) as same,
          count(*) filter (missed > 0) as missed,
          count(*) filter (missed is null) as restarts,
          median(seq_step) as median,
          median(ms) filter (seq_step = 1) as tick,
          sum(ms) filter (missed > 0) / sum(seq_step) filter (missed > 0) as rate
        from steps""",
        [day],
    )
    claim = f"A market's seqNum goes up by one a book, in at least {_NEARLY_ALL:.0%} of steps"
    found = (
        f"step 1: {percent(ones, n)}, 0: {same:,}, above 1: {missed:,}, restarts: {restarts:,}; "
        f"median {median:,.0f}" if n else "no steps"
    )  # fmt: skip
    verdict = UNDECIDED if n < LEAST else HOLDS if ones >= _NEARLY_ALL * n else DIFFERS
    yield Evidence(claim, day, found, n, verdict)
    claim = "A step of k takes as long as k steps of one: k - 1 books were missed"
    if missed < LEAST or not tick or rate is None:
        found = f"{missed:,} steps above 1"
        yield Evidence(claim, day, found, missed, UNDECIDED)
        return
    found = f"{rate:.1f} ms per one of a larger step, {tick:.1f} ms per step of one"
    fits = tick / _IN_PROPORTION <= rate <= tick * _IN_PROPORTION
    yield Evidence(claim, day, found, missed, HOLDS if fits else DIFFERS)


def _jumps(connection: duckdb.DuckDBPyConnection, day: date) -> Evidence:
    claim = "A jump is either at most 1,000 a second, or a restart by far more: nothing between"
    [(n, largest, restarts, smallest)] = rows_of(
        connection,
        f"""{_STEPS}
        select
          count(*), max(seq_step) filter (missed is not null), count(*) filter (missed is null),
          min(abs(seq_step::hugeint)) filter (missed is null)
        from steps""",
        [day],
    )
    found = f"largest step that counts {largest or 0:,}; {restarts:,} restarts"
    if not restarts:
        return Evidence(claim, day, found, n, UNDECIDED)
    found += f", the smallest a jump of {smallest:,}"
    apart = smallest >= _APART * max(largest or 0, 1000)
    return Evidence(claim, day, found, n, HOLDS if apart else DIFFERS)


def _tops(connection: duckdb.DuckDBPyConnection, day: date) -> Iterator[Evidence]:
    [(n, crossed, locked, no_bids, no_asks, most, median, irregular)] = rows_of(
        connection,
        """select
          count(*), count(*) filter (bid_price > ask_price),
          count(*) filter (bid_price = ask_price), count(*) filter (bid_levels = 0),
          count(*) filter (ask_levels = 0), max(greatest(bid_levels, ask_levels)),
          median(bid_levels + ask_levels), count(*) filter (irregular)
        from depth_messages where date = ? and bid_levels is not null""",
        [day],
    )
    found = f"crossed {crossed:,} ({percent(crossed, n)}), locked {locked:,} of {n:,}"
    yield Evidence("The best bid is below the best ask", day, found, n,
                   judged(crossed + locked, n))  # fmt: skip
    found = f"no bids: {no_bids:,}, no asks: {no_asks:,} of {n:,}"
    yield Evidence("Either side may be empty", day, found, n,
                   HOLDS if no_bids + no_asks else UNDECIDED)  # fmt: skip
    found = f"{median or 0:,.0f} levels of both sides in the median, {most or 0:,} of one at most; "
    found += f"{irregular:,} books irregular"
    yield Evidence("How many levels a book has", day, found, n, TOLD if n else UNDECIDED)


def _verdicts(connection: duckdb.DuckDBPyConnection, day: date) -> Evidence:
    """Return what the ingest itself says of checksums, of all messages."""
    claim = "The normalizer finds no checksum that does not fit"
    counts = dict(
        rows_of(
            connection,
            """select checksum_status, count(*) from depth_messages where date = ?
            group by all order by all""",
            [day],
        )
    )
    n = counts.get("ok", 0) + counts.get("mismatch", 0)
    found = ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "no messages"
    return Evidence(claim, day, found, n, judged(counts.get("mismatch", 0), n))
