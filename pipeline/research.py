"""What people ask of the lake in Python. A time without an offset is UTC; unknown is no row.

Each question opens the lake, which takes longer than the answer. For several, open it once:

    with opened(settings) as lake:
        book_at(settings, "BTC-USD-SWAP-LIN", time, lake=lake)
"""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.catalogue import Catalogue
from pipeline.errors import LakeEmpty, UsageError
from pipeline.lake import Lake
from pipeline.query import rows_of
from pipeline.times import as_utc
from pipeline.views import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from pipeline.config import Settings

__all__ = ["book_at", "explain_no_book", "opened"]

_DAY: Final = timedelta(days=1)
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


@contextmanager
def opened(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection for several questions; raises LakeEmpty where there is no lake yet."""
    if Catalogue(Lake(settings.data, settings.exchange)).is_empty:
        raise LakeEmpty(settings.data)
    with connect(settings.data, settings.exchange) as connection:
        yield connection


def _open(
    settings: Settings, lake: duckdb.DuckDBPyConnection | None
) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    return opened(settings) if lake is None else nullcontext(lake)


def book_at(
    settings: Settings,
    instrument: str,
    time: datetime,
    depth: int | None = None,
    *,
    lake: duckdb.DuckDBPyConnection | None = None,
) -> list[dict[str, Any]]:
    """Return the book that stood at a time (arrival clock): side, level, price, amount.

    Bids first, each side best first from level 0, at most `depth` levels a side. Empty where the
    book is unknown. Raises UsageError for an instrument that the lake does not have, LakeEmpty
    where there is no lake yet.
    """
    naive = as_utc(time).replace(tzinfo=None)
    with _open(settings, lake) as connection:
        rows = rows_of(
            connection,
            "select side, level, price, amount from book_at($1, $2) order by side desc, level",
            [instrument, naive],
        )
        if not rows:
            known = rows_of(connection, "select instrument from instruments order by all")
            if (instrument,) not in known:
                raise UsageError.not_among("instrument", instrument, [name for (name,) in known])
    named = [dict(zip(("side", "level", "price", "amount"), row, strict=True)) for row in rows]
    return [row for row in named if depth is None or row["level"] < depth]


def explain_no_book(
    settings: Settings,
    instrument: str,
    time: datetime,
    *,
    lake: duckdb.DuckDBPyConnection | None = None,
) -> str:
    """Return in a sentence why no book is known at a time, as far as the lake tells."""
    time = as_utc(time)
    naive = time.replace(tzinfo=None)
    day_before = (max(time, _FIRST + _DAY) - _DAY).replace(tzinfo=None)
    just_after = (min(time, _LAST - timedelta.resolution) + timedelta.resolution).replace(
        tzinfo=None
    )
    with _open(settings, lake) as connection:
        gaps = rows_of(
            connection,
            """select start, stop, cause from gaps($1, $2, $3)
            where start <= $2 and $2 < stop order by start limit 1""",
            [instrument, naive, just_after],
        )
        # No book stands for longer than its day.
        empty = rows_of(
            connection,
            """select 1 from depth_messages($1, $2, $3)
            where $4 < valid_until and bid_levels = 0 and ask_levels = 0 limit 1""",
            [instrument, day_before, just_after, naive],
        )
        covered = rows_of(
            connection,
            "select min(date), max(date) from coverage where instrument = $1",
            [instrument],
        )
    book = f"the book of {instrument} at {naive.isoformat(sep=' ')}"
    if empty:
        return f"{book} is known, and empty on both sides"
    unknown = f"{book} is unknown"
    if gaps:
        start, stop, cause = gaps[0]
        return f"{unknown}: {cause} from {start} to {stop}"
    ((first, last),) = covered
    reach = "no message of that day or the day before reaches it"
    return f"{unknown}: {reach}; the lake has days from {first} to {last}"
