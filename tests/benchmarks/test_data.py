from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.data import MARKETS, make, make_order_flow, minute_lines
from benchmarks.sizes import SIZES
from benchmarks.slices import MINUTE_MS, Slices, link, minute_file, minute_text, span
from tests.benchmarks.reading import Counts, read

if TYPE_CHECKING:
    from pathlib import Path

_MINUTES = (0, 1, 11)  # of two blocks, so that two processes have something to do


@pytest.fixture(scope="module", params=sorted(MARKETS))
def market(request: pytest.FixtureRequest) -> str:
    """Return the name of each market."""
    return str(request.param)


@pytest.fixture(scope="module")
def made(market: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the slices of some minutes, made in two processes."""
    return make(tmp_path_factory.mktemp("kept"), MARKETS[market], _MINUTES, jobs=2)


@pytest.fixture(scope="module")
def counts(made: Path) -> Counts:
    """Return them as json reads them."""
    return read(made)


def test_a_minute_is_the_same_bytes_however_it_is_made(
    market: str, made: Path, tmp_path: Path
) -> None:
    """Alone or with others, in one process or in two, in this order or the other."""
    for minute in reversed(_MINUTES):
        alone = make(tmp_path, MARKETS[market], [minute], jobs=1)
        assert minute_file(alone, minute).read_bytes() == minute_file(made, minute).read_bytes()
    assert not list((alone / ".drafts").iterdir())


def test_lines_stand_in_their_minute_and_never_run_back(market: str, counts: Counts) -> None:
    """Arrival is jittered, in steps of 100 ns, and each message has the next sequence number."""
    assert counts.lines == len(_MINUTES) * MARKETS[market].messages_a_minute == 3600
    assert counts.stamps == sorted(counts.stamps)
    minutes = {stamp[:16] for stamp in counts.stamps}
    assert minutes == {minute_text(minute) for minute in _MINUTES}
    assert all(stamp[19] == "." and stamp[27] == "Z" for stamp in counts.stamps)
    assert len({stamp[20:27] for stamp in counts.stamps}) > 3000
    sequence = [book["seqNum"] for book in counts.books]
    assert sequence[:2400] == list(range(sequence[0], sequence[0] + 2400))
    assert sequence[2400] == sequence[0] + 11 * 1200
    times = [int(book["timestamp"]) for book in counts.books]
    assert times[1200] - times[0] == MINUTE_MS


def test_books_are_whole_sorted_and_not_crossed(market: str, counts: Counts) -> None:
    """Each side has all its levels, best first, prices once, amounts of at most three decimals."""
    for book in counts.books:
        asks, bids = ([level[0] for level in book[side]] for side in ("asks", "bids"))
        assert len(asks) == len(bids) == MARKETS[market].levels
        assert asks == sorted(set(asks))
        assert bids == sorted(set(bids), reverse=True)
        assert asks[0] > bids[0]
        levels = book["asks"] + book["bids"]
        assert all(0 < amount == round(amount, 3) for _, amount, *_ in levels)
        assert all(price == round(price, 1) for price, *_ in levels)


def test_a_few_levels_change_with_each_message(market: str, counts: Counts) -> None:
    """About as many as the exchange had: 4 to 6 of 200, and hardly any in a thin market."""
    changed = counts.changes / counts.lines
    assert (0.5 < changed < 1.5) if market == "thin" else (4 < changed < 6)


def test_the_form_is_that_of_its_year(market: str, made: Path, counts: Counts) -> None:
    """2020: four elements, checksum 0, data first. 2022: two, doubles, a checksum that holds."""
    first = next(text for _, text in minute_lines(MARKETS[market], [0]))[29:].splitlines()[0]
    assert made.name.startswith(market)
    for book in counts.books:
        if market == "generated_2022":
            assert book["checksum"] == _checksum(book)
        else:
            assert book["checksum"] == 0
            assert all(level[2:] == [0, 0] for level in book["asks"] + book["bids"])
    keys = (
        ["table", "data", "action"] if market == "generated_2022" else ["data", "action", "table"]
    )
    assert list(json.loads(first)) == keys


def _checksum(book: dict[str, Any]) -> int:
    """Return the exchange's checksum, from doubles as Python prints them."""
    texts = [json.dumps(book[side], separators=(",", ":")) for side in ("asks", "bids")]
    assert all(isinstance(value, float) for level in book["asks"] for value in level)
    return zlib.crc32("".join(texts).encode())


def test_sizes_are_those_of_the_files(made: Path, counts: Counts, tmp_path: Path) -> None:
    """What speeds are worked out from: bytes of JSON and of gzip, and the range of time."""
    slices = Slices.of(link(made, [0, 1], tmp_path), 2400)
    lines = [text for _, text in minute_lines(MARKETS[_name(made)], [0, 1])]
    assert slices.raw_bytes == sum(map(len, lines))
    assert slices.minutes == 2
    assert slices.bytes == sum(minute_file(made, minute).stat().st_size for minute in (0, 1))
    paths = [minute_file(tmp_path, minute) for minute in (0, 1)]
    assert span(paths) == ("2020-08-01T00:00:00", "2020-08-01T00:02:00")
    assert counts.lines


def _name(folder: Path) -> str:
    return folder.name.rpartition("-")[0]


def test_the_recording_goes_on_where_it_ended(sample: Path, tmp_path: Path) -> None:
    """The sixth minute and the first again: the same books, no step back and none left out."""
    folder = make_order_flow(tmp_path, sample, [5, 6], jobs=2)
    moved = read(folder)
    ends = [read(link(sample, [minute], tmp_path / f"{minute}")) for minute in (1439, 1434)]
    recorded = [book for end in ends for book in end.books]
    assert moved.lines == sum(end.lines for end in ends)
    assert moved.stamps == sorted(moved.stamps)
    same = ("instrumentId", "asks", "bids", "checksum")
    assert [[book.get(name) for name in same] for book in moved.books] == [
        [book.get(name) for name in same] for book in recorded
    ]
    for instrument in ("BTC-USD-SWAP-LIN", "ETH-USD-SWAP-LIN"):
        books = [book for book in moved.books if book["instrumentId"] == instrument]
        numbers = [book["seqNum"] for book in books]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        times = [int(book["timestamp"]) for book in books]
        assert times == sorted(times)
        assert times[-1] - times[0] < 2 * MINUTE_MS


def test_a_day_of_full_size_is_whole() -> None:
    """Every minute, and of no other day: workers of one day are what is measured."""
    assert SIZES["full"].day() == list(range(1440))
    assert len(SIZES["full"].long()) == 240
    assert {0, 720, 1439} <= set(SIZES["quick"].day())
    assert {0, 1439} <= set(SIZES["tiny"].day())
