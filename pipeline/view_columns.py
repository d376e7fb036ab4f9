"""What the columns of views mean: those of the table that a view shows, and those of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.schemas import (
    CATALOGUE,
    DEPTH,
    GAPS,
    INGESTS,
    MARKETS,
    QUARANTINE,
    REST_DEPTH,
    REST_TRADES,
    TICKERS,
    TRADE_GAPS,
    TRADES,
    Column,
    Table,
)
from pipeline.service_schemas import INCIDENTS, LISTINGS, RUN_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.derived_tables import DerivedTable

__all__ = ["VIEWS", "view_columns"]

_TIME: Final = pl.Datetime("us")
_TEXT: Final = pl.String()
_COUNT: Final = pl.Int64()

_INSTRUMENT: Final = Column("instrument", _TEXT, "", "The exchange's own name.")
_DATE: Final = Column(
    "date", pl.Date(), "UTC", "Day of the slice that it stands in, hence of its arrival."
)
_SEEN: Final = (
    Column(
        "first_local_timestamp", _TIME, "arrival clock", "The first arrival of any of its rows."
    ),
    Column("last_local_timestamp", _TIME, "arrival clock", "The last arrival of any of its rows."),
)

# The table that a view shows, whole or in part.
_SHOWN: Final[dict[str, Table]] = {
    **dict.fromkeys(
        ("depth_changes", "depth_messages", "depth_messages_all", "depth_rows", "quotes"), DEPTH
    ),
    "trades": TRADES,
    "tickers": TICKERS,
    "markets": MARKETS,
    "rest_depth": REST_DEPTH,
    "rest_trades": REST_TRADES,
    "gaps": GAPS,
    "trade_gaps": TRADE_GAPS,
    "quarantine": QUARANTINE,
    "ingests": INGESTS,
    "catalogued": CATALOGUE,
    "coverage": CATALOGUE,
    "listings": LISTINGS,
    "incidents": INCIDENTS,
}

_CONDITION: Final = (
    Column(
        "condition",
        _TEXT,
        "",
        "complete, degraded, missing, pending, suspect (asked for, and not a line of it) or "
        "not_listed.",
    ),
    Column(
        "reasons",
        pl.List(_TEXT),
        "",
        "What lacks: minutes_lacking, no_books, disconnects, missed_snapshots, "
        "checksum_mismatches, incident, quarantined, conflict. NULL if the day is not in the lake.",
    ),
)

# What no table has.
_OWN: Final[dict[str, tuple[Column, ...]]] = {
    "depth_changes": (
        Column("side", _TEXT, "", "bid or ask."),
        Column("price", pl.Float64(), "counter currency", "Of the level that the message changed."),
        Column("amount", pl.Float64(), "base currency", "What now stands there; 0 = gone."),
    ),
    "coverage_by_origin": (
        Column("origin", _TEXT, "", "As tardis:coinflex, or live:api.coinflex.us."),
        Column("depth_messages", _COUNT, "messages", "Of all depth channels."),
        Column("trades", _COUNT, "trades", "Received from there."),
        Column("tickers", _COUNT, "updates", "Received from there."),
        Column("first_arrival", _TIME, "arrival clock", "When the first of these arrived."),
        Column("last_arrival", _TIME, "arrival clock", "When the last of these arrived."),
    ),
    "catalogued": (
        Column("is_recorded", pl.Boolean(), "", "The day is being recorded: so it is so far."),
    ),
    "catalogued_days": (
        Column("source", _TEXT, "", "Digest of the slices that the day was made from."),
        Column("minutes_fetched", _COUNT, "minutes", "Minutes with any whole slice."),
        Column(
            "instruments_asked", pl.List(_TEXT), "", "Whom requests of the day name; NULL: all."
        ),
        Column("quarantined", _COUNT, "lines", "Lines that could not be read."),
        Column("conflict", _TEXT, "", "Why nothing recorded live fills gaps, if it is so."),
    ),
    "conditions": _CONDITION,
    "coverage": _CONDITION,
    "gaps": (
        Column("details", _TEXT, "", "What Tardis says of an incident, or why lines were refused."),
    ),
    "rest_trades": (Column("date", pl.Date(), "UTC", "Day on which it was made."),),
    "instruments": (
        Column("first_date", pl.Date(), "UTC", "Its first day in the lake."),
        Column("last_date", pl.Date(), "UTC", "Its last day in the lake."),
        Column("days", _COUNT, "days", "Its days in the lake; there may be others between them."),
        Column("depth_messages", _COUNT, "messages", "Of the full channel, on all days."),
        Column("trades", _COUNT, "trades", "On all days."),
        Column("tickers", _COUNT, "updates", "On all days."),
        Column("minutes_fetched", _COUNT, "minutes", "Minutes with a whole slice, on all days."),
        Column("bytes", _COUNT, "bytes", "Of its files."),
        *_SEEN,
    ),
    "instrument_types": (
        Column("type_inferred", _TEXT, "", "spot, perpetual, future, repo, spread, by its name."),
        Column("base_inferred", _TEXT, "", "The currency that amounts are of, by its name."),
        Column("counter_inferred", _TEXT, "", "The currency that prices are of, by its name."),
        Column("expiry_inferred", pl.Date(), "UTC", "Of a future, by its name. Otherwise NULL."),
        *_SEEN,
    ),
    "runs": RUN_COLUMNS,
    "check_rows": (
        Column("kind", _TEXT, "", "depth (of all channels), trades or tickers."),
        Column("in_catalogue", _COUNT, "rows", "Of all instruments, as the catalogue counts."),
        Column("in_slices", _COUNT, "rows", "What the slices of the day gave, as ingests has it."),
    ),
    "catalogue": (
        Column("name", _TEXT, "", "Of the view or macro; a view and a macro may share it."),
        Column("kind", _TEXT, "", "view, table macro (which stands in FROM) or macro (a value)."),
        Column("topic", _TEXT, "", "What it is about: books, checks, …; parts: for the others."),
        Column(
            "parameters", _TEXT, "", "As they are given; := comes before what is so by default."
        ),
        Column("comment", _TEXT, "", "What a row of it is, and what is to be known of it."),
    ),
    "catalogue_columns": (
        Column("view_name", _TEXT, "", "The view that has the column."),
        Column("column_name", _TEXT, "", "The column's name."),
        Column("type", _TEXT, "", "In DuckDB's words."),
        Column("unit", _TEXT, "", "Its unit, or the clock of a time; empty if it has none."),
        Column("meaning", _TEXT, "", "What it says."),
        Column("place", pl.Int32(), "ordinal", "Its place in the view, from 1."),
    ),
}

# Every view whose columns are known here.
VIEWS: Final = frozenset(_SHOWN) | frozenset(_OWN)


def view_columns(derived: Iterable[DerivedTable] = ()) -> dict[str, dict[str, Column]]:
    """Return by view and name what its columns mean; more of a table than a part of it shows.

    The views are those of sql/, and those of the derived tables that are named.
    """
    own = {view: (*_SHOWN.get(view, ()), *_OWN.get(view, ())) for view in VIEWS}
    own |= {table.name: table.view_columns for table in derived}
    return {
        view: {column.name: column for column in (_INSTRUMENT, _DATE, *own[view])}
        for view in sorted(own)
    }
