"""Tardis.dev's HTTP protocol, fed from a folder of minute slices.

GET /v1/data-feeds/{exchange}   a minute: from, offset, filters, compression, sliceSize
GET /v1/exchanges/{exchange}    channels, symbols, first and last day
GET /v1/exchanges               the one exchange that is played
GET /v1/api-key-info            what the key opens
GET /v1/{exchange}/{type}/YYYY/MM/DD/{SYMBOL}.csv.gz

The minutes themselves are recording.py's, the CSV files datasets.py's, what goes wrong with
minutes on request faults.py's.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from pipeline.channels import canonical_channel
from pipeline.simulator.datasets import KINDS, csv_file, file_symbol
from pipeline.simulator.faults import Fault, FaultQueue, error_response, send_spoiled
from pipeline.simulator.recording import LARGEST_SLICE, Asked, Recording, RefusedError, minute_of
from pipeline.simulator.threaded import running

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from aiohttp.typedefs import Handler

    from pipeline.simulator.recording import Filter

__all__ = ["Fault", "Request", "TardisSimulator"]

_RECORDED_SINCE: Final = datetime(2020, 7, 14, tzinfo=UTC)
_CHANNELS: Final = ("futures/depth", "trade", "ticker")
_DAY: Final = timedelta(days=1)
_CSV_PATH: Final = r"/v1/{exchange}/{type}/{year:\d{4}}/{month:\d\d}/{day:\d\d}/{symbol}.csv.gz"
# The suggested slice size is as many minutes as fit into this many compressed bytes.
_COMFORTABLE: Final = 1 << 20


@dataclass(frozen=True)
class Request:
    """What a client asked, as it arrived; None where it named nothing that can be read.

    `authorized` says that it carried the right key. The token never shows in a repr.
    """

    path: str
    minute: datetime | None = None
    filters: list[Any] | None = None
    authorized: bool = False
    token: str | None = field(default=None, repr=False)


class TardisSimulator:
    """A Tardis of one exchange, on loopback.

    `key` opens all days; without one only the first day of each month is served. The available
    range is [available_since, available_to), by default from Tardis's start of recording, or the
    first slice's day if earlier, to the end of the last slice's day. `symbols` replaces
    what a scan of the slices finds, `key_info` what it says that the right key opens (it opens all
    the same). `requests` tells what was asked, in order of arrival.

    A fault spoils a data-feeds request that would have been answered; refused ones use none up.
    `clock_ahead` is how far its clock, that each answer's Date tells, is ahead of this machine's.
    """

    def __init__(  # noqa: PLR0913 - what a service may say differs in many ways
        self,
        slices: Path,
        *,
        exchange: str = "coinflex",
        key: str | None = None,
        faults: Iterable[Fault] = (),
        available_since: datetime | None = None,
        available_to: datetime | None = None,
        symbols: Iterable[Mapping[str, object]] | None = None,
        incidents: Iterable[Mapping[str, str]] = (),
        key_info: Iterable[Mapping[str, object]] | None = None,
        clock_ahead: timedelta = timedelta(0),
    ) -> None:
        self.requests: list[Request] = []
        self._recording = Recording(slices)
        self._exchange = exchange
        self._key = key
        self._faults = FaultQueue(faults)
        self._limits_given = (available_since, available_to)
        self._symbols_given = None if symbols is None else [dict(symbol) for symbol in symbols]
        self._incidents = [dict(incident) for incident in incidents]
        self._key_info_given = None if key_info is None else [dict(of) for of in key_info]
        self._clock_ahead = clock_ahead
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()
        self._names: tuple[list[str], list[str]] | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, and return the base URL without /v1; port 0 is any that is free."""
        if self._runner is not None:
            raise RuntimeError("this simulator is running already")
        app = web.Application(middlewares=[self._receive])
        app.on_response_prepare.append(self._tell_the_time)
        app.router.add_get("/v1/data-feeds/{exchange}", self._data_feed)
        app.router.add_get("/v1/exchanges/{exchange}", self._details)
        app.router.add_get("/v1/exchanges", self._exchanges)
        app.router.add_get("/v1/api-key-info", self._key_info)
        app.router.add_get(_CSV_PATH, self._dataset)
        self._stopping = asyncio.Event()
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=1
        )
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, host, port).start()
        except BaseException:
            await self.stop()
            raise
        return f"http://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening and end the connections; nothing happens when it is not running."""
        runner, self._runner = self._runner, None
        self._stopping.set()
        if runner is not None:
            await runner.cleanup()

    def running(self, port: int = 0) -> AbstractContextManager[str]:
        """Serve in a thread of its own with its own loop while the block runs."""
        return running(self, port)

    @web.middleware
    async def _receive(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(self._request(request))
        try:
            return await handler(request)
        except RefusedError as refused:
            return error_response(refused.status, refused.message)
        except web.HTTPException as error:
            return error_response(error.status, error.reason)

    async def _tell_the_time(self, _request: web.Request, answer: web.StreamResponse) -> None:
        answer.headers["Date"] = format_datetime(datetime.now(UTC) + self._clock_ahead, usegmt=True)

    def _request(self, request: web.Request) -> Request:
        minute = filters = None
        with suppress(RefusedError):
            minute = minute_of(request.query)
        with suppress(msgspec.DecodeError):
            filters = msgspec.json.decode(request.query.get("filters", "null"), type=list[Any])
        token = _token(request)
        authorized = token is not None and token == self._key
        return Request(request.path, minute, filters, authorized, token)

    async def _data_feed(self, request: web.Request) -> web.StreamResponse:
        self._check_exchange(request, 400)
        asked = Asked.parse(request.query)
        minutes = self._open_minutes(asked, _token(request))
        if asked.filters:
            await self._check_names(asked.filters)
        # Taken before anything is read, so that faults meet requests in order of arrival.
        fault = self._faults.take(minutes)
        body = await asyncio.to_thread(self._recording.answer, minutes, asked.filters)
        headers = _slice_headers(body, len(minutes), filtered=bool(asked.filters))
        if fault is None:
            return web.Response(body=body, headers=headers)
        return await send_spoiled(request, fault, body, headers, self._stopping)

    def _check_exchange(self, request: web.Request, status: int) -> None:
        exchange = request.match_info["exchange"]
        if exchange != self._exchange:
            allowed = f"Allowed values: {self._exchange}."
            raise RefusedError(status, f"Invalid 'exchange' param: {exchange!r}. {allowed}")

    def _open_minutes(self, asked: Asked, token: str | None) -> list[datetime]:
        """Return the minutes of the slice: all that were asked for, up to the end of the data."""
        since, to = self._limits()
        minutes = asked.minutes()
        inside = [minute for minute in minutes if since <= minute and (to is None or minute < to)]
        self._check_access(inside or minutes[:1], token)
        if asked.minute not in inside:
            limits = f"from {_text(since)}" + (f" to {_text(to)} (exclusive)" if to else "")
            words = f"Data of {self._exchange} is available {limits}"
            raise RefusedError(400, f"{words}; {_text(asked.minute)} is outside.")
        return inside

    def _check_access(self, minutes: Iterable[datetime], token: str | None) -> None:
        if self._key is not None and token is not None and token != self._key:
            raise RefusedError(401, "The API key is not valid.")
        paid = next((minute for minute in minutes if minute.day != 1), None)
        if paid is not None and (self._key is None or token is None):
            rule = "Only the first day of each month is available without an API key"
            raise RefusedError(401, f"{_text(paid)} requires an API key that covers it. {rule}.")

    async def _check_names(self, filters: tuple[Filter, ...]) -> None:
        if self._names is None:
            self._names = await asyncio.to_thread(self._known_names)
        channels, symbols = self._names
        for each in filters:
            _check_name("channel", each.channel, channels)
            for symbol in sorted(each.symbols or ()):
                _check_name("symbols", symbol, symbols)

    def _known_names(self) -> tuple[list[str], list[str]]:
        return self._channels(), sorted(str(symbol["id"]) for symbol in self._symbols())

    def _limits(self) -> tuple[datetime, datetime | None]:
        since, to = self._limits_given
        days = [day for day, _ in self._recording.slices]
        if since is None:
            since = min([_RECORDED_SINCE, *days[:1]])
        return since, days[-1] + _DAY if to is None and days else to

    def _channels(self) -> list[str]:
        known = {canonical_channel(name) for name in _CHANNELS}
        tables = self._recording.contents().tables
        return [
            *_CHANNELS,
            *sorted(name for name in tables if canonical_channel(name) not in known),
        ]

    def _symbols(self) -> list[dict[str, object]]:
        if self._symbols_given is not None:
            return self._symbols_given
        found = sorted(self._recording.contents().symbols.items())
        return [
            {"id": symbol, "type": _type_of(symbol), **_available(first, last + _DAY)}
            for symbol, (first, last) in found
        ]

    async def _details(self, request: web.Request) -> web.Response:
        self._check_exchange(request, 404)
        return web.json_response(await asyncio.to_thread(self._exchange_details))

    async def _exchanges(self, _request: web.Request) -> web.Response:
        details = await asyncio.to_thread(self._exchange_details)
        long = ("availableSymbols", "incidentReports", "datasets")
        return web.json_response([{k: v for k, v in details.items() if k not in long}])

    async def _dataset(self, request: web.Request) -> web.Response:
        """Answer with a day's CSV file; 404 where there is none."""
        self._check_exchange(request, 404)
        named = request.match_info
        with suppress(ValueError):  # 2020/13/45 is no day
            text = f"{named['year']}-{named['month']}-{named['day']}"
            day = datetime.fromisoformat(text).replace(tzinfo=UTC)
            self._check_access([day], _token(request))
            if named["type"] in KINDS and named["symbol"] == file_symbol(named["symbol"]):
                given = self._exchange, named["type"], named["symbol"]
                lines = self._recording.lines_of(day)
                if file := await asyncio.to_thread(csv_file, *given, lines):
                    return web.Response(body=file, content_type="application/gzip")
        raise RefusedError(404, f"There is no {named['type']} of {named['symbol']} on that day.")

    async def _key_info(self, request: web.Request) -> web.Response:
        if self._key is None or _token(request) != self._key:
            return web.json_response([])
        if self._key_info_given is not None:
            return web.json_response(self._key_info_given)
        plan = {"exchange": self._exchange, "accessType": "pro", "symbols": [], "dataPlan": "pro"}
        since, to = self._limits()
        return web.json_response([{**plan, **_span("from", since, "to", to)}])

    def _exchange_details(self) -> dict[str, object]:
        since, to = self._limits()
        return {
            "id": self._exchange,
            "name": self._exchange.capitalize(),
            "enabled": True,
            "filterable": True,
            **_available(since, to),
            "availableChannels": self._channels(),
            "availableSymbols": self._symbols(),
            "incidentReports": self._incidents,
            "datasets": {
                "formats": ["csv"],
                **_span("exportedFrom", since, "exportedUntil", to),
                "symbols": [
                    {**symbol, "id": file_symbol(str(symbol["id"])), "dataTypes": list(KINDS)}
                    for symbol in self._symbols()
                ],
            },
        }


def _slice_headers(body: bytes, size: int, *, filtered: bool) -> dict[str, str]:
    comfortable = _COMFORTABLE * size // max(1, len(body))
    suggested = min(LARGEST_SLICE, max(1, comfortable)) if filtered else 1
    return {
        "Content-Type": "application/x-ndjson",
        "x-slice-size": str(size),
        "x-suggested-slice-size": str(suggested),
    } | ({"Content-Encoding": "gzip"} if body else {})


def _token(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _check_name(parameter: str, given: str, known: list[str]) -> None:
    if given not in known:
        allowed = ", ".join(known) or "none"
        words = f"Invalid 'filters' param: unknown {parameter} {given!r}"
        raise RefusedError(400, f"{words}. Allowed values: {allowed}.")


def _type_of(symbol: str) -> str:
    if "-SWAP-" in symbol:
        return "perpetual"
    return "spot" if symbol.count("-") == 1 else "future"


def _available(since: datetime, to: datetime | None) -> dict[str, str]:
    return _span("availableSince", since, "availableTo", to)


def _span(since_name: str, since: datetime, to_name: str, to: datetime | None) -> dict[str, str]:
    """Return the two ends by name; an end that is open is left out, as Tardis does."""
    return {since_name: _text(since)} | ({} if to is None else {to_name: _text(to)})


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
