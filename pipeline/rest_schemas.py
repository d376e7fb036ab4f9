"""The tables of what the exchange's REST answered (normalize/answers.py); schemas.py has all."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.table import LINEAGE, PRICES, TIME, VERSION, Column, Table

__all__ = ["MARKETS", "REST_DEPTH", "REST_TRADES"]

_ANSWER = (
    Column(
        "answer",
        pl.Int64(),
        "ordinal",
        "Place among the day's answers of REST: minute of the day * 10^9 + the line in that "
        "minute's slice. It has nothing to do with `arrival`.",
    ),
    Column("local_timestamp", TIME, "arrival clock", "When the answer had arrived."),
    Column("timestamp", TIME, "exchange clock", "lastUpdatedAt; NULL if not given."),
)

MARKETS: Final = Table(
    "markets",
    "one row per market in each answer of REST's /markets that was recorded, in line order: the "
    "exchange's own definitions, recorded when one of them changed, when a capture began and as "
    "each day began",
    (
        Column("instrument", pl.String(), "", "marketCode: the exchange's own name."),
        *_ANSWER,
        Column("item", pl.Int32(), "ordinal", "Place in the answer's data list, from 0."),
        Column("name", pl.String(), "", "As sent."),
        Column("reference_pair", pl.String(), "", "referencePair"),
        Column("base", pl.String(), "", "The currency that amounts are of."),
        Column("counter", pl.String(), "", "The currency that prices are of."),
        Column("type", pl.String(), "", "As sent: SPOT, FUTURE, REPO, SPREAD, …"),
        Column("tick_size", pl.Float64(), "counter currency", "tickSize"),
        Column("min_size", pl.Float64(), "base currency", "minSize"),
        Column("listed_at", TIME, "exchange clock", "listedAt"),
        Column("upper_price_bound", pl.Float64(), "counter currency", "upperPriceBound, just then"),
        Column("lower_price_bound", pl.Float64(), "counter currency", "lowerPriceBound, just then"),
        Column("mark_price", pl.Float64(), "counter currency", "markPrice, just then"),
        Column("sent", pl.String(), "", "The market's own JSON, as sent."),
        *LINEAGE,
    ),
)

REST_DEPTH: Final = Table(
    "rest_depth",
    "one row per answer of REST's /depth, which is asked for while no connection to the feed "
    "stands, in line order: some best levels of a book, never all of it",
    (
        *_ANSWER,
        Column("level", pl.Int32(), "levels", "How many levels a side were asked for."),
        Column(
            "bid_levels", pl.Int32(), "levels", "Price levels that came; the book may have more."
        ),
        Column(
            "ask_levels", pl.Int32(), "levels", "Price levels that came; the book may have more."
        ),
        Column("book_bid_price", PRICES, "", "Bids, best first."),
        Column("book_bid_amount", PRICES, "", "Their amounts."),
        Column("book_ask_price", PRICES, "", "Asks, best first."),
        Column("book_ask_amount", PRICES, "", "Their amounts."),
        *LINEAGE,
        VERSION,
    ),
)

REST_TRADES: Final = Table(
    "rest_trades",
    "one row per trade in an answer of REST's /exchange-trades, which is asked for after a hole in "
    "the feed; filed under the day on which it was made, not fetched. Answers overlap each other, "
    "and the feed: trades_by_exchange_time puts them together",
    (
        Column("timestamp", TIME, "exchange clock", "matchedAt. There is no time of arrival."),
        Column("item", pl.Int32(), "ordinal", "Place in the answer's data list, from 0."),
        Column("side", pl.String(), "", "The taker's side: buy or sell."),
        Column("price", pl.Float64(), "counter currency", "The double nearest to the text sent."),
        Column("amount", pl.Float64(), "base currency", "The double nearest to the text sent."),
        *LINEAGE,
    ),
)
