"""Answers of the exchange's REST: lines → rows of `markets`, `rest_depth`, `rest_trades`.

An answer is no message of the feed: it has no place in the order of arrival, and says nothing of
which slice counts, nor of where a book stands. So nothing here meets what reads the feed.

A line that is not what it claims to be is refused as a whole, as the feed's are.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import polars as pl

from pipeline import answer_line
from pipeline.answer_line import AnswerLine
from pipeline.normalize.coinflex import book_side
from pipeline.normalize.numbers import Refused, number, time_us, whole
from pipeline.normalize.quarantine import RAW_SHOWN, as_text
from pipeline.schemas import MARKETS, QUARANTINE, REST_DEPTH, REST_TRADES, TABLES
from pipeline.stamp import split_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["ANSWER_PLACES", "Answers", "SliceOfAnswers"]

ANSWER_PLACES: Final = 1_000_000_000
_PAIR: Final = 2


class SliceOfAnswers(NamedTuple):
    """A slice: the minute of the day, its name below raw/<exchange>, and where it came from."""

    minute: int
    name: str
    origin: str


class _Place(NamedTuple):
    """Where an answer stands: ordinal, arrival (microseconds UTC), origin, slice, line."""

    answer: int
    time: int
    origin: str
    slice: str
    line: int

    @property
    def lineage(self) -> tuple[str, str, int]:
        return self.origin, self.slice, self.line


class _Answer(msgspec.Struct):
    data: msgspec.Raw
    success: bool | None = None


class _Market(msgspec.Struct, rename="camel"):
    market_code: str
    name: str | None = None
    reference_pair: str | None = None
    base: str | None = None
    counter: str | None = None
    type: str | None = None
    tick_size: float | str | None = None
    min_size: float | str | None = None
    listed_at: int | str | None = None
    upper_price_bound: float | str | None = None
    lower_price_bound: float | str | None = None
    mark_price: float | str | None = None
    last_updated_at: int | str | None = None


class _Depth(msgspec.Struct, rename="camel"):
    asks: list[list[float]]
    bids: list[list[float]]
    market_code: str | None = None
    last_updated_at: int | str | None = None


class _Trade(msgspec.Struct, rename="camel"):
    match_price: float | str
    match_quantity: float | str
    side: str
    matched_at: int | str
    market_code: str | None = None


_line: Final = msgspec.json.Decoder(AnswerLine)
_answer: Final = msgspec.json.Decoder(_Answer)
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_market: Final = msgspec.json.Decoder(_Market)
_depth: Final = msgspec.json.Decoder(_Depth | list[_Depth])
_trades: Final = msgspec.json.Decoder(list[_Trade] | None)

_Row = tuple[Any, ...]
# Of an exchange's tables; None stands for the whole exchange.
_Key = tuple[str, str | None]


class Answers:
    """Takes slices of answers, and gives the rows of tables that they hold, in line order."""

    def __init__(self) -> None:
        self._rows: dict[_Key, list[_Row]] = {}

    def take(self, at: SliceOfAnswers, lines: Iterable[bytes]) -> Counter[str]:
        """Take a slice's lines, without their ends; return what became of them, for `ingests`."""
        tally = Counter[str]()
        for line, raw in enumerate(lines, 1):
            if not raw.strip():
                tally["disconnects"] += 1
                continue
            tally["lines"] += 1
            try:
                found = list(_read(at, line, raw))
            except (Refused, ValueError, UnicodeError, RecursionError) as error:
                tally["quarantined"] += 1
                found = [((QUARANTINE.name, None), _quarantined(at, line, raw, str(error)))]
            for key, row in found:
                self._rows.setdefault(key, []).append(row)
        return tally

    @property
    def waiting(self) -> int:
        """How many rows wait to be taken."""
        return sum(map(len, self._rows.values()))

    def drain(self) -> Iterator[tuple[str, str | None, pl.DataFrame]]:
        """Yield the rows that wait: table, instrument (None: the whole exchange), rows."""
        rows, self._rows = self._rows, {}
        for (name, instrument), found in sorted(rows.items(), key=lambda item: str(item[0])):
            schema = TABLES[name].normalized
            yield name, instrument, pl.DataFrame(found, schema, orient="row")


def _read(at: SliceOfAnswers, line: int, raw: bytes) -> Iterator[tuple[_Key, _Row]]:
    """Yield the rows that a line gives."""
    time, payload = split_line(raw)
    place = _Place(at.minute * ANSWER_PLACES + line, time, at.origin, at.name, line)
    said = _line.decode(payload)
    read = _READERS.get(said.rest)
    if read is None:
        raise Refused(f"{said.rest[:40]!r} is an endpoint that is not read here")
    yield from read(place, said.query, _answer.decode(said.answer).data)


def _read_markets(
    place: _Place, _: dict[str, str], data: msgspec.Raw
) -> Iterator[tuple[_Key, _Row]]:
    for item, sent in enumerate(_raws.decode(data)):
        of = _market.decode(sent)
        numbers = {
            name: None if (value := getattr(of, name)) is None else number(value, name)
            for name in ("tick_size", "min_size", "upper_price_bound", "lower_price_bound",
                         "mark_price")
        }  # fmt: skip
        row = {
            "instrument": of.market_code, "answer": place.answer, "local_timestamp": place.time,
            "timestamp": time_us(of.last_updated_at), "item": item, "name": of.name,
            "reference_pair": of.reference_pair, "base": of.base, "counter": of.counter,
            "type": of.type, **numbers, "listed_at": time_us(of.listed_at),
            "sent": bytes(sent).decode(), "origin": place.origin, "slice": place.slice,
            "line": place.line,
        }  # fmt: skip
        yield (MARKETS.name, None), tuple(row[name] for name in MARKETS.names)


def _read_depth(
    place: _Place, query: dict[str, str], data: msgspec.Raw
) -> Iterator[tuple[_Key, _Row]]:
    decoded = _depth.decode(data)
    for of in decoded if isinstance(decoded, list) else [decoded]:
        level = whole(query.get("level"), "level")
        asks, bids = (_side(of.asks, descending=False), _side(of.bids, descending=True))
        lists = [list(bids), [*bids.values()], list(asks), [*asks.values()]]
        row = (place.answer, place.time, time_us(of.last_updated_at), level, len(bids), len(asks),
               *lists, *place.lineage)  # fmt: skip
        yield (REST_DEPTH.name, _named(of.market_code, query)), row


def _side(levels: list[list[float]], *, descending: bool) -> dict[float, float]:
    """Return a side as price → amount, best first, as a book of the feed has it."""
    if any(len(level) < _PAIR for level in levels):
        raise Refused("a level has no price and amount")
    side, _ = book_side(levels, "book", descending=descending)
    return side


def _read_trades(
    place: _Place, query: dict[str, str], data: msgspec.Raw
) -> Iterator[tuple[_Key, _Row]]:
    for item, of in enumerate(_trades.decode(data) or []):
        side = of.side.lower()
        if side not in {"buy", "sell"}:
            raise Refused(f"side is {of.side[:20]!r}, neither buy nor sell")
        price, amount = number(of.match_price, "matchPrice"), number(of.match_quantity, "quantity")
        row = (time_us(of.matched_at), item, side, price, amount, *place.lineage)
        yield (REST_TRADES.name, _named(of.market_code, query)), row


def _named(market: str | None, query: dict[str, str]) -> str:
    """Return the market of an answer: as it says itself, else as it was asked for."""
    name = market or query.get("marketCode")
    if not name:
        raise Refused("neither the answer nor the question names a market")
    return name


def _quarantined(at: SliceOfAnswers, line: int, raw: bytes, reason: str) -> _Row:
    shown = as_text(raw[:RAW_SHOWN])
    return at.name, line, reason, shown, len(raw)


_READERS: Final[dict[str, Callable[..., Iterator[tuple[_Key, _Row]]]]] = {
    answer_line.MARKETS: _read_markets,
    answer_line.DEPTH: _read_depth,
    answer_line.TRADES: _read_trades,
}
