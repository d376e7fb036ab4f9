"""What is inferred of instruments: by their names, and by the numbers of a day."""

from __future__ import annotations

import math
import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from pipeline.views import connect
from tests.lakes import TODAY, partitions
from tests.making import at, depth, line, trade
from tests.sql.asking import BTC, DAY, ETH, answers, lake_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.independent import Reading

_COLUMNS = """tick_size_inferred, different_prices, lot_size_inferred, different_amounts"""


def _day(data: Path, instrument: str = "BTC-USD", between: Iterable[Any] = DAY) -> tuple[Any, ...]:
    """Return what is inferred of the one day of a range."""
    query = f"select {_COLUMNS} from instrument_days(?, ?, ?)"
    (row,) = answers(data, query, [instrument, *between])
    return tuple(row.values())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BTC-USD", ("spot", "BTC", "USD", None)),
        ("FLEX-USD", ("spot", "FLEX", "USD", None)),
        ("BTC-flexUSD", ("spot", "BTC", "flexUSD", None)),
        ("BTC-USD-SWAP-LIN", ("perpetual", "BTC", "USD", None)),
        ("BTC-USD-REPO-LIN", ("repo", "BTC", "USD", None)),
        ("BTC-USD-SPR-QP-LIN", ("spread", "BTC", "USD", None)),
        ("BTC-USD-200925-LIN", ("future", "BTC", "USD", date(2020, 9, 25))),
        ("BTC-USD-200925", ("future", "BTC", "USD", date(2020, 9, 25))),
        ("BTC-USD-209925-LIN", None),
        ("BTC-USD-2009250-LIN", None),
        ("BTC-USD-swap-LIN", None),
        ("BTC-USD-", None),
        ("BTC-USD-OTHER", None),
        ("-USD", None),
        ("BTC", None),
        ("", None),
        ("it's/a\n[b]-USD", ("spot", "it's/a\n[b]", "USD", None)),
    ],
)
def test_a_name_says_what_an_instrument_is(
    sample_lake: Path, name: str, expected: tuple[Any, ...] | None
) -> None:
    """Or nothing at all is said: a form that nobody has seen is not guessed at."""
    (row,) = answers(sample_lake, "select inferred_terms(?) as terms", [name])
    assert tuple(row["terms"].values()) == (expected or (None,) * 4)


def test_instrument_types_opens_no_file(own_lake: Path) -> None:
    """The catalogue is enough, whatever became of the partitions."""
    for path in partitions(own_lake):
        path.write_bytes(b"no Parquet")
    rows = answers(own_lake, "from instrument_types")
    assert [tuple(row.values())[:5] for row in rows] == [
        (BTC, "perpetual", "BTC", "USD", None), (ETH, "perpetual", "ETH", "USD", None),
    ]  # fmt: skip
    assert rows[0]["first_local_timestamp"] < rows[0]["last_local_timestamp"]


def _exact(number: float) -> Decimal:
    return Decimal(repr(number))


def _billionths(number: float) -> int | None:
    exact = _exact(number) * 10**9
    return int(exact) if exact == int(exact) and abs(number) < 1e20 else None


def test_doubles_are_the_decimals_that_they_stand_for(sample_lake: Path) -> None:
    """Up to nine decimals and fifteen digits; what has more decimals is no whole billionths."""
    rng = random.Random(9)
    digits = [rng.randrange(10 ** rng.randrange(1, 16)) for _ in range(20_000)]
    signed = [Decimal(n if rng.random() < 0.8 else -n) for n in digits]
    numbers = [float(n.scaleb(-rng.randrange(13))) for n in signed]
    numbers += [1e19, 1e20, 1e300, 1e-9, 1e-10, -0.0, 5e-324]
    table = pl.DataFrame({"number": numbers})
    with connect(sample_lake) as connection:
        connection.register("numbers", table)
        rows = connection.execute("select billionths(number) from numbers").fetchall()
        odd = connection.execute(
            "select billionths('nan'::double), billionths('inf'::double), billionths(null::double)"
        ).fetchall()
    assert [row[0] for row in rows] == [_billionths(number) for number in numbers]
    assert odd == [(None, None, None)]


@pytest.mark.parametrize("instrument", [BTC, ETH])
def test_the_sample_rests_on_what_an_independent_reading_finds(
    sample_lake: Path, sample_reading: Reading, instrument: str
) -> None:
    """Every number of each message and trade, and their greatest common divisor."""
    levels = {level for m in sample_reading.depth[instrument] for side in m.book for level in side}
    levels |= {(float(t["price"]), float(t["quantity"])) for t in sample_reading.trades[instrument]}
    expected: list[float | int] = []
    for numbers in ({price for price, _ in levels}, {amount for _, amount in levels} - {0.0}):
        whole = [_billionths(number) or 0 for number in numbers]
        expected += [reduce(math.gcd, whole) / 1e9, len(numbers)]
    assert list(_day(sample_lake, instrument)) == expected
    assert expected[0] == {BTC: 0.1, ETH: 0.01}[instrument]


@pytest.mark.parametrize(
    ("bids", "asks", "expected"),
    [
        ([[1.5, 0.2]], [[2.25, 0.3]], (0.75, 2, 0.1, 2)),  # a multiple of the true tick, perhaps
        ([[0.3, 2]], [[0.4, 4]], (0.1, 2, 2.0, 2)),  # not 1e-9 for want of exact doubles
        ([[-0.0001, 1]], [[0.0003, 1]], (0.0001, 2, 1.0, 1)),
        ([[0, 1]], [[0.5, 1]], (0.5, 2, 1.0, 1)),
        ([[0, 1]], [], (None, 1, 1.0, 1)),
        ([[30, 1]], [], (30.0, 1, 1.0, 1)),  # of one price it is that price
        ([[1e-9, 1]], [[3e-9, 1]], (1e-9, 2, 1.0, 1)),
        ([[1, 1]], [[1.0000000005, 1]], (None, 2, 1.0, 1)),  # more than nine decimals
        ([[1, 1e-10]], [[2, 1]], (1.0, 2, None, 2)),
        ([[12345678.5, 1]], [[23456789, 1]], (0.5, 2, 1.0, 1)),
        ([], [], (None, 0, None, 0)),
    ],
)
def test_given_numbers(
    tmp_path: Path, bids: list[list[float]], asks: list[list[float]], expected: tuple[Any, ...]
) -> None:
    """The greatest common divisor as decimals; NULL where there is none, or no number."""
    assert _day(lake_of(tmp_path, (at(0), [depth(at(0, 1), bids, asks)]))) == expected


def test_all_of_a_day_counts_and_nothing_of_another(tmp_path: Path) -> None:
    """Levels that came and went, trades outside the book, whatever part of the day is asked for."""
    ticker = {"last": "1.5", "marketCode": "BTC-USD", "timestamp": "1596240000000"}
    data = lake_of(
        tmp_path,
        (at(0), [depth(at(0, 1), [[100, 10]], []), depth(at(0, 2), [[100.5, 15]], []),
                 depth(at(0, 3), [[100, 10]], []), trade(at(0, 4), "101.250000000", "2.5"),
                 depth(at(0, 5), [[0.001, 0.001]], [], instrument="ETH-USD"),
                 depth(at(0, 5), [[0.001, 0.001]], [], table="depthL5")]),
        (at(1440), [depth(at(1440, 1), [[3, 7]], [])]),
        (at(2880), [line(at(2880, 1), {"table": "ticker", "data": [ticker]})]),
    )  # fmt: skip
    first = (0.25, 3, 2.5, 3)
    for between in (
        DAY,
        ("2020-08-01 00:00:02", "2020-08-01 00:00:03"),
        ("2020-08-01 23:59:59", "2020-08-02"),
    ):
        assert _day(data, between=between) == first
    rows = answers(
        data, "from instrument_days('BTC-USD', '2020-08-01 12:00', '2020-08-03 00:00:00.1')"
    )
    assert [row["date"] for row in rows] == [TODAY + timedelta(days=n) for n in range(3)]
    assert [row["tick_size_inferred"] for row in rows] == [0.25, 3.0, None]
    assert [row["different_prices"] for row in rows] == [3, 1, 0]
    assert {row["type_inferred"] for row in rows} == {"spot"}
    assert rows[0]["last_local_timestamp"] == datetime(2020, 8, 1, 0, 0, 5)  # noqa: DTZ001 - as SQL
    assert rows[2]["first_local_timestamp"] == datetime(2020, 8, 3, 0, 0, 1)  # noqa: DTZ001 - as SQL


def test_what_is_inferred_is_named_so(sample_lake: Path) -> None:
    """Nobody takes a tick for the exchange's own word."""
    for source in ("instrument_types", f"instrument_days('{BTC}', '2020-08-01', '2020-08-02')"):
        with connect(sample_lake) as connection:
            names = [name for name, *_ in connection.execute(f"describe from {source}").fetchall()]
        said = ("type", "base", "counter", "expiry", "tick_size", "lot_size")
        assert all(name.endswith("_inferred") for name in names if name.startswith(said))


def test_no_day_that_is_not_in_the_lake(sample_lake: Path) -> None:
    """Neither an instrument, nor an empty range."""
    for asked in [("X", *DAY), (BTC, "2020-08-02", "2020-08-03"), (BTC, *DAY[::-1]),
                  (BTC, DAY[0], DAY[0])]:  # fmt: skip
        assert answers(sample_lake, "from instrument_days(?, ?, ?)", asked) == []
