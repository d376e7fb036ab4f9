"""Every table of the lake: column, type, unit, clock, meaning.

Vocabulary is Tardis's. `local_timestamp` is the arrival clock of whoever recorded the line,
`timestamp` the exchange's clock; both are UTC in microseconds, without a zone in files and SQL.
An amount is absolute, 0 means removed. Unknown is NULL. The columns `exchange`, `instrument` and
`date` (UTC day of the slice, hence of local_timestamp; of `rest_trades` that of the trade) stand in
the path, not in the file.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.rest_schemas import MARKETS, REST_DEPTH, REST_TRADES
from pipeline.table import LINEAGE, PRICES, TIME, VERSION, Column, Table

__all__ = [
    "CATALOGUE",
    "DEPTH",
    "GAPS",
    "INGESTS",
    "MARKETS",
    "QUARANTINE",
    "REST_DEPTH",
    "REST_TRADES",
    "SCHEMA_VERSION",
    "TABLES",
    "TICKERS",
    "TRADES",
    "TRADE_GAPS",
    "VERSION",
    "Column",
    "Table",
]

# Raised whenever a column changes its name, type or meaning: older partitions are then rebuilt.
SCHEMA_VERSION: Final = 6


_PLACE = (
    Column(
        "arrival",
        pl.Int64(),
        "ordinal",
        "Place in the true order of arrival within the day, across tables and instruments: "
        "minute of the day * 10^9 + the line's place in that minute.",
    ),
    Column("item", pl.Int32(), "ordinal", "Place in the message's data list, from 0."),
    Column("local_timestamp", TIME, "arrival clock", "When the line arrived at the recorder."),
    Column("timestamp", TIME, "exchange clock", "The exchange's own time; NULL if not given."),
)
DEPTH: Final = Table(
    "depth",
    "one row per depth message received, in line order",
    (
        Column(
            "message", pl.Int32(), "ordinal", "Place in the day, instrument and channel, from 0."
        ),
        *_PLACE,
        Column("channel", pl.String(), "", "depth is the full book, however the wire spells it."),
        Column("action", pl.String(), "", "As sent: partial, increment, NULL if absent."),
        Column(
            "valid_until",
            TIME,
            "arrival clock",
            "End (exclusive) of the time in which this book stands: the next message, just after "
            "the last line before a disconnect, a minute never fetched, or the end of the day.",
        ),
        Column(
            "carry_until",
            TIME,
            "arrival clock",
            "On message 0: until when (exclusive) the last book of the day before still stands.",
        ),
        Column("seq_num", pl.Int64(), "", "The exchange's sequence number."),
        Column(
            "seq_step",
            pl.Int64(),
            "",
            "seq_num minus that of the message before; NULL on the first of the day.",
        ),
        Column(
            "missed",
            pl.Int64(),
            "snapshots",
            "Snapshots missed just before, while connected; NULL where not known (first of the "
            "day, restart) and after a gap.",
        ),
        Column(
            "missed_in_gap",
            pl.Int64(),
            "snapshots",
            "After a gap: snapshots sent in it, as far as the sequence tells. Otherwise NULL.",
        ),
        Column("epoch", pl.Int32(), "ordinal", "Restarts of the sequence so far in the day."),
        Column("duplicate", pl.Boolean(), "", "Carries the seq_num of the message before."),
        Column("checksum", pl.Int64(), "", "As sent; NULL if absent or 0, which means not given."),
        Column("checksum_status", pl.String(), "", "ok, mismatch, absent or unverifiable."),
        Column("bid_levels", pl.Int32(), "levels", "Price levels on the side; NULL if not a book."),
        Column("ask_levels", pl.Int32(), "levels", "Price levels on the side; NULL if not a book."),
        Column("bid_price", pl.Float64(), "counter currency", "Best bid; NULL if there is none."),
        Column("bid_amount", pl.Float64(), "base currency", "Amount at the best bid."),
        Column("ask_price", pl.Float64(), "counter currency", "Best ask; NULL if there is none."),
        Column("ask_amount", pl.Float64(), "base currency", "Amount at the best ask."),
        Column("crossed", pl.Boolean(), "", "Best bid at or above best ask, kept as received."),
        Column(
            "irregular",
            pl.Boolean(),
            "",
            "As received, levels were out of order, repeated, of amount 0 or below, "
            "or had non-zero third and fourth elements.",
        ),
        Column(
            "reset", pl.Boolean(), "", "The book starts anew: first of the day, or after a gap."
        ),
        Column("keyframe", pl.Int32(), "ordinal", "The message at or before with a whole book."),
        *LINEAGE,
        Column(
            "bid_change_price", PRICES, "", "Bids changed against the message before, best first."
        ),
        Column("bid_change_amount", PRICES, "", "Their new amounts, 0 = removed."),
        Column(
            "ask_change_price", PRICES, "", "Asks changed against the message before, best first."
        ),
        Column("ask_change_amount", PRICES, "", "Their new amounts, 0 = removed."),
        Column("book_bid_price", PRICES, "", "On keyframes: all bids, best first. Otherwise NULL."),
        Column("book_bid_amount", PRICES, "", "Their amounts."),
        Column("book_ask_price", PRICES, "", "On keyframes: all asks, best first. Otherwise NULL."),
        Column("book_ask_amount", PRICES, "", "Their amounts."),
        VERSION,
    ),
)

TRADES: Final = Table(
    "trades",
    "one row per trade received, in line order",
    (
        *_PLACE,
        Column("id", pl.String(), "", "The exchange's trade id; NULL if not given."),
        Column("side", pl.String(), "", "The taker's side: buy or sell."),
        Column("price", pl.Float64(), "counter currency", "The double nearest to the text sent."),
        Column("amount", pl.Float64(), "base currency", "The double nearest to the text sent."),
        *LINEAGE,
        VERSION,
    ),
)

TICKERS: Final = Table(
    "tickers",
    "one row per ticker update received, in line order",
    (
        *_PLACE,
        Column("last_price", pl.Float64(), "counter currency", "last"),
        Column("last_amount", pl.Float64(), "base currency", "lastQty"),
        Column("open_24h", pl.Float64(), "counter currency", "open24h"),
        Column("high_24h", pl.Float64(), "counter currency", "high24h"),
        Column("low_24h", pl.Float64(), "counter currency", "low24h"),
        Column("volume_24h", pl.Float64(), "counter currency", "volume24h"),
        Column("currency_volume_24h", pl.Float64(), "base currency", "currencyVolume24h"),
        Column("open_interest", pl.Float64(), "base currency", "openInterest"),
        Column("mark_price", pl.Float64(), "counter currency", "markPrice; NULL where absent"),
        Column("last_mark_price", pl.Float64(), "counter currency", "lastMarkPrice (2022 on)"),
        *LINEAGE,
        VERSION,
    ),
)

GAPS: Final = Table(
    "gaps",
    "one row per stretch of the day in which the instrument's book is unknown for a known cause, "
    "and per one in which it is known, but snapshots lack or the exchange was silent",
    (
        Column("start", TIME, "arrival clock", "Just after the last line before the gap."),
        Column("stop", TIME, "arrival clock", "Exclusive: the next snapshot, or the day's end."),
        Column(
            "cause",
            pl.String(),
            "",
            "What it began with: disconnect, not_fetched, end_of_coverage, changeover, "
            "other_action or no_snapshot; it lasts to the next snapshot, though minutes may be "
            "fetched before. Or missed_snapshots, exchange_silent.",
        ),
        Column(
            "is_unknown",
            pl.Boolean(),
            "",
            "Whether no book is known in it. Such stretches of a day do not overlap each other. A "
            "silence from midnight on is none, since the book of the day before may stand.",
        ),
        Column("missed", pl.Int64(), "snapshots", "Of missed_snapshots: how many. Else NULL."),
        VERSION,
    ),
)

TRADE_GAPS: Final = Table(
    "trade_gaps",
    "one row per stretch of the day in which trades of the instrument may be lacking, after one "
    "that says when the day's first line arrived: a day that is in the lake always has a row",
    (
        Column("start", TIME, "arrival clock", "Just after the last line before the gap."),
        Column(
            "stop",
            TIME,
            "arrival clock",
            "Exclusive: the next line with data, the next minute that was fetched, or the day's "
            "end.",
        ),
        Column(
            "cause",
            pl.String(),
            "",
            "disconnect, not_fetched, end_of_coverage or changeover. Of the day's first row "
            "midnight: up to the first line nothing is lacking, unless the day before ended in a "
            "disconnect or changeover, or with another recorder.",
        ),
        Column(
            "trades", pl.Int64(), "trades", "On the day's first row: how many it has; else NULL."
        ),
        *(
            Column(
                f"{which}_origin",
                pl.String(),
                "",
                f"On the day's first row: whose slices count for trades {when}; NULL if none do, "
                "and on other rows.",
            )
            for which, when in (("first", "as it begins"), ("last", "as it ends"))
        ),
        VERSION,
    ),
)

QUARANTINE: Final = Table(
    "quarantine",
    "one row per line that could not be read, or by which a live recording contradicts history",
    (
        Column("slice", pl.String(), "", "The raw slice it stands in, below raw/<exchange>."),
        Column("line", pl.Int32(), "ordinal", "Its line in that slice, from 1."),
        Column("reason", pl.String(), "", "Why it was refused."),
        Column(
            "raw",
            pl.String(),
            "",
            "The line, up to 64 KiB, or 1 KiB where many were refused before it; bytes that are no "
            "UTF-8 as \\xNN.",
        ),
        Column("raw_bytes", pl.Int64(), "bytes", "Length of the whole line."),
    ),
)

INGESTS: Final = Table(
    "ingests",
    "one row per slice that was used for the day",
    (
        Column("slice", pl.String(), "", "The raw slice, below raw/<exchange>."),
        Column("minute", TIME, "arrival clock", "The start of its minute."),
        Column("origin", pl.String(), "", "As tardis:coinflex."),
        Column("sha256", pl.String(), "", "Of the file."),
        Column("bytes", pl.Int64(), "bytes", "Of the file."),
        Column("lines", pl.Int64(), "lines", "Data lines; disconnects are not among them."),
        Column("depth", pl.Int64(), "messages", "Depth messages that count, all channels."),
        Column("trades", pl.Int64(), "trades", "Trades that count."),
        Column("tickers", pl.Int64(), "updates", "Ticker updates that count."),
        Column("shadowed", pl.Int64(), "items", "Items for which a wider slice counts instead."),
        Column("control", pl.Int64(), "lines", "Acknowledgements, welcomes, errors."),
        Column(
            "foreign_lines", pl.Int64(), "lines", "Lines of tables that this project does not read."
        ),
        Column("quarantined", pl.Int64(), "lines", "Lines that could not be read."),
        Column("disconnects", pl.Int64(), "lines", "Empty lines."),
        Column("outside_minute", pl.Int64(), "lines", "Arrivals outside the slice's minute."),
        Column("backwards", pl.Int64(), "lines", "Arrivals before that of the line before."),
    ),
)

CATALOGUE: Final = Table(
    "catalogue",
    "one row per instrument and day in the lake",
    (
        Column("instrument", pl.String(), "", "The exchange's own name."),
        Column("date", pl.Date(), "UTC", "The day."),
        Column("depth_messages", pl.Int64(), "messages", "Of the full channel."),
        Column("depth_changes", pl.Int64(), "levels", "Level changes of the full channel."),
        Column("other_depth_messages", pl.Int64(), "messages", "Of all other depth channels."),
        Column("trades", pl.Int64(), "trades", "Trades."),
        Column("tickers", pl.Int64(), "updates", "Ticker updates."),
        Column("missed_snapshots", pl.Int64(), "snapshots", "Missed while connected."),
        Column("missed_in_gaps", pl.Int64(), "snapshots", "Sent in gaps, as the sequence tells."),
        Column("restarts", pl.Int64(), "", "Restarts of the sequence."),
        Column("duplicates", pl.Int64(), "messages", "Messages that repeat a seq_num."),
        Column("checksum_mismatches", pl.Int64(), "messages", "Checksums given that do not fit."),
        Column("crossed", pl.Int64(), "messages", "Books with best bid at or above best ask."),
        Column("irregular", pl.Int64(), "messages", "Books with levels out of the ordinary."),
        Column(
            "disconnects", pl.Int64(), "", "Disconnects of the recorder in the slices that count."
        ),
        Column("gaps", pl.Int64(), "", "Stretches in gaps of which no book is known."),
        Column("trade_gaps", pl.Int64(), "", "Rows of the table trade_gaps, the first one apart."),
        Column("minutes_fetched", pl.Int64(), "minutes", "Minutes of the day with a whole slice."),
        Column("first_local_timestamp", TIME, "arrival clock", "Of the first row of any table."),
        Column("last_local_timestamp", TIME, "arrival clock", "Of the last row of any table."),
        Column("bytes", pl.Int64(), "bytes", "Of the day's files of this instrument."),
        Column("source", pl.String(), "", "Digest of the slices that the day was made from."),
        Column("schema_version", pl.Int32(), "", "Of the files."),
    ),
)

TABLES: Final = {
    table.name: table
    for table in (
        DEPTH, TRADES, TICKERS, GAPS, TRADE_GAPS, MARKETS, REST_DEPTH, REST_TRADES, QUARANTINE,
        INGESTS, CATALOGUE,
    )
}  # fmt: skip
