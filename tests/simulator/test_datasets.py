from __future__ import annotations

import asyncio
import gzip
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from pipeline.config import TardisSettings
from pipeline.exchange_details import Access
from pipeline.simulator import TardisSimulator
from pipeline.sources.tardis_http import Answer, NoAnswer, TardisHttp
from tests.making import DAY, at, depth, trade, write_minute
from tests.world import KEY, serving

from .client import get

if TYPE_CHECKING:
    from pathlib import Path

_START = 1596240000_000_000  # 2020-08-01 in microseconds
_SYMBOL = "BTC-flexUSD"


@pytest.fixture(name="slices")
def _slices(tmp_path: Path) -> Path:
    """Return two books of which only an amount differs, a difference, a trade; a minute later."""
    folder = tmp_path / "slices"
    lines = [
        depth(at(0, 1), [[10, 1.5, 0, 0], [9, 2, 0, 0]], [[11, 0, 0, 0]], instrument=_SYMBOL),
        depth(at(0, 2), [[10, 1.5, 0, 0]], [[11, 3, 0, 0]], instrument="OTHER"),
        "",
        trade(at(0, 2), "10.50", "0.2500", instrument=_SYMBOL, side="SELL", id_="7"),
        depth(at(0, 3), [[10, 1.5], [9, 3]], [], instrument=_SYMBOL, action="increment"),
        "2020-08-01T00:00:03.0000000Z no message",
    ]
    write_minute(folder, at(0), lines)
    write_minute(folder, at(1), [depth(at(1, 1), [], [[0.00001, 1]], instrument=_SYMBOL,
                                       action=None)])  # fmt: skip
    write_minute(folder, DAY + timedelta(1), [trade(DAY + timedelta(1), "1", "1")])
    return folder


def csv_of(url: str, kind: str, symbol: str = "BTC-FLEXUSD") -> list[str]:
    """Return the lines of a file of 2020-08-01."""
    answer = get(f"{url}/v1/coinflex/{kind}/2020/08/01/{symbol}.csv.gz")
    assert answer.status == 200
    return gzip.decompress(answer.body).decode().splitlines()


def test_books_are_rows_of_levels(slices: Path) -> None:
    """Absolute amounts; rows of one local_timestamp are one message, a snapshot's say so."""
    with TardisSimulator(slices).running() as url:
        header, *rows = csv_of(url, "incremental_book_L2")
    assert header == "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"
    times = [f"{_START + second * 1_000_000}" for second in (1, 3, 61)]
    assert rows == [
        f"coinflex,{_SYMBOL},{times[0]},{times[0]},true,bid,10,1.5",
        f"coinflex,{_SYMBOL},{times[0]},{times[0]},true,bid,9,2",
        f"coinflex,{_SYMBOL},{times[0]},{times[0]},true,ask,11,0",
        f"coinflex,{_SYMBOL},{times[1]},{times[1]},false,bid,10,1.5",
        f"coinflex,{_SYMBOL},{times[1]},{times[1]},false,bid,9,3",
        f"coinflex,{_SYMBOL},{times[2]},{times[2]},true,ask,1e-05,1",
    ]


def test_quotes_and_trades(slices: Path) -> None:
    """A quote whenever the best changed, an empty cell where there is none; the taker's side."""
    with TardisSimulator(slices).running() as url:
        _, *quotes = csv_of(url, "quotes")
        header, *trades = csv_of(url, "trades")
    assert [row.split(",")[4:] for row in quotes] == [
        ["0", "11", "10", "1.5"], ["", "", "10", "1.5"], ["1", "1e-05", "", ""],
    ]  # fmt: skip
    assert header == "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
    time = _START + 2_000_000
    assert trades == [f"coinflex,{_SYMBOL},{time},{time},7,sell,10.5,0.25"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("coinflex/trades/2020/08/01/BTC-FLEXUSD", 200),
        ("coinflex/trades/2020/08/01/BTC-flexUSD", 404),
        ("coinflex/trades/2020/08/01/NONE", 404),
        ("coinflex/options_chain/2020/08/01/BTC-FLEXUSD", 404),
        ("coinflex/trades/2020/13/01/BTC-FLEXUSD", 404),
        ("coinflex/trades/2020/09/01/BTC-FLEXUSD", 404),
        ("coinflex/trades/2020/08/02/BTC-USD", 401),
        ("other/trades/2020/08/01/BTC-FLEXUSD", 404),
    ],
)
def test_only_what_is_there_and_free(slices: Path, path: str, status: int) -> None:
    """Names are in capitals; days but the first of a month need the key."""
    with TardisSimulator(slices, key=KEY).running() as url:
        assert get(f"{url}/v1/{path}.csv.gz").status == status
        if status == 401:
            assert get(f"{url}/v1/{path}.csv.gz", KEY).status == 200


def head(url: str, symbol: str, most: int, key: str | None = None) -> bytes:
    """Return the beginning of a file, as the client gives it."""

    async def ask() -> bytes:
        async with TardisHttp(TardisSettings(url=url, key=key), "coinflex") as http:
            return await http.dataset("trades", date(2020, 8, 1), symbol, most)

    return asyncio.run(ask())


def test_client_reads_whole_lines_and_no_more_than_wanted(slices: Path) -> None:
    """By the exchange's own name of a symbol; a cut line is none."""
    with TardisSimulator(slices).running() as url:
        whole = head(url, _SYMBOL, 1000)
        assert len(whole.splitlines()) == 2
        assert head(url, _SYMBOL, len(whole) - 1) == whole.splitlines(keepends=True)[0]
        assert head(url, _SYMBOL, 3) == b""
        with pytest.raises(Answer, match="404: There is no trades of NONE"):
            head(url, "NONE", 10)


def test_client_takes_a_gzip_of_several_and_refuses_none() -> None:
    """A file may be several compressed one after the other; what is no gzip is no answer."""
    bodies = iter([gzip.compress(b"a\n") + gzip.compress(b"b\nc"), b"no gzip"])

    async def handler(request: web.Request) -> web.Response:
        assert request.path.endswith("/A-B-C.csv.gz")
        return web.Response(body=next(bodies))

    with serving(handler) as url:
        assert head(url, "a/b:c", 100) == b"a\nb\n"
        with pytest.raises(NoAnswer, match="no gzip"):
            head(url, "a/b:c", 100)


def test_client_reads_what_a_key_opens(slices: Path) -> None:
    """What is not said is not known; what is no such list is an error of the service."""

    async def ask(url: str) -> list[Access]:
        async with TardisHttp(TardisSettings(url=url, key=KEY), "coinflex") as http:
            return await http.key_info()

    with TardisSimulator(slices, key=KEY).running() as url:
        (access,) = asyncio.run(ask(url))
    assert (access.exchange, access.start) == ("coinflex", "2020-07-14T00:00:00.000Z")
    assert (access.to, access.symbols) == ("2020-08-03T00:00:00.000Z", [])
    bodies = iter([b'[{"exchange":"x"}]', b'{"exchange":"x"}'])

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=next(bodies))

    with serving(handler) as url:
        assert asyncio.run(ask(url)) == [Access("x")]
        with pytest.raises(Answer, match=r"502: facts of a key that can't be read"):
            asyncio.run(ask(url))
