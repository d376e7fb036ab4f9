"""The recording behind the stand-in: minutes, filters, availability.

The slices lie as YYYY/MM/DD/HH/MM.json.gz: gzip NDJSON, a line is a 28-character arrival time, a
space, the exchange's JSON; an empty line is a disconnect. No file: a minute without data.
"""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from isal import igzip

from pipeline.channels import canonical_channel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["LARGEST_SLICE", "Asked", "Filter", "Recording", "RefusedError", "minute_of"]

LARGEST_SLICE: Final = 10
_MINUTE: Final = timedelta(minutes=1)
_ANSWERS_KEPT: Final = 128
# 28 characters of arrival time and a space stand before a line's JSON.
_JSON_AT: Final = 29


class RefusedError(Exception):
    """The answer is an error: its HTTP status and its sentence."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(status, message)


class Filter(msgspec.Struct, frozen=True):
    """A channel, and those of its symbols that are wanted: all, if none is named."""

    channel: str
    symbols: frozenset[str] | None = None


class _Item(msgspec.Struct):
    instrument: str | None = msgspec.field(name="instrumentId", default=None)
    market: str | None = msgspec.field(name="marketCode", default=None)


class _Message(msgspec.Struct):
    """As much of an exchange's message as tells what it is about."""

    table: str | None = None
    data: list[_Item] | _Item | None = None
    channel: str | None = None
    success: Any = True

    def about(self) -> tuple[str, str | None] | None:
        """Return the channel and the symbol; None when it is about neither, like a welcome."""
        if self.table is not None:
            items = self.data if isinstance(self.data, list) else [self.data]
            first = items[0] if items else None
            return self.table, None if first is None else first.instrument or first.market
        if self.channel is not None:
            # An acknowledgement names both, as the subscription did.
            channel, _, symbol = self.channel.partition(":")
            return channel, symbol or None
        return None


_decode_message: Final = msgspec.json.Decoder(_Message).decode
_decode_filters: Final = msgspec.json.Decoder(tuple[Filter, ...]).decode


class Asked(NamedTuple):
    """A data-feeds request whose parameters can be read."""

    minute: datetime
    size: int
    filters: tuple[Filter, ...]

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> Asked:
        """Return what the query asks; RefusedError for what can't be served."""
        if query.get("compression", "gzip") != "gzip":
            raise RefusedError(400, "Invalid 'compression' param: this server knows gzip only.")
        filters = _filters(query)
        size = _number(query, "sliceSize", 1)
        if not 1 <= size <= (LARGEST_SLICE if filters else 1):
            would_work = f"1 to {LARGEST_SLICE} with 'filters', 1 without"
            raise RefusedError(400, f"Invalid 'sliceSize' param: {size}. It is {would_work}.")
        return cls(minute_of(query), size, filters)

    def minutes(self) -> list[datetime]:
        """Return all minutes of the slice."""
        return [self.minute + n * _MINUTE for n in range(self.size)]


def minute_of(query: Mapping[str, str]) -> datetime:
    """Return the minute that `from` and `offset` name; RefusedError when they name none."""
    text = query.get("from", "")
    offset = _number(query, "offset", 0)
    try:
        # A `+` that a client left bare in the query (Python's own isoformat has it) is a space now.
        start = datetime.fromisoformat(re.sub(r"(T.*) (\d\d:?\d\d)$", r"\1+\2", text))
        start = start.replace(tzinfo=UTC) if start.tzinfo is None else start.astimezone(UTC)
        return start.replace(second=0, microsecond=0) + offset * _MINUTE
    except (ValueError, OverflowError):
        wish = "Please provide a date in ISO 8601 format, for example 2020-08-01T23:55:00.000Z."
        raise RefusedError(400, f"Invalid 'from' param: {text!r}. {wish}") from None


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise RefusedError(400, f"Invalid '{name}' param: {text!r}. It is a non-negative integer.")
    return int(text)


def _filters(query: Mapping[str, str]) -> tuple[Filter, ...]:
    try:
        return _decode_filters(query.get("filters", "[]"))
    except msgspec.DecodeError as error:
        form = 'It is JSON like [{"channel":"trade","symbols":["BTC-USD"]}]'
        raise RefusedError(400, f"Invalid 'filters' param. {form}: {error}.") from None


class _Contents(NamedTuple):
    """What the slices hold: tables, and each symbol's first and last day, as midnights."""

    tables: set[str]
    symbols: dict[str, tuple[datetime, datetime]]


class Recording:
    """The folder of slices. Its methods read files: call them off the event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._scanning = threading.Lock()
        self._contents: _Contents | None = None
        self._filtered = lru_cache(_ANSWERS_KEPT)(_filtered)

    @cached_property
    def slices(self) -> list[tuple[datetime, Path]]:
        """The midnight of each slice's day and its path, in order; listed once."""
        paths = sorted(self._folder.glob("[0-9][0-9][0-9][0-9]/??/??/??/??.json.gz"))
        return [(_midnight(path), path) for path in paths]

    def contents(self) -> _Contents:
        """Return what all slices hold; they are read once, whoever asks first."""
        with self._scanning:
            if self._contents is None:
                contents = _Contents(set(), {})
                for day, path in self.slices:
                    # One broken slice is refused when it is asked for; the others are served.
                    with suppress(RefusedError):
                        _take_in(contents, day, _lines(path))
                self._contents = contents
            return self._contents

    def lines_of(self, day: datetime) -> Iterator[bytes]:
        """Yield the lines of a day's slices, in order; RefusedError for one that can't be read."""
        for of, path in self.slices:
            if of == day:
                yield from _lines(path)

    def answer(self, minutes: Iterable[datetime], filters: tuple[Filter, ...]) -> bytes:
        """Return what is left of the minutes, as gzip; nothing at all when nothing is left."""
        paths = [self._folder / f"{minute:%Y/%m/%d/%H/%M}.json.gz" for minute in minutes]
        paths = [path for path in paths if path.is_file()]
        if not filters:
            return b"".join(path.read_bytes() for path in paths)
        # A file that was replaced since is another slice.
        stamps = tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
        return self._filtered(stamps, filters)


def _midnight(path: Path) -> datetime:
    year, month, day = (int(folder.name) for folder in list(path.parents)[3:0:-1])
    return datetime(year, month, day, tzinfo=UTC)


def _lines(path: Path) -> list[bytes]:
    try:
        content: bytes = igzip.decompress(path.read_bytes())  # type: ignore[no-untyped-call]
    except Exception as error:  # isal has errors of its own, which its stubs do not name as classes
        raise RefusedError(500, f"The slice {path.name} can't be read: {error}") from error
    lines = content.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def _take_in(contents: _Contents, day: datetime, lines: Iterable[bytes]) -> None:
    for line in lines:
        message = _message(line)
        about = message.about()
        if about is None or message.success is False:
            continue
        channel, symbol = about
        if message.table is not None:
            contents.tables.add(channel)
        # `ticker:all` is a subscription, not a symbol.
        if symbol is not None and symbol != "all":
            first, last = contents.symbols.get(symbol, (day, day))
            contents.symbols[symbol] = min(first, day), max(last, day)


def _message(line: bytes) -> _Message:
    """Return a line's message; of a disconnect, or what can't be read, one about nothing."""
    try:
        return _decode_message(line[_JSON_AT:])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Message()


def _filtered(stamps: tuple[tuple[Path, int, int], ...], filters: tuple[Filter, ...]) -> bytes:
    lines = [line for path, *_ in stamps for line in _lines(path)]
    kept = [line for line in lines if _passes(line, filters)]
    if len(kept) == len(lines):  # nothing to leave out: the files as they are
        return b"".join(path.read_bytes() for path, *_ in stamps)
    return igzip.compress(b"\n".join([*kept, b""]), mtime=0) if kept else b""


def _passes(line: bytes, filters: tuple[Filter, ...]) -> bool:
    about = _message(line).about()
    # A disconnect, a welcome, or what can't be read concerns every subscriber.
    if about is None:
        return True
    # Who asked for futures/depth is sent the full book, whatever its table is called by then.
    channel, symbol = canonical_channel(about[0]), about[1]
    return any(
        canonical_channel(f.channel) == channel and (not f.symbols or symbol in f.symbols)
        for f in filters
    )
