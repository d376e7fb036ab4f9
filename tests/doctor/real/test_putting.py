from __future__ import annotations

import gzip
import json
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from pipeline.doctor.real import (
    DIFFERS,
    HOLDS,
    TOLD,
    UNDECIDED,
    as_json,
    as_markdown,
    as_text,
    chosen_minutes,
    parse_days,
    parse_times_of_day,
    put_to_real,
)
from pipeline.errors import KeyRequired, MinutesLacking, UsageError
from pipeline.simulator import Fault, TardisSimulator
from tests.doctor.checking import CLOSED, NOBODY, of
from tests.making import depth, write_minute
from tests.world import KEY, Counted, serving

from .eras import BOOKS, MISSED, NEW, OLD, STRANGE, SWAP, midnight, write_eras

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.doctor.real import Evidence, RealReport
    from tests.conftest import Cli

LISTED = [{"id": SWAP, "type": "perpetual", "availableSince": "2020-07-14T00:00:00.000Z"}]
DAYS = [OLD, STRANGE, MISSED, NEW]


@pytest.fixture(scope="module", name="slices")
def _slices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_eras(tmp_path_factory.mktemp("eras"))


@pytest.fixture(scope="module", name="report")
def _report(slices: Path, tmp_path_factory: pytest.TempPathFactory) -> RealReport:
    scratch = tmp_path_factory.mktemp("scratch")
    with TardisSimulator(slices, symbols=LISTED).running() as url:
        return put_to_real(of(scratch, url), DAYS, [0], Counted)


def about(report: RealReport, day: date | None, begins: str) -> Evidence:
    """Return the one piece of evidence of a day for the claim that begins so."""
    [one] = [one for one in report.evidence if one.day == day and one.claim.startswith(begins)]
    return one


# Claim → the verdicts on the four days.
VERDICTS = {
    "Every message of the full": (HOLDS, DIFFERS, HOLDS, HOLDS),
    "A market sends a book every": (HOLDS, DIFFERS, HOLDS, HOLDS),
    "A market's seqNum goes up": (HOLDS, DIFFERS, DIFFERS, HOLDS),
    "A step of k takes": (UNDECIDED, DIFFERS, HOLDS, UNDECIDED),
    "A jump is either": (UNDECIDED, UNDECIDED, UNDECIDED, HOLDS),
    "seqNum is seconds": (HOLDS, DIFFERS, HOLDS, HOLDS),
    "seqNum has at least": (HOLDS, DIFFERS, HOLDS, HOLDS),
    "checksum is 0": (HOLDS, TOLD, HOLDS, HOLDS),
    "A checksum is the CRC": (UNDECIDED, UNDECIDED, DIFFERS, HOLDS),
    "The normalizer finds no checksum": (UNDECIDED, UNDECIDED, UNDECIDED, HOLDS),
    "A level's third and fourth": (HOLDS, DIFFERS, HOLDS, HOLDS),
    "Levels are best first": (HOLDS, DIFFERS, HOLDS, HOLDS),
    "The best bid is below": (HOLDS, DIFFERS, HOLDS, HOLDS),
    "Prices at or below zero": (UNDECIDED, DIFFERS, UNDECIDED, UNDECIDED),
    "Either side may be empty": (UNDECIDED, UNDECIDED, HOLDS, UNDECIDED),
    "Messages spell symbols": (HOLDS, DIFFERS, HOLDS, HOLDS),
    "The table of the whole book": (HOLDS, DIFFERS, DIFFERS, DIFFERS),
    "A message begins with": (HOLDS, TOLD, HOLDS, HOLDS),
    "Acknowledgements and welcomes": (HOLDS, UNDECIDED, UNDECIDED, UNDECIDED),
    "Sides are spelled": (HOLDS, DIFFERS, UNDECIDED, UNDECIDED),
    "Each trade has an id": (HOLDS, DIFFERS, UNDECIDED, UNDECIDED),
    "Prints alike": (HOLDS, DIFFERS, UNDECIDED, UNDECIDED),
    "A book arrives within": (HOLDS, DIFFERS, HOLDS, HOLDS),
    "Lines stand in the order": (HOLDS, DIFFERS, HOLDS, HOLDS),
    "Every line is JSON": (HOLDS, DIFFERS, HOLDS, HOLDS),
    "The normalizer reads every": (HOLDS, DIFFERS, HOLDS, HOLDS),
    "A filter of one symbol brings messages": (HOLDS, DIFFERS, HOLDS, HOLDS),
    "Every row of a CSV": (HOLDS, DIFFERS, HOLDS, HOLDS),
    "The CSV rows of one": (HOLDS, HOLDS, HOLDS, HOLDS),
    "A level that is gone": (HOLDS, DIFFERS, HOLDS, HOLDS),
    "CSV files have": (HOLDS, HOLDS, HOLDS, HOLDS),
    "No minute is empty": (HOLDS, HOLDS, HOLDS, HOLDS),
}


@pytest.mark.parametrize("claim", VERDICTS)
def test_each_claim_is_judged_by_what_was_sent(report: RealReport, claim: str) -> None:
    """Days on which it was made to hold, to break, and to say too little."""
    assert tuple(about(report, day, claim).verdict for day in DAYS) == VERDICTS[claim]


def test_every_claim_on_a_day_is_tried_here(report: RealReport) -> None:
    """None is added without a day that decides it; what is only told has no verdict."""
    of_days = {one.claim for one in report.evidence if one.day and one.verdict != TOLD}
    untried = {
        claim for claim in of_days if not any(claim.startswith(begins) for begins in VERDICTS)
    }
    assert {claim.partition(":")[0] for claim in untried} == {
        "Each symbol that is listed of a day sends in the minutes looked at",
        "Lines share the microsecond of the line before",
        "A side has 400 levels at most",
        "A filter of one symbol brings all of its messages",
    }


def test_the_numbers_are_those_of_the_messages(report: RealReport) -> None:
    """Worked out by hand from how the days were made."""
    assert about(report, OLD, "Every message").n == BOOKS
    assert "action: partial 130; of the levels of 100 messages" in (
        about(report, OLD, "Every message").found
    )
    assert "60.0 / 60.0 / 60.0 ms of 129" in about(report, OLD, "A market sends").found
    # Every third step but the first, which nothing is before, is one of three: 43 of 129.
    missed = about(report, MISSED, "A market's seqNum")
    assert missed.found == "step 1: 66.7 %, 0: 0, above 1: 43, restarts: 0; median 1"
    rate = about(report, MISSED, "A step of k")
    assert (rate.n, rate.found) == (43, "60.0 ms per one of a larger step, 60.0 ms per step of one")
    strange = about(report, STRANGE, "A step of k").found
    assert strange == "6.7 ms per one of a larger step, 20.0 ms per step of one"
    jump = about(report, NEW, "A jump is").found
    assert jump == "largest step that counts 1; 1 restarts, the smallest a jump of 10,000,000,000"
    crossed = about(report, STRANGE, "The best bid").found
    # In each ten one message is crossed and one locked.
    assert crossed.startswith("crossed 13 (")
    assert ", locked 13 of 117" in crossed
    prints = about(report, OLD, "Prints alike").found
    assert prints == "40 of 40 (100 %)"


def test_the_rule_of_a_checksum_is_named(report: RealReport) -> None:
    """Of levels of four elements, by the candidates that fit: that is what the wire knows."""
    found = about(report, MISSED, "A checksum is").found
    assert found.startswith("levels of four elements: 100 given; fit by: as sent 99")
    assert "as sent 100, pairs as printed 100" in about(report, NEW, "A checksum is").found


def test_a_symbol_in_another_case_is_named_so(report: RealReport) -> None:
    """And one that is listed and silent as well; a filter by such a name is refused."""
    found = about(report, STRANGE, "Messages spell").found
    assert f"listed in other case: {SWAP.lower()}" in found
    assert "400: Invalid 'filters'" in about(report, STRANGE, "A filter of one symbol").found


def test_the_service_s_list_is_put_to_the_claims(report: RealReport) -> None:
    """Its first day, its channels, its last day, and the name that documentation has for it."""
    verdicts = {one.claim: one.verdict for one in report.evidence if one.day is None}
    assert verdicts == {
        "The recording begins on 2020-07-14": HOLDS,
        "When the recording ends": TOLD,
        "The channels are futures/depth, trade, ticker": HOLDS,
        "Which symbols there are": TOLD,
        "When the recording is known to be impaired": TOLD,
        "There is no exchange coinflexus": HOLDS,
    }


def test_the_report_is_a_table(report: RealReport) -> None:
    """As text, as a page to publish, and as JSON, each with what was asked of whom."""
    text, page, facts = as_text(report), as_markdown(report), as_json(report)
    assert "days 2020-08-01, 2021-02-01, 2022-05-01, 2022-10-01; minutes 00:00 UTC" in text
    assert f"{4 * BOOKS:,} books of the full channel" in page
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert len(rows) == len(report.evidence) + 1
    assert "A claim **holds** where enough was seen" in page
    assert all(row.replace("\\|", "").count("|") == 6 for row in rows)
    assert f"\nSymbols that the service lists: {SWAP}.\n" in page
    assert json.loads(json.dumps(facts)) == facts
    assert facts["about"]["exchange"] == "coinflex"
    assert facts["evidence"][0]["claim"] in text
    # The days of a claim stand together.
    claims = [one.claim for one in report.evidence]
    assert sum(one != other for one, other in pairwise(claims)) == (len(set(claims)) - 1)


def _csv(rows: list[tuple[int, str, str, float, float]]) -> bytes:
    lines = ["exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"]
    lines += [f"coinflex,A,0,{time},{snap},{side},{p},{q}" for time, snap, side, p, q in rows]
    return gzip.compress("\n".join([*lines, ""]).encode())


def test_files_that_say_other_than_the_messages(tmp_path: Path) -> None:
    """Rows that lack a level, and a file whose columns are others, are found."""
    start = midnight(OLD)
    books = [[[10 + number, 1.0]] for number in range(3)]
    times = [start.replace(second=number + 1) for number in range(3)]
    lines = [
        depth(time, bids, [[20.0, 1.0]], instrument="A", seq=1)
        for time, bids in zip(times, books, strict=True)
    ]
    write_minute(tmp_path / "slices", start, lines)
    stamps = [round(time.timestamp()) * 1_000_000 for time in times]
    rows = [(stamps[0], "true", "bid", 10.0, 1.0), (stamps[0], "true", "ask", 20.0, 1.0)]
    rows += [(stamps[1], "true", "bid", 11.0, 1.0)]  # the ask is lacking
    rows += [(stamps[2], "true", "bid", 12.0, 1.0), (stamps[2], "true", "ask", 20.0, 1.0)]

    async def handler(request: web.Request) -> web.Response:
        if "incremental_book_L2" in request.path:
            return web.Response(body=_csv(rows))
        if "/quotes/" in request.path:
            return web.Response(body=gzip.compress(b"other,columns\n"))
        return web.Response(status=404, text=f"none for {KEY}")

    with serving(handler) as files, TardisSimulator(tmp_path / "slices").running() as url:
        given = of(tmp_path / "data", url, datasets_url=files, key=KEY)
        report = put_to_real(given, [OLD], [0], Counted)
    assert KEY not in repr(report)
    same = about(report, OLD, "The CSV rows")
    assert (same.verdict, same.found) == (DIFFERS, "A: 2 of 3 equal; 0 in the file alone")
    columns = about(report, OLD, "CSV files have")
    assert (columns.verdict, "other columns: quotes" in columns.found) == (DIFFERS, True)
    # Two bids went; read as documented, both stand beside the last one.
    gone = about(report, OLD, "A level that is gone")
    assert "3 levels went, 0 rows" in gone.found  # the ask that lacks in the second went too
    assert "2 levels of the last book are none" in gone.found
    assert gone.verdict == UNDECIDED


def test_minutes_that_did_not_arrive_are_counted(slices: Path, tmp_path: Path) -> None:
    """What did arrive is looked at; nothing at all is an error; a second time what lacks comes."""
    given = of(tmp_path / "data", attempts=1)
    faults = [Fault("500", midnight(NEW), times=0)]
    with TardisSimulator(slices, faults=faults).running() as url:
        report = put_to_real(of(tmp_path / "data", url, attempts=1), [OLD, NEW], [0], Counted)
    assert report.about["minutes_lacking"] == 1
    assert about(report, OLD, "A market sends").verdict == HOLDS
    assert about(report, NEW, "A market sends").verdict == UNDECIDED
    with pytest.raises(MinutesLacking):
        report.raise_if_lacking()
    simulator = TardisSimulator(slices)
    with simulator.running() as url:
        report = put_to_real(of(tmp_path / "data", url), [OLD, NEW], [0], Counted)
    feeds = [request for request in simulator.requests if "data-feeds" in request.path]
    # The minute that lacked, and one of each day once more by a filter.
    assert [bool(len(request.filters or []) == 3) for request in feeds] == [True, False, False]
    with TardisSimulator(slices, faults=[Fault("500", times=0)]).running() as url:
        given = of(tmp_path / "none", url, attempts=1)
        with pytest.raises(MinutesLacking):
            put_to_real(given, [OLD], [0], Counted)


@pytest.mark.parametrize(
    ("days", "error", "words"),
    [
        ([date(2020, 8, 2)], KeyRequired, "2020-08-02"),
        ([date(2019, 1, 1)], UsageError, "whole days from 2020-07-14"),
        ([date(2022, 10, 2)], UsageError, "whole days from 2020-07-14"),
    ],
)
def test_days_that_can_not_be_had_are_refused(
    slices: Path, tmp_path: Path, days: list[date], error: type[Exception], words: str
) -> None:
    """Before anything is fetched, with what would work."""
    with TardisSimulator(slices).running() as url, pytest.raises(error, match=words):
        put_to_real(of(tmp_path, url), days, [0], Counted)


def test_minutes_are_spread_over_the_day() -> None:
    """As many from each time on, the first times one more; none beyond midnight."""
    assert chosen_minutes(5, [0, 360, 720, 1080]) == [0, 1, 360, 720, 1080]
    assert chosen_minutes(1, [0, 360]) == [0]
    assert chosen_minutes(4, [1438]) == [1438, 1439]
    assert parse_times_of_day("12:30, 00:00,12:30") == [0, 750]
    assert parse_days("2022-10-01, 2020-08-01") == [OLD, NEW]
    for text in ("noon", "24:00", ""):
        with pytest.raises(UsageError, match="times of day"):
            parse_times_of_day(text)
    for text in ("yesterday", " , "):
        with pytest.raises(UsageError, match="--days"):
            parse_days(text)


def test_the_command_publishes_what_it_finds(slices: Path, tmp_path: Path, cli: Cli) -> None:
    """The user's own data folder is not made; what was fetched is kept where it is wished for."""
    page, scratch = tmp_path / "evidence.md", tmp_path / "scratch"
    live = {"COINFLEX_L2_WS_URL": str(NOBODY.websocket), "COINFLEX_L2_REST_URL": CLOSED}
    with TardisSimulator(slices, symbols=LISTED).running() as url:
        env: dict[str, Any] = {"COINFLEX_L2_TARDIS_URL": url, **live}
        result = cli(
            "doctor", "--real", "--days", "2020-08-01", "--minutes", "1", "--json",
            "--output", str(page), "--scratch", str(scratch), env=env,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        facts = json.loads(result.stdout)
        assert facts.keys() == {"checks", "about", "lacking", "evidence"}
        assert page.read_text().startswith("# What the recording of coinflex is like\n")
        assert (scratch / "raw" / "coinflex").is_dir()
        assert not (tmp_path / "data").exists()
        refused = cli("doctor", "--real", "--scratch", str(tmp_path / "data"), env=env)
        assert refused.returncode == 1
        assert "other than the data folder" in refused.stderr
    assert cli("doctor", "--real", "--offline").returncode == 1
