"""Each check finds exactly the bad rows, and nothing where all is well."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.views import connect
from tests import worlds
from tests.independent import in_microseconds, read
from tests.making import at, depth, line, write_minute
from tests.sql.asking import BTC, DAY, ETH, answers, found, lake_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.independent import Reading

_ALL = (
    "crossed", "unsorted", "duplicates", "missed", "checksums", "clocks", "stale", "keyframes",
    "catalogue",
)  # fmt: skip


# --- all is well ---------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [name for name in _ALL if name != "clocks"])
@pytest.mark.parametrize("instrument", [BTC, ETH])
def test_nothing_is_found_where_all_is_well(sample_lake: Path, check: str, instrument: str) -> None:
    """The recorded order flow passes every check (but for its clocks, below)."""
    assert found(sample_lake, check, instrument) == []


def test_a_whole_lake_that_is_well_has_the_rows_of_its_slices(sample_lake: Path) -> None:
    """The catalogue counts what the slices gave."""
    assert answers(sample_lake, "from check_rows") == []


@pytest.mark.parametrize("check", _ALL)
def test_an_instrument_that_is_not_there_has_no_bad_rows(sample_lake: Path, check: str) -> None:
    """Neither a day that is not there."""
    assert found(sample_lake, check, "X") == []
    assert found(sample_lake, check, BTC, ("2021-01-01", "2021-01-05")) == []
    assert found(sample_lake, check, BTC, ("2020-08-02", "2020-08-01")) == []


# --- suspect recordings --------------------------------------------------------------------------


def test_crossed_and_locked_books(tmp_path: Path) -> None:
    """Best bid above or at best ask; one-sided and empty books are neither."""
    books: list[tuple[list[list[float]], list[list[float]]]] = [
        ([[1, 1]], [[2, 1]]), ([[3, 1]], [[2, 1]]), ([[2, 1]], [[2, 1]]), ([[3, 1]], []), ([], []),
        ([[-1, 1]], [[-2, 5]]),
    ]  # fmt: skip
    lines = [depth(at(0, n), *book) for n, book in enumerate(books)]
    rows = found(lake_of(tmp_path, (at(0), lines)), "crossed")
    assert [(row["message"], row["overlap"], row["line"]) for row in rows] == [
        (1, 1.0, 2), (2, 0.0, 3), (5, 1.0, 6),
    ]  # fmt: skip


def test_irregular_messages(tmp_path: Path) -> None:
    """Out of order, repeated, of amount 0, with something in the third place: each is one row."""
    sides: list[list[list[float]]] = [
        [[2, 1, 0, 0], [1, 1, 0, 0]], [[1, 1], [2, 1]], [[1, 1], [1, 2]], [[2, 1], [1, 0]],
        [[1, 1, 7, 0]], [],
    ]  # fmt: skip
    lines = [depth(at(0, n), bids, []) for n, bids in enumerate(sides)]
    rows = found(lake_of(tmp_path, (at(0), lines)), "unsorted")
    assert [row["message"] for row in rows] == [1, 2, 3, 4]


def test_repeated_sequence_numbers(tmp_path: Path) -> None:
    """A repeat with the same book, with another one, and after a gap, where nobody can say."""
    one, other = [[1.0, 1.0]], [[1.0, 2.0]]
    lines = [
        depth(at(0, 0), one, [], seq=5), depth(at(0, 1), one, [], seq=5),
        depth(at(0, 2), other, [], seq=5), depth(at(0, 3), other, [], seq=6), "",
        depth(at(0, 4), other, [], seq=6), depth(at(0, 5), other, []), depth(at(0, 6), other, []),
    ]  # fmt: skip
    rows = found(lake_of(tmp_path, (at(0), lines)), "duplicates")
    assert [(row["message"], row["seq_num"], row["same_book"]) for row in rows] == [
        (1, 5, True), (2, 5, False), (4, 6, None),
    ]  # fmt: skip


def test_missed_snapshots(tmp_path: Path) -> None:
    """How many before which message; not what was missed in a gap, nor at a restart."""
    steps = [10, 11, 14, 15, 10**9, 10**9 + 2]
    lines = [depth(at(0, n), [[1, 1]], [], seq=seq) for n, seq in enumerate(steps)]
    lines[4:4] = [""]
    lines.append(depth(at(0, 9), [[1, 1]], [], seq=5))
    rows = found(lake_of(tmp_path, (at(0), lines)), "missed")
    assert [(row["message"], row["missed"], row["seq_step"]) for row in rows] == [
        (2, 2, 3), (5, 1, 2),
    ]  # fmt: skip


def test_checksums_that_do_not_fit(tmp_path: Path) -> None:
    """Not those that are absent, nor those that nobody can verify."""
    lines = [
        depth(at(0, 0), [], [], checksum=364462986), depth(at(0, 1), [], [], checksum=1),
        depth(at(0, 2), [], []), depth(at(0, 3), [], [], checksum=0),
        depth(at(0, 4), [[1, 1, 0, 0]], [], checksum=7),
    ]  # fmt: skip
    rows = found(lake_of(tmp_path, (at(0), lines)), "checksums")
    assert [(row["message"], row["checksum"]) for row in rows] == [(1, 1)]


def _timed(arrival: datetime, exchange: datetime | None) -> str:
    """Return the line of a book with its two times."""
    text = depth(exchange or arrival, [[1, 1]], []).partition(" ")[2]
    if exchange is None:
        stamp = str(round(arrival.timestamp() * 1000))
        text = text.replace(f'"timestamp":"{stamp}"', '"other":1')
    return line(arrival, text)


def test_clocks(tmp_path: Path) -> None:
    """Arrival before the exchange's time, too long after it, either clock running backwards."""
    times = [
        (1.0, 0.95), (2.0, 2.5), (3.0, 1.9), (4.0, 3.5), (3.9, 3.5), (4.5, 3.4), (4.6, None),
        (4.5, None), (5.0, 5.0),
    ]  # fmt: skip
    lines = [_timed(at(0, a), None if e is None else at(0, e)) for a, e in times]
    data = lake_of(tmp_path, (at(0), lines))
    causes = [(row["message"], row["causes"]) for row in found(data, "clocks")]
    assert causes == [
        (1, ["before_exchange"]), (2, ["late", "exchange_backwards"]), (4, ["arrival_backwards"]),
        (5, ["late", "exchange_backwards"]), (7, ["arrival_backwards"]),
    ]  # fmt: skip
    rows = found(data, "clocks", "BTC-USD", DAY, timedelta(milliseconds=400))
    assert [row["message"] for row in rows] == [1, 2, 3, 4, 5, 7]
    assert [row["delay"] for row in rows][1:3] == [
        timedelta(seconds=1.1), timedelta(seconds=0.5),
    ]  # fmt: skip


def test_a_clock_is_held_against_a_message_before_the_range(tmp_path: Path) -> None:
    """Also against the last one of the day before, where the range begins at midnight."""
    late = _timed(at(1439, 60.5), at(1439, 59))
    data = lake_of(
        tmp_path,
        (at(1439), [depth(at(1439, 59), [[1, 1]], []), late]),
        (at(1440), [depth(at(1440, 0.2), [[1, 1]], []), depth(at(1440, 0.1), [[1, 1]], [])]),
    )
    causes = {
        start: [row["causes"] for row in found(data, "clocks", "BTC-USD", (start, "2020-08-03"))]
        for start in ("2020-08-02", "2020-08-02 00:00:00.15")
    }
    backwards = ["arrival_backwards"]
    both = ["arrival_backwards", "exchange_backwards"]
    assert causes == {
        "2020-08-02": [["late"], backwards, both],
        "2020-08-02 00:00:00.15": [["late"], backwards],
    }


@pytest.mark.parametrize("instrument", [BTC, ETH])
def test_the_clocks_of_the_sample_are_what_an_independent_reading_says(
    sample_lake: Path, sample_reading: Reading, instrument: str
) -> None:
    """Of one instrument every message arrived before it was sent, by its clocks."""
    for most in (timedelta(milliseconds=30), timedelta(seconds=1)):
        expected = []
        before: tuple[int, int] | None = None
        for number, message in enumerate(sample_reading.depth[instrument]):
            sent = int(message.data["timestamp"]) * 1000
            judged = {
                "before_exchange": message.arrival < sent,
                "late": timedelta(microseconds=message.arrival - sent) > most,
                "arrival_backwards": before is not None and message.arrival < before[0],
                "exchange_backwards": before is not None and sent < before[1],
            }
            if causes := [cause for cause, holds in judged.items() if holds]:
                expected.append((number, causes))
            before = message.arrival, sent
        rows = found(sample_lake, "clocks", instrument, DAY, most)
        assert [(row["message"], row["causes"]) for row in rows] == expected
        if instrument == BTC:
            assert len(rows) == 6545


# --- silence -------------------------------------------------------------------------------------


def _stretches(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [
        (f"{row['starts']:%H:%M:%S}", f"{row['ends']:%H:%M:%S}", row["ended_by"]) for row in rows
    ]


def test_silence_between_messages_and_up_to_gaps_and_ends(tmp_path: Path) -> None:
    """Stretches of more than a minute, without gaps: disconnects, minutes not fetched."""

    def book(minute: int, second: float, name: str = "BTC-USD") -> str:
        return depth(at(minute, second), [[1, 1]], [], instrument=name)

    data = lake_of(
        tmp_path,
        (at(0), [book(0, 10), book(0, 20)]),
        (at(1), []), (at(2), [book(2, 30)]),  # 130 s without a message
        (at(3), []), (at(4), []), (at(5), [book(5, 0, "OTHER"), "", book(5, 40)]),
        (at(6), [book(6, 40)]),  # 60 s are not more than a minute
        (at(7), []), (at(8), []),  # and then the recording ends
        (at(1440), []), (at(1441), [book(1441, 30)]),  # a day without what came before
    )  # fmt: skip
    every = ("2020-08-01", "2020-08-03")
    assert _stretches(found(data, "stale", "BTC-USD", every)) == [
        ("00:00:20", "00:02:30", "message"), ("00:02:30", "00:05:00", "gap"),
        ("00:06:40", "00:09:00", "gap"), ("00:00:00", "00:01:30", "message"),
    ]  # fmt: skip
    within = ("2020-08-01 00:00:30", "2020-08-01 00:08")
    assert _stretches(found(data, "stale", "BTC-USD", within)) == [
        ("00:00:30", "00:02:30", "message"), ("00:02:30", "00:05:00", "gap"),
        ("00:06:40", "00:08:00", "range"),
    ]  # fmt: skip
    longer = found(data, "stale", "BTC-USD", every, timedelta(seconds=130))
    assert _stretches(longer) == [
        ("00:02:30", "00:05:00", "gap"), ("00:06:40", "00:09:00", "gap"),
    ]  # fmt: skip
    assert longer[0]["lasted"] == timedelta(seconds=150, microseconds=1)


def test_a_silence_goes_on_over_midnight(tmp_path: Path) -> None:
    """40 seconds before it and 40 after it are 80."""
    data = lake_of(
        tmp_path,
        (at(1439), [depth(at(1439, 20), [[1, 1]], [])]),
        (at(1440), [depth(at(1440, 40), [[1, 1]], [])]),
    )
    rows = found(data, "stale", "BTC-USD", ("2020-08-01 23:59", "2020-08-02 00:01"))
    assert _stretches(rows) == [("23:59:20", "00:00:40", "message")]


def test_silence_is_what_an_independent_reading_says(tmp_path: Path) -> None:
    """Random minutes with random holes, random ranges and limits: the same stretches."""
    rng = random.Random(44)
    first = datetime(2020, 8, 1, 23, 30, tzinfo=UTC)
    minutes = [first + timedelta(minutes=number) for number in range(60)]
    lacking = set(rng.sample(minutes[1:], 6))
    for minute in minutes:
        times = sorted(rng.uniform(0, 60) for _ in range(rng.choice([0, 1, 1, 3])))
        lines = [depth(at(0, t, minute), [[1, 1]], [], instrument="A") for t in times]
        if lines and rng.random() < 0.3:
            lines.insert(rng.randrange(1, len(lines) + 1), "")
        if minute not in lacking:
            write_minute(tmp_path / "slices", minute, lines)
    data = lake_of(tmp_path)
    reading = read(tmp_path / "slices", minutes[0], minutes[-1] + timedelta(minutes=1), lacking)
    stood = [(m.arrival, m.until or 0) for m in reading.depth["A"]]
    seen = 0
    with connect(data) as connection:
        for _ in range(60):
            start, end = sorted(
                first + timedelta(microseconds=rng.randrange(3_600_000_000)) for _ in range(2)
            )
            longest = timedelta(seconds=rng.choice([5, 20, 60, 100]))
            rows = connection.execute(
                "select starts, ends from check_stale('A', ?, ?, ?) order by all",
                [start.replace(tzinfo=None), end.replace(tzinfo=None), longest],
            ).fetchall()
            got = [tuple(in_microseconds(t.replace(tzinfo=UTC)) for t in row) for row in rows]
            clipped = [
                (max(a, in_microseconds(start)), min(b, in_microseconds(end))) for a, b in stood
            ]
            expected = [(a, b) for a, b in clipped if timedelta(microseconds=b - a) > longest]
            assert got == expected, (start, end, longest)
            seen += len(got)
    assert seen > 100


# --- all of it at once ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
def test_worlds_in_which_everything_goes_wrong(tmp_path: Path, seed: int) -> None:
    """The lake agrees with itself, and crossed books and silences are those that were planted."""
    world = worlds.make(tmp_path, seed)  # a clock that steps back has a test of its own
    every = ("2020-08-01", "2020-08-03")
    longest = timedelta(seconds=20)
    assert answers(world.data, "from check_rows") == []
    for name in worlds.NAMES:
        assert found(world.data, "keyframes", name, every) == []
        assert found(world.data, "catalogue", name, every) == []
        messages = world.reading.depth[name]
        crossed = [
            m.arrival for m in messages if all(m.book) and m.book[0][0][0] >= m.book[1][0][0]
        ]
        rows = found(world.data, "crossed", name, every)
        assert [_us(row["local_timestamp"]) for row in rows] == crossed
        stood = [(m.arrival, m.until or 0) for m in messages]
        silent = [one for one in stood if timedelta(microseconds=one[1] - one[0]) > longest]
        rows = found(world.data, "stale", name, every, longest)
        assert [(_us(row["starts"]), _us(row["ends"])) for row in rows] == silent


def _us(time: datetime) -> int:
    return in_microseconds(time.replace(tzinfo=UTC))
