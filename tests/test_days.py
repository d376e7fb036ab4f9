"""What a day of slices becomes in the lake: sequence labels, holes, quarantine, other channels."""

from __future__ import annotations

import gzip
import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.sources.files import adopt
from pipeline.views import connect
from tests.lakes import ingest
from tests.making import DAY, at, depth, line, trade, write_minute

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import duckdb

_BID, _ASK = [[1, 1]], [[2, 1]]


def lake(
    tmp_path: Path, minutes: Mapping[int, Iterable[str | bytes]], day: datetime = DAY
) -> duckdb.DuckDBPyConnection:
    """Return a connection to the lake of a day of which these minutes were fetched."""
    for minute, lines in minutes.items():
        write_minute(tmp_path / "slices", at(minute, day=day), lines)
    adopt(tmp_path / "data", "coinflex", tmp_path / "slices")
    ingest(tmp_path / "data", "coinflex", jobs=1)
    return connect(tmp_path / "data")


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """Return a query's rows."""
    return connection.execute(query).fetchall()


def _messages(connection: duckdb.DuckDBPyConnection, columns: str) -> list[tuple[Any, ...]]:
    return rows(connection, f"select {columns} from depth_messages order by date, message")


def test_each_real_message_gives_the_rows_that_it_should(tmp_path: Path) -> None:
    """Twenty real messages of four eras: full books, other channels, trades, tickers, the rest."""
    real = (Path(__file__).parent / "recordings" / "real_messages.ndjson").read_text().splitlines()
    connection = lake(tmp_path, {0: [line(at(0, n), text) for n, text in enumerate(real)]})
    full = rows(connection, """select instrument, seq_num, checksum_status, bid_levels, ask_levels,
        bid_price, ask_price, line from depth_messages order by line""")  # fmt: skip
    assert full == [
        ("BTC-USD", 1594613594001171264, "absent", 2, 2, 9239.9, 9241.0, 4),
        ("BTC-USD-SWAP-LIN", 1650424356029712528, "unverifiable", 2, 2, 29877.0, 29878.0, 11),
        ("BTC-USD-SWAP-LIN", 2166539633836810, "ok", 4, 4, 19036.0, 19047.0, 15),
        ("SPIKE-USD-SWAP-LIN", 434172011379466169, "ok", 3, 4, 0.000741, 0.000842, 20),
    ]
    others = rows(connection, """select channel, action, seq_num, checksum_status, bid_levels, line
        from depth_messages_all where channel <> 'depth' order by line""")  # fmt: skip
    assert others == [
        ("depthL10", "partial", 2166539633781384, "absent", 3, 16),
        ("depthUpdate-diff", "increment", 2166539633794590, "ok", 0, 17),
        ("depthUpdate", "partial", 2166539633794591, "ok", 1, 18),
    ]
    # The engine was re-based between May and October 2022: a restart, and what was missed unknown.
    assert rows(connection, """select seq_step < 0, missed, epoch from depth_messages
        where line = 15""") == [(True, None, 1)]  # fmt: skip
    counts = (
        "sum(depth), sum(trades), sum(tickers), sum(control), sum(foreign_lines), sum(quarantined)"
    )
    assert rows(connection, f"select {counts} from ingests") == [(7, 4, 4, 3, 2, 0)]


def test_steps_missed_repeats_and_restarts(tmp_path: Path) -> None:
    """A step of n misses n - 1, an equal number is a repeat, a jump beyond reason is a restart."""
    start = 1594613594001171264
    numbers = [start, start + 1, start + 4, start + 4, start + 10**9, start + 10**9 + 1, 5, 6]
    connection = lake(
        tmp_path,
        {0: [depth(at(0, n * 0.05), _BID, _ASK, seq=number) for n, number in enumerate(numbers)]},
    )
    assert _messages(connection, "seq_step, missed, epoch, duplicate, reset") == [
        (None, None, 0, False, True),
        (1, 0, 0, False, False),
        (3, 2, 0, False, False),
        (0, 0, 0, True, False),
        (10**9 - 4, None, 1, False, False),
        (1, 0, 1, False, False),
        (5 - start - 10**9 - 1, None, 2, False, False),
        (1, 0, 2, False, False),
    ]
    assert rows(connection, "select missed_snapshots, restarts, duplicates from coverage") == [
        (2, 2, 1)
    ]


def test_what_is_plausible_grows_with_the_time_between(tmp_path: Path) -> None:
    """At most 1,000 a second of exchange time, and 1,000 at least, count as missed."""
    times = [at(0, 0), at(0, 0.1), at(0, 0.2), at(0, 5.2), at(0, 10.2)]
    numbers = [0, 1000, 2001, 2001 + 5000, 2001 + 5000 + 5001]
    found = [depth(t, _BID, _ASK, seq=n) for t, n in zip(times, numbers, strict=True)]
    connection = lake(tmp_path, {0: found})
    assert _messages(connection, "missed, epoch") == [
        (None, 0), (999, 0), (None, 1), (4999, 1), (None, 2),
    ]  # fmt: skip


def test_sequence_numbers_at_the_ends_of_64_bits(tmp_path: Path) -> None:
    """A difference that does not fit is unknown, not wrapped."""
    numbers = [2**63 - 1, -(2**63) + 1, 0]
    found = [depth(at(0, n), _BID, _ASK, seq=number) for n, number in enumerate(numbers)]
    connection = lake(tmp_path, {0: found})
    assert _messages(connection, "seq_num, seq_step, missed, epoch") == [
        (2**63 - 1, None, None, 0),
        (-(2**63) + 1, None, None, 1),
        (0, 2**63 - 1, None, 2),
    ]


def test_steps_across_a_disconnect_are_counted_apart(tmp_path: Path) -> None:
    """What was sent in a gap is not missed while connected."""
    connection = lake(
        tmp_path,
        {0: [depth(at(0, 1), _BID, _ASK, seq=1), "", depth(at(0, 2), _BID, _ASK, seq=5),
             depth(at(0, 3), _BID, _ASK, seq=7)]},
    )  # fmt: skip
    assert _messages(connection, "seq_step, missed, missed_in_gap, reset") == [
        (None, None, None, True),
        (4, None, 3, True),
        (2, 1, None, False),
    ]
    assert rows(
        connection, "select missed_snapshots, missed_in_gaps, disconnects from coverage"
    ) == [(1, 3, 1)]


def test_a_book_ends_just_after_the_last_line_before_a_disconnect(tmp_path: Path) -> None:
    """The last line of any kind counts; the gap lasts until the instrument's next snapshot."""
    connection = lake(
        tmp_path,
        {0: [depth(at(0, 1), _BID, _ASK), trade(at(0, 2), "1", "1", instrument="OTHER"), "",
             trade(at(0, 3), "1", "1"), depth(at(0, 4), _BID, _ASK)],
         1: []},
    )  # fmt: skip
    just_after = datetime(2020, 8, 1, 0, 0, 2, 1)  # noqa: DTZ001 - as SQL has it
    ends = [end for (end,) in _messages(connection, "valid_until")]
    assert ends == [just_after, datetime(2020, 8, 1, 0, 2)]  # noqa: DTZ001 - as SQL has it
    assert rows(connection, """select start, stop, cause from gaps where instrument = 'BTC-USD'
        order by start""") == [
        (just_after, datetime(2020, 8, 1, 0, 0, 4), "disconnect"),  # noqa: DTZ001
        (datetime(2020, 8, 1, 0, 2), datetime(2020, 8, 2), "end_of_coverage"),  # noqa: DTZ001
    ]  # fmt: skip


def test_a_fetched_minute_without_data_is_no_hole_one_never_fetched_is(tmp_path: Path) -> None:
    """Minute 1 was fetched and is empty; minute 3 was never fetched."""
    connection = lake(
        tmp_path,
        {0: [depth(at(0, 1), _BID, _ASK)], 1: [], 2: [depth(at(2, 1), _BID, _ASK)],
         4: [depth(at(4, 1), _BID, _ASK)]},
    )  # fmt: skip
    for time, levels in [("00:01:59.999999", 2), ("00:02:59.999999", 2), ("00:03:00", 0),
                         ("00:04:00.999999", 0), ("00:04:01", 2), ("00:05:00", 0)]:  # fmt: skip
        found = rows(connection, f"from book_at('BTC-USD', '2020-08-01 {time}')")
        assert len(found) == levels, time


def test_book_state_is_not_carried_into_a_day_after_a_hole_at_midnight(tmp_path: Path) -> None:
    """23:59 was fetched, 00:00 was not: at midnight nothing is known until the next snapshot."""
    write_minute(tmp_path / "slices", at(1439), [depth(at(1439, 1), _BID, _ASK)])
    connection = lake(tmp_path, {1441: [depth(at(1441, 5), _BID, _ASK)]})
    for time, levels in [("2020-08-01 23:59:59.999999", 2), ("2020-08-02", 0),
                         ("2020-08-02 00:01:04.999999", 0),
                         ("2020-08-02 00:01:05", 2)]:  # fmt: skip
        assert len(rows(connection, f"from book_at('BTC-USD', '{time}')")) == levels, time


def test_of_several_messages_in_one_microsecond_the_last_counts(tmp_path: Path) -> None:
    """Order is line order, never time."""
    same = at(0, 1)
    connection = lake(tmp_path, {0: [depth(same, [[price, 1]], _ASK) for price in (1.1, 1.2, 1.3)]})
    found = rows(connection, "select price from book_at('BTC-USD', '2020-08-01 00:00:01') "
                 "where side = 'bid'")  # fmt: skip
    assert found == [(1.3,)]


def test_a_clock_that_steps_back_never_makes_an_old_book_current(tmp_path: Path) -> None:
    """The last message in line order among those that had arrived is the book; all is counted."""
    times = [10, 12, 11, 11.5, 13]
    lines = [depth(at(0, t), [[n + 1, 1]], [[100, 1]]) for n, t in enumerate(times)]
    connection = lake(tmp_path, {0: lines})
    for second, expected in [(10, 1), (10.9, 1), (11, 3), (11.4, 3), (11.6, 4), (12, 4), (13, 5)]:
        time = at(0, second).replace(tzinfo=None)
        found = connection.execute(
            "select price from book_at('BTC-USD', ?) where side = 'bid'", [time]
        ).fetchall()
        assert found == [(expected,)], second
    assert rows(connection, "select sum(backwards), sum(outside_minute) from ingests") == [(1, 0)]


def test_clocks_stepping_back_across_row_groups(tmp_path: Path) -> None:
    """Also when the later message is far behind in the file, validity never overlaps."""
    early = [depth(at(0, 1 + n / 1000), [[n + 1, 1]], [[10**6, 1]]) for n in range(20_001)]
    late = [depth(at(0, 5), [[5.5, 1]], [[10**6, 1]])]
    connection = lake(tmp_path, {0: early + late})
    overlaps = rows(connection, """select count(*) from depth_messages as a, depth_messages as b
        where b.message = 20001 and a.message < b.message
        and a.local_timestamp < a.valid_until and a.valid_until > b.local_timestamp""")  # fmt: skip
    assert overlaps == [(0,)]
    found = rows(connection, "select price from book_at('BTC-USD', '2020-08-01 00:00:05.5') "
                 "where side = 'bid'")  # fmt: skip
    assert found == [(5.5,)]


def test_crossed_and_one_sided_books_are_kept_and_labelled(tmp_path: Path) -> None:
    """Crossed or locked is a label; an empty side has no best price."""
    connection = lake(
        tmp_path,
        {0: [depth(at(0, 1), [[3, 1]], [[2, 1]]), depth(at(0, 2), [[2, 1]], [[2, 1]]),
             depth(at(0, 3), [], [[2, 1]]), depth(at(0, 4), [], [])]},
    )  # fmt: skip
    assert _messages(connection, "crossed, bid_price, ask_price, bid_levels, ask_levels") == [
        (True, 3.0, 2.0, 1, 1),
        (True, 2.0, 2.0, 1, 1),
        (False, None, 2.0, 0, 1),
        (False, None, None, 0, 0),
    ]
    assert rows(connection, "from book_at('BTC-USD', '2020-08-01 00:00:03')") == [
        ("ask", 0, 2.0, 1.0)
    ]


def test_a_one_sided_snapshot_clears_the_other_side(tmp_path: Path) -> None:
    """Every message is the whole book: no level outlives the message that lacks it."""
    connection = lake(
        tmp_path,
        {0: [depth(at(0, 1), [[1, 1], [0.5, 2]], [[2, 1]]), depth(at(0, 2), [], [[2, 1]]),
             depth(at(0, 3), [[0.5, 2]], [])]},
    )  # fmt: skip
    assert rows(connection, "from book_at('BTC-USD', '2020-08-01 00:00:03')") == [
        ("bid", 0, 0.5, 2.0)
    ]


def test_other_channels_never_touch_the_full_one(tmp_path: Path) -> None:
    """A truncated book or a difference enters neither sequence, counts nor books of `depth`."""
    connection = lake(
        tmp_path,
        {0: [depth(at(0, 1), _BID, _ASK, seq=1),
             depth(at(0, 2), [[9, 9]], [[10, 9]], seq=77, table="depthL5"),
             depth(at(0, 3), [[8, 8]], [], seq=78, table="depthUpdate-diff", action="increment"),
             depth(at(0, 4), _BID, _ASK, seq=2)]},
    )  # fmt: skip
    assert _messages(connection, "message, seq_step, missed, reset") == [
        (0, None, None, True),
        (1, 1, 0, False),
    ]
    assert rows(connection, "select depth_messages, other_depth_messages from coverage") == [(2, 2)]
    assert rows(connection, "select price from book_at('BTC-USD', '2020-08-01 00:00:03.5') "
                "order by price") == [(1.0,), (2.0,)]  # fmt: skip


def test_a_full_depth_message_of_another_action_is_kept_but_is_no_book(tmp_path: Path) -> None:
    """Labelled and counted; until the next whole book nothing is known."""
    connection = lake(
        tmp_path,
        {0: [depth(at(0, 1), _BID, _ASK, seq=1),
             depth(at(0, 2), [[7, 7]], [], seq=2, action="increment"),
             depth(at(0, 3), _BID, _ASK, seq=3)]},
    )  # fmt: skip
    assert _messages(connection, "action, bid_levels, bid_price, reset, missed") == [
        ("partial", 1, 1.0, True, None),
        ("increment", None, None, False, 0),
        ("partial", 1, 1.0, True, 0),
    ]
    assert rows(connection, "from book_at('BTC-USD', '2020-08-01 00:00:02')") == []
    assert rows(connection, "select cause from gaps order by start") == [
        ("other_action",),
        ("end_of_coverage",),
    ]
    assert rows(connection, "select count(*) from quotes") == [(2,)]


def test_lines_that_cannot_be_read_go_to_quarantine_and_change_nothing_else(tmp_path: Path) -> None:
    """Counted, with slice, line and reason; the books around them are whole."""
    bad = ['{"table":"depth","data":{"marketCode":"BTC-USD","asks":"x","bids":[]}}', "not json"]
    connection = lake(
        tmp_path,
        {0: [depth(at(0, 1), _BID, _ASK), line(at(0, 2), bad[0]), "no arrival time at all",
             line(at(0, 3), bad[1]), b"2020-08-01T00:00:04.0000000Z \xff\xfe",
             b"2020-13-01T00:00:04.0000000Z {}", depth(at(0, 5), _BID, _ASK)]},
    )  # fmt: skip
    found = rows(connection, "select line, raw from quarantine order by line")
    assert [number for number, _ in found] == [2, 3, 4, 5, 6]
    assert found[0][1] == bad[0]
    assert found[3][1] == "\\xff\\xfe"
    assert rows(connection, "select count(*) from quarantine where reason = ''") == [(0,)]
    assert rows(connection, "select sum(lines), sum(quarantined) from ingests") == [(7, 5)]
    assert len(_messages(connection, "message")) == 2


_ANY_NAMES = (
    "../../x", "a/b", "it's", '"; drop view trades; --', "x" * 300, "é/ü 漢", "a%2Fb", "~",
    "12345", ".", "..", "A=B", " ", "*", "[x]", "CON", "line\nbreak", "2020-01-01",
    "__HIVE_DEFAULT_PARTITION__",
)  # fmt: skip


@pytest.fixture(name="of_any_names", scope="module")
def _of_any_names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with slices and a lake, in which each name has a book that no other has."""
    folder = tmp_path_factory.mktemp("names")
    lines = []
    for number, name in enumerate([*_ANY_NAMES, "plain"]):
        lines.append(depth(at(0, 1), [[1, number + 1]], _ASK, instrument=name))
        lines.append(trade(at(0, 2), "1", "1", instrument=name))
    lake(folder, {0: lines}).close()
    return folder


@pytest.fixture(name="named", scope="module")
def _named(of_any_names: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(of_any_names / "data") as connection:
        yield connection


@pytest.mark.parametrize("name", _ANY_NAMES)
def test_an_instrument_of_any_name_is_stored_under_its_own_name(
    named: duckdb.DuckDBPyConnection, name: str
) -> None:
    """No SQL, and every verb answers for it."""
    for view in ("depth_messages", "depth_changes", "quotes", "trades", "gaps", "coverage"):
        found = named.execute(f"select distinct instrument from {view} order by 1").fetchall()
        assert (name,) in found, view
    levels = named.execute("from book_at(?, '2020-08-01 00:00:01')", [name]).fetchall()
    assert levels == [("bid", 0, 1.0, _ANY_NAMES.index(name) + 1.0), ("ask", 0, 2.0, 1.0)]


def test_no_name_leads_out_of_the_lake(of_any_names: Path) -> None:
    """No file is anywhere but where files are."""
    inside = {path.relative_to(of_any_names).parts[0] for path in of_any_names.rglob("*")}
    assert inside == {"slices", "data"}
    assert {path.name for path in (of_any_names / "data").iterdir()} == {
        ".lock",
        ".objects",
        "lake",
        "raw",
        "versions",
    }


def test_the_instrument_of_the_message_is_trusted_not_that_of_the_request(tmp_path: Path) -> None:
    """A line for another instrument than the one asked for is stored under its own."""
    write_minute(tmp_path / "slices", at(0), [depth(at(0, 1), _BID, _ASK, instrument="BTC-USD")])
    adopt(tmp_path / "data", "coinflex", tmp_path / "slices", instruments=["BTC-USD-SWAP-LIN"])
    ingest(tmp_path / "data", "coinflex")
    connection = connect(tmp_path / "data")
    assert rows(connection, "select instrument from depth_messages") == [("BTC-USD",)]
    assert len(rows(connection, "from book_at('BTC-USD', '2020-08-01 00:00:30')")) == 2


def test_arrival_orders_all_tables_in_the_order_of_lines(tmp_path: Path) -> None:
    """Trades and books merge in true arrival order, also within a microsecond."""
    same = at(0, 1)
    connection = lake(
        tmp_path,
        {0: [trade(same, "1", "1", id_="a"), depth(same, _BID, _ASK, seq=1),
             trade(same, "1", "1", id_="b"), depth(same, _BID, _ASK, seq=2)]},
    )  # fmt: skip
    merged = rows(connection, """select what from (
        select arrival, id as what from trades
        union all select arrival, seq_num::varchar from depth_messages)
        order by arrival""")  # fmt: skip
    assert merged == [("a",), ("1",), ("b",), ("2",)]


def test_tickers_and_a_trade_only_instrument(tmp_path: Path) -> None:
    """An instrument without a depth message has a whole day of unknown book, and says so."""
    ticker = (
        '{"table":"ticker","data":[{"last":"1.5","marketCode":"T","timestamp":"1596240000000"}]}'
    )
    connection = lake(tmp_path, {0: [line(at(0, 1), ticker)]})
    assert rows(connection, "select instrument, last_price, mark_price from tickers") == [
        ("T", 1.5, None)
    ]
    assert rows(connection, "select cause, stop - start = interval 1 day from gaps") == [
        ("no_snapshot", True)
    ]
    assert rows(connection, "select minutes_fetched, first_local_timestamp from coverage") == [
        (1, datetime(2020, 8, 1, 0, 0, 1))  # noqa: DTZ001 - as SQL has it
    ]


def test_a_book_is_found_after_many_keyframes(tmp_path: Path) -> None:
    """Any book of the day is a keyframe and the changes since, also far into it."""
    lines = [depth(at(0, n / 100), [[1 + n % 7, n + 1]], [[100, n + 1]]) for n in range(2_000)]
    connection = lake(tmp_path, {0: lines})
    for n in (0, 1, 499, 500, 501, 999, 1000, 1777, 1999):
        time = (at(0, n / 100) + timedelta(microseconds=1)).replace(tzinfo=None)
        found = connection.execute("from book_at('BTC-USD', ?)", [time]).fetchall()
        assert found == [("bid", 0, 1.0 + n % 7, n + 1.0), ("ask", 0, 100.0, n + 1.0)]
    assert rows(connection, "select count(distinct keyframe) from depth_messages") == [(4,)]


def test_days_are_utc(tmp_path: Path) -> None:
    """The date of a row is the UTC day of its arrival."""
    night = datetime(2020, 8, 1, 23, 59, tzinfo=UTC)
    write_minute(tmp_path / "slices", night, [depth(night, _BID, _ASK)])
    connection = lake(tmp_path, {0: [depth(at(0, 1), _BID, _ASK)]}, day=DAY + timedelta(days=1))
    assert rows(connection, "select date::varchar, message from depth_messages order by 1") == [
        ("2020-08-01", 0),
        ("2020-08-02", 0),
    ]


def test_a_disconnect_in_another_request_s_slice_breaks_from_the_last_line_of_any(
    tmp_path: Path,
) -> None:
    """Minute 0 is of a wide request, minute 1 of a narrow one whose first line is a disconnect."""
    wide, narrow = tmp_path / "wide", tmp_path / "narrow"
    write_minute(wide, at(0), [depth(at(0, 1), _BID, _ASK), depth(at(0, 2), _BID, _ASK)])
    write_minute(narrow, at(1), ["", depth(at(1, 5), _BID, _ASK)])
    adopt(tmp_path / "data", "coinflex", wide)
    adopt(tmp_path / "data", "coinflex", narrow, instruments=["BTC-USD"])
    ingest(tmp_path / "data", "coinflex")
    connection = connect(tmp_path / "data")
    assert rows(connection, """select epoch_ms(start) % 86400000, epoch_ms(stop) % 86400000, cause
        from gaps order by start""") == [
        (2000, 65_000, "disconnect"),
        (120_000, 0, "end_of_coverage"),
    ]  # fmt: skip
    assert len(rows(connection, "from book_at('BTC-USD', '2020-08-01 00:00:02')")) == 2


def test_one_arrival_from_the_far_future_carries_no_book_over_a_hole(tmp_path: Path) -> None:
    """A clock that ran away, on a trade or on a book, never outlives disconnects and holes."""
    future = datetime(2099, 1, 1, tzinfo=UTC)
    for outlier in (trade(future, "1", "1"), depth(future, [[9, 9]], [[10, 9]])):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        connection = lake(
            folder,
            {0: [depth(at(0, 1), _BID, _ASK), outlier],
             1: [depth(at(1, 3), _BID, _ASK), outlier, ""],
             2: [],
             3: [depth(at(3, 3), _BID, _ASK), ""]},
        )  # fmt: skip
        for time, levels in [("00:01:03", 2), ("00:02:30", 0), ("00:03:02.999999", 0),
                             ("00:03:03", 2), ("00:03:30", 0), ("17:00:00", 0)]:  # fmt: skip
            found = rows(connection, f"from book_at('BTC-USD', '2020-08-01 {time}')")
            assert len(found) == levels, (time, outlier[:30])


def test_a_book_is_never_mixed_from_two_days(tmp_path: Path) -> None:
    """The day's second message arrived before its first, by a clock that stepped back."""
    write_minute(tmp_path / "slices", at(1439), [depth(at(1439, 59), [[1, 1], [2, 1]], [[100, 1]])])
    connection = lake(
        tmp_path,
        {
            1440: [
                depth(at(1440, 5), [[50, 1]], [[60, 1]]),
                depth(at(1440, 2), [[51, 1]], [[61, 1]]),
            ]
        },
    )
    for second, bids in [(1, [2.0, 1.0]), (2, [51.0]), (3, [51.0]), (5, [51.0])]:
        time = f"2020-08-02 00:00:0{second}"
        found = rows(connection, f"""select price from book_at('BTC-USD', '{time}')
            where side = 'bid' order by level""")  # fmt: skip
        assert [price for (price,) in found] == bids, second


def test_the_book_of_the_day_before_ends_at_the_earliest_of_all_later_times(tmp_path: Path) -> None:
    """The day's first message, a line by a clock that stepped back, and a disconnect just then."""
    write_minute(tmp_path / "slices", at(1439), [depth(at(1439, 59), _BID, _ASK)])
    connection = lake(
        tmp_path,
        {1440: [depth(at(1440, 5), [[50, 1]], [[60, 1]]), trade(at(1440, 2), "1", "1"), "",
                depth(at(1440, 20), [[51, 1]], [[61, 1]])]},
    )  # fmt: skip
    for second, bids in [(1.9, [1.0]), (2, [1.0]), (2.1, []), (4, []), (6, []), (20, [51.0])]:
        time = at(1440, second).replace(tzinfo=None)
        found = connection.execute(
            "select price from book_at('BTC-USD', ?) where side = 'bid'", [time]
        ).fetchall()
        assert [price for (price,) in found] == bids, second
        unknown = connection.execute(
            "select count(*) from gaps where start <= $1 and $1 < stop", [time]
        ).fetchone()
        assert unknown == (int(not bids),), second


def test_a_disconnect_after_a_lacking_minute_takes_nothing_from_before_it(tmp_path: Path) -> None:
    """The book ends where the lacking minute begins; the disconnect after it comes too late."""
    connection = lake(
        tmp_path,
        {0: [depth(at(0, 1), _BID, _ASK)], 2: ["", depth(at(2, 5), _BID, _ASK)]},
    )
    for time, levels in [("00:00:59.999999", 2), ("00:01:00", 0), ("00:02:04", 0)]:
        assert len(rows(connection, f"from book_at('BTC-USD', '2020-08-01 {time}')")) == levels


def test_a_request_that_named_a_feed_goes_before_one_that_merely_delivered_it(
    tmp_path: Path,
) -> None:
    """One stray line of B in A's slices does not take B from the request for B."""
    for name, lines in [
        ("A", {0: [depth(at(0, 1), _BID, _ASK, instrument="B")], 1: [], 2: [], 3: []}),
        ("B", {m: [depth(at(m, 5), [[m, 1]], _ASK, instrument="B")] for m in (1, 2, 3)}),
    ]:
        for minute, content in lines.items():
            write_minute(tmp_path / name, at(minute), content)
        adopt(tmp_path / "data", "coinflex", tmp_path / name, instruments=[name])
    ingest(tmp_path / "data", "coinflex")
    with connect(tmp_path / "data") as connection:
        assert rows(connection, "select price from book_at('B', '2020-08-01 00:03:30') "
                    "where side = 'bid'") == [(3.0,)]  # fmt: skip
        assert rows(connection, "select sum(shadowed), sum(depth) from ingests") == [(0, 4)]


@pytest.mark.parametrize("last", [at(1439, 59.999999), at(1440, 0.3)])
def test_no_book_crosses_midnight_over_a_disconnect(tmp_path: Path, last: datetime) -> None:
    """However close to midnight the last line before it was."""
    lines = [depth(at(1439, 1), _BID, _ASK), depth(last, _BID, _ASK), ""]
    write_minute(tmp_path / "slices", at(1439), lines)
    connection = lake(tmp_path, {1440: [depth(at(1440, 20), _BID, _ASK)]})
    for time, levels in [("2020-08-01 23:59:59.9", 2), ("2020-08-02", 0),
                         ("2020-08-02 00:00:10", 0), ("2020-08-02 00:00:20", 2)]:  # fmt: skip
        assert len(rows(connection, f"from book_at('BTC-USD', '{time}')")) == levels, time


def test_what_was_sent_in_a_disconnect_after_an_odd_action_is_counted_apart(tmp_path: Path) -> None:
    """The lost connection decides, also when the book was unknown before it."""
    connection = lake(
        tmp_path,
        {0: [depth(at(0, 1), _BID, _ASK, seq=1),
             depth(at(0, 2), _BID, _ASK, seq=2, action="increment"), "",
             depth(at(0, 3), _BID, _ASK, seq=53)]},
    )  # fmt: skip
    assert _messages(connection, "missed, missed_in_gap")[-1] == (None, 50)


def test_more_instruments_than_a_process_may_have_files(tmp_path: Path) -> None:
    """No file stays open while a day is written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    names = [f"I{number}" for number in range(110)]
    lines = [depth(at(0, 1), _BID, _ASK, instrument=name) for name in names]
    lines += [trade(at(0, 2), "1", "1", instrument=name) for name in names]
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        connection = lake(tmp_path, {0: lines})
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert rows(connection, "select count(*) from coverage where trades = 1") == [(110,)]


def test_a_message_of_very_many_items_is_stored(tmp_path: Path) -> None:
    """The place in a message's list is counted as far as it goes."""
    item = {"side": "BUY", "quantity": "1", "price": "1", "marketCode": "A"}
    connection = lake(tmp_path, {0: [line(at(0, 1), {"table": "trade", "data": [item] * 40_000})]})
    assert rows(connection, "select count(*), max(item) from trades") == [(40_000, 39_999)]


def test_a_partition_that_was_lost_or_cut_is_made_again(tmp_path: Path) -> None:
    """Up to date is what lies there, not what the catalogue remembers."""
    lake(tmp_path, {0: [depth(at(0, 1), _BID, _ASK)]})
    (path,) = (tmp_path / "data" / "lake" / "depth").rglob("data.parquet")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    ingest(tmp_path / "data", "coinflex")
    assert path.read_bytes() == whole
    path.unlink()
    ingest(tmp_path / "data", "coinflex")
    assert path.read_bytes() == whole


def test_instruments_that_vanish_from_the_slices_leave_the_lake(tmp_path: Path) -> None:
    """Also when only they are ingested: no book stays that no slice holds."""
    connection = lake(tmp_path, {0: [depth(at(0, 1), _BID, _ASK), trade(at(0, 2), "1", "1")]})
    for path in (tmp_path / "data" / "raw").rglob("*.json.gz"):
        path.write_bytes(gzip.compress(trade(at(0, 2), "1", "1").encode()))
    ingest(tmp_path / "data", "coinflex", instruments=["BTC-USD"])
    assert rows(connection, "from book_at('BTC-USD', '2020-08-01 00:00:02')") == []
    assert rows(connection, "select depth_messages, trades from coverage") == [(0, 1)]


def test_a_day_whose_slices_are_gone_keeps_its_lake(tmp_path: Path) -> None:
    """Raw that is no longer there must not take the lake with it."""
    connection = lake(tmp_path, {0: [depth(at(0, 1), _BID, _ASK)]})
    for path in (tmp_path / "data" / "raw").rglob("*.json.gz"):
        path.unlink()
    ingest(tmp_path / "data", "coinflex", rebuild=True)
    assert len(_messages(connection, "message")) == 1


@pytest.mark.parametrize("blank", ["", " "])
def test_a_line_that_cannot_be_read_delivers_nothing(tmp_path: Path, blank: str) -> None:
    """A broken line of a feed that was not asked for takes no minute from those who have it."""
    book = f'"instrumentId":"X","asks":[[1,{blank}2,3]],"bids":[]'
    broken = f'{{"table":"depth","data":[{{{book}}}]}}'
    write_minute(tmp_path / "A", at(0), [line(at(0, 1), broken)])
    write_minute(tmp_path / "A", at(1), [])
    for minute in (0, 1):
        good = depth(at(minute, 5), [[minute + 1, 1]], [[9, 1]], instrument="X")
        write_minute(tmp_path / "B", at(minute), [good])
    for name in ("A", "B"):
        adopt(tmp_path / "data", "coinflex", tmp_path / name, instruments=[name])
    ingest(tmp_path / "data", "coinflex")
    connection = connect(tmp_path / "data")
    assert _messages(connection, "bid_price") == [(1.0,), (2.0,)]
    assert rows(connection, "select sum(quarantined), sum(shadowed) from ingests") == [(1, 0)]


def test_an_action_of_any_name_is_kept(tmp_path: Path) -> None:
    """However many there are."""
    lines = [depth(at(0, n / 1000), _BID, _ASK, action=f"a{n}") for n in range(33_000)]
    connection = lake(tmp_path, {0: lines})
    assert rows(connection, "select count(distinct action) from depth_messages") == [(33_000,)]
