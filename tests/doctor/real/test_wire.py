from __future__ import annotations

import json
import zlib
from collections import Counter
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.doctor.real import DIFFERS, HOLDS, UNDECIDED
from pipeline.doctor.real.book_claims import book_claims
from pipeline.doctor.real.evidence import joined, judged
from pipeline.doctor.real.levels import Levels
from pipeline.doctor.real.wire import Wire, read_wire
from pipeline.doctor.real.wire_claims import wire_claims
from pipeline.exchange_details import Symbol
from tests.making import DAY, at, depth, line, write_minute

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.doctor.real import Evidence

ASKS, BIDS = [[101.0, 2], [102.5, 0.25]], [[100.0, 1e-05]]
# The same book as a double prints, and as it was sent in the four ways that were thought of.
PRINTED = "[[101.0,2.0],[102.5,0.25]][[100.0,1e-05]]"
TEXTS = {
    "pairs as printed": PRINTED,
    "as sent": "[[101.0,2,0,0],[102.5,0.25,0,0]][[100.0,1e-05,0,0]]",
    "pairs as sent": "[[101.0,2],[102.5,0.25]][[100.0,1e-05]]",
    "with 0,0 as printed": "[[101.0,2.0,0,0],[102.5,0.25,0,0]][[100.0,1e-05,0,0]]",
    "with 0.0,0.0 as printed": "[[101.0,2.0,0.0,0.0],[102.5,0.25,0.0,0.0]][[100.0,1e-05,0.0,0.0]]",
    "bids first, pairs as printed": "[[100.0,1e-05]][[101.0,2.0],[102.5,0.25]]",
    "bids first, as sent": "[[100.0,1e-05,0,0]][[101.0,2,0,0],[102.5,0.25,0,0]]",
}


@pytest.mark.parametrize("candidate", TEXTS)
def test_each_candidate_of_a_checksum_is_told_by_it_alone(candidate: str) -> None:
    """Of a book of four elements, sent with blanks; signed or not is the same."""
    asks, bids = ([[*level, 0, 0] for level in side] for side in (ASKS, BIDS))
    levels = Levels()
    checksum = zlib.crc32(TEXTS[candidate].encode())
    for given in (checksum, checksum - 2**32):
        levels.take("A", json.dumps(asks).encode(), json.dumps(bids).encode(), given)
    assert {of for (_, of), fits in levels.fitting.items() if fits} == {candidate}
    assert levels.checksums == {"four elements": 2}
    assert levels.fitting["four elements", candidate] == 2


def test_what_stays_changes_and_goes_is_counted() -> None:
    """Against the message before of the same instrument, in the same minute."""
    levels = Levels()
    for asks in ([[2, 1], [3, 1]], [[2, 1], [4, 1]], [[2, 5]]):
        levels.take("A", json.dumps(asks).encode(), b"[]", None)
        levels.take("B", b"[]", b"[]", None)
    # 2 stays, 4 is new, 3 went; then 2 is another amount, 4 went.
    assert (levels.kept, levels.changed, levels.gone) == (1, 2, 2)
    levels.begin_minute()
    levels.take("A", b"[[9,9]]", b"[]", None)
    assert (levels.kept, levels.changed, levels.gone) == (1, 2, 2)


def wire_of(folder: Path, *minutes: list[str]) -> Wire:
    """Return what minutes of 2020-08-01 are like, from midnight on."""
    paths = [write_minute(folder, at(number), lines) for number, lines in enumerate(minutes)]
    return read_wire(DAY.date(), paths)


def claims(wire: Wire, *listed: str) -> dict[str, Evidence]:
    """Return the evidence of a wire by claim."""
    found = [*wire_claims(wire, [Symbol(name) for name in listed]), *book_claims(wire)]
    return {one.claim.partition(":")[0]: one for one in found}


def test_lines_are_counted_in_all_their_forms(tmp_path: Path) -> None:
    """Empty minutes, disconnects, acknowledgements, microseconds shared, lines of no form."""
    ack = {"event": "subscribe", "channel": "trade:A", "success": True}
    lines = [line(at(0), {"nonce": "1"}), line(at(0), ack), "", depth(at(0, 1), [], []),
             line(at(0, 2), "no JSON"), "no time"]  # fmt: skip
    wire = wire_of(tmp_path, lines, [])
    assert (wire.minutes, wire.empty_minutes, wire.lines) == (2, 1, 5)
    assert (wire.disconnects, wire.unreadable, wire.equal_stamps) == (1, 2, 1)
    assert wire.counts["control"] == {"welcome": 1, "subscribe": 1}
    assert wire.books == {"BTC-USD": 1}
    found = claims(wire, "BTC-USD", "ETH-USD")
    assert found["No minute is empty"].verdict == DIFFERS
    assert found["Lines share the microsecond of the line before"].verdict == HOLDS
    silent = found["Each symbol that is listed of a day sends in the minutes looked at"]
    assert (silent.verdict, silent.found) == (
        DIFFERS, "2 listed on the day, 1 without a line: ETH-USD",
    )  # fmt: skip
    assert found["Every message of the full channel is the whole book"].verdict == UNDECIDED


def test_more_than_400_levels_and_a_spread_below_zero(tmp_path: Path) -> None:
    """Below zero is right for REPO and spread markets, and for no other."""
    bids = [[-0.0001 - number, 1] for number in range(401)]
    wire = wire_of(tmp_path, [depth(at(0), bids, [], instrument="BTC-USD-REPO-LIN")])
    found = claims(wire)
    assert found["A side has 400 levels at most"].verdict == DIFFERS
    below = found["Prices at or below zero are those of REPO and spread (SPR) markets"]
    assert (below.verdict, "BTC-USD-REPO-LIN 401" in below.found) == (HOLDS, True)


def test_a_feed_of_differences_is_no_feed_of_books(tmp_path: Path) -> None:
    """Nothing stands in it twice, whatever its action says."""
    lines = [depth(at(0, number), [[number + 1, 1]], []) for number in range(40)]
    # Each message has one level, and the one before it has gone: that may be a book.
    whole = "Every message of the full channel is the whole book"
    assert claims(wire_of(tmp_path / "a", lines))[whole].verdict == HOLDS
    same = [depth(at(0, number), [[1, number + 1]], []) for number in range(40)]
    assert claims(wire_of(tmp_path / "b", same))[whole].verdict == DIFFERS


@pytest.mark.parametrize(
    ("day", "number", "form"),
    [
        (date(2020, 8, 1), 1594684800000000007, "seconds · 10^9 + counter"),
        (date(2022, 10, 1), 4000000000000007, "neither"),
        (date(2022, 10, 1), 4000000000000000 + 166400000000007, "node · 10^15 + seconds"),
        # The counter has outgrown its five digits by far.
        (date(2022, 10, 1), 4000000000000000 + 166400000000000 + 9 * 10**10, "node · 10^15 + s"),
        (date(2020, 8, 1), 7, "neither"),
        # An engine can't have started after its message.
        (date(2020, 8, 1), 1700000000000000000, "neither"),
    ],
)
def test_a_sequence_number_has_the_second_of_its_engine_s_start(
    day: date, number: int, form: str
) -> None:
    """In one of two forms, by era."""
    wire = Wire(day)
    book: dict[str, Any] = {"instrumentId": "A", "seqNum": number, "asks": [], "bids": []}
    message = json.dumps({"table": "depth", "data": [book]}).encode()
    second = round(datetime(day.year, day.month, day.day, tzinfo=DAY.tzinfo).timestamp())
    wire.take(message, Counter(), second)
    [seen] = wire.counts["sequence"]
    assert seen.startswith(form)


def test_one_case_contradicts_and_few_prove_nothing() -> None:
    """What was seen once to be otherwise is so; what was not is not proven by a handful."""
    assert [judged(1, 5), judged(0, 29), judged(0, 30)] == [DIFFERS, UNDECIDED, HOLDS]
    assert joined({f"n{number}": number for number in range(9)}).endswith("n3 3 and 3 more")
    assert joined({}) == "none"


def test_levels_are_looked_at_in_each_minute(tmp_path: Path) -> None:
    """The first hundred messages of an instrument in each, not only of the first."""
    lines = [
        [depth(at(minute) + timedelta(milliseconds=of), [[1, 1]], []) for of in range(120)]
        for minute in range(2)
    ]
    assert wire_of(tmp_path, *lines).levels.messages == 200
