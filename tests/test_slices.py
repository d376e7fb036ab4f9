from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
import textwrap
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import SliceCorrupt
from pipeline.slice_file import Blocks, examine, read_lines
from pipeline.slices import DayOfSlices, Door, Request, minute_path, parse_minute_path
from pipeline.stamp import split_line

from .conftest import ROOT, clean_environment
from .making import DAY, at, line, write_minute

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TODAY = DAY.date()
REQUEST = Request("coinflex", "tardis", ("futures/depth", "trade"), ("BTC-USD",))


def packed(*lines: str) -> bytes:
    """Return lines as the bytes of a slice."""
    return gzip.compress("".join(f"{text}\n" for text in lines).encode(), mtime=0)


SMALL = packed(line(at(0), {"a": 1}), "", line(at(0, 1), {"b": [1, 2]}), line(at(0, 2), {"c": "ü"}))


def draft_of(slices: DayOfSlices, content: bytes) -> Path:
    """Write what a download would hand over."""
    slices.drafts.mkdir(parents=True, exist_ok=True)
    draft = slices.drafts / "draft"
    draft.write_bytes(content)
    return draft


def opened(tmp_path: Path) -> tuple[Door, DayOfSlices]:
    """Return a door and a day of the usual request."""
    door = Door(tmp_path, "coinflex")
    door.open(REQUEST)
    return door, door.day(REQUEST, TODAY)


# --- the line codec ----------------------------------------------------------------------------


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2999, 1, 1)),  # noqa: DTZ001 - bounds are naive
    st.integers(0, 9),
    st.binary().map(lambda payload: payload.replace(b"\n", b"")),
)
@example(datetime(2020, 7, 14, 0, 0, 0, 290413), 3, b'{"table":"futures/depth"}')  # noqa: DTZ001
def test_line_is_an_arrival_time_and_the_exchange_s_own_bytes(
    time: datetime, hundred_ns: int, payload: bytes
) -> None:
    """Every arrival time is exact to the microsecond, cut not rounded; no byte is changed."""
    raw = f"{time:%Y-%m-%dT%H:%M:%S.%f}{hundred_ns}Z ".encode() + payload
    exact = (time.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    assert split_line(raw) == (exact, payload)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"2020-07-14T00:00:00.2904133Z",
        b"2020-07-14T00:00:00.2904133Z\t{}",
        b"2020-07-14T00:00:00.290413Z {}",
        b"2020-07-14T00:00:60.2904133Z {}",
        b"2020-07-14T00:60:00.2904133Z {}",
        b"2020-07-14T24:00:00.2904133Z {}",
        b"2020-02-30T00:00:00.2904133Z {}",
        b"2020-13-01T00:00:00.2904133Z {}",
        b" 2020-07-14T00:00:00.2904133Z {}",
        "\uff12\uff1020-07-14T00:00:00.2904133Z {}".encode(),
    ],
)
def test_line_without_a_time_is_refused(raw: bytes) -> None:
    """No time is ever guessed: what does not begin with one is refused, for the quarantine."""
    with pytest.raises(ValueError, match=r".+"):
        split_line(raw)


@given(st.lists(st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"")), max_size=30))
def test_lines_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    """Nothing is lost, joined, stripped or reordered, and every empty line is a disconnect."""
    path = tmp_path_factory.mktemp("slice") / "00.json.gz"
    path.write_bytes(gzip.compress(b"".join(raw + b"\n" for raw in lines)))
    assert list(read_lines(path)) == lines
    facts = examine(path)
    assert facts.lines + facts.disconnects == len(lines)
    assert facts.disconnects == sum(not raw.strip() for raw in lines)


def test_line_longer_than_a_block(tmp_path: Path) -> None:
    """A book of several megabytes is one line, and so is a last line without an end."""
    lines = [b"a" * 9_000_000, b"", b"b" * (1 << 20), b"c"]
    path = tmp_path / "00.json.gz"
    path.write_bytes(gzip.compress(b"\n".join(lines)))
    assert list(read_lines(path)) == lines


def test_line_without_end_is_no_line(tmp_path: Path) -> None:
    """A gigabyte without a line's end compresses to a megabyte; it must not fill the memory."""
    path = tmp_path / "00.json.gz"
    path.write_bytes(gzip.compress(b"a" * (1 << 20)) * 1000)
    with pytest.raises(SliceCorrupt, match="a line of more than 67108864 bytes"):
        examine(path)


@pytest.mark.parametrize("lines", [b"x\n", b"\n", b"{}\n\n"])
def test_more_lines_than_a_minute_has_are_no_slice(tmp_path: Path, lines: bytes) -> None:
    """Some kilobytes of gzip stand for millions of lines, each of which would take memory."""
    path = tmp_path / "00.json.gz"
    path.write_bytes(gzip.compress(lines * 2_000_001, 1))
    with pytest.raises(SliceCorrupt, match="more than 2000000 lines"):
        examine(path)


def test_more_text_than_a_minute_has_is_no_slice(tmp_path: Path) -> None:
    """However it is cut into lines and members; what comes before the limit is given."""
    path = tmp_path / "00.json.gz"
    path.write_bytes(gzip.compress(b"a" * 9_999 + b"\n") * 1_000)
    assert sum(stop for _, stop in Blocks(most=10_000_000).of(path)) == 10_000_000
    with pytest.raises(SliceCorrupt, match="more than 9999999 bytes of text"):
        list(Blocks(most=9_999_999).of(path))


@pytest.mark.parametrize("padding", [0, 32, 100])
def test_how_long_a_line_may_be_depends_on_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, padding: int
) -> None:
    """Neither on what stands before it, nor on who reads it: whole to one is whole to all."""
    monkeypatch.setattr("pipeline.slice_file._BLOCK", 64)
    monkeypatch.setattr("pipeline.slice_file._LONGEST_LINE", 200)
    path = tmp_path / "00.json.gz"
    for length in (*range(60, 70), *range(120, 135), 199, 200, 201, 202, 250, 300):
        for lines in ([b"x" * length], [b"a", b"x" * length, b"b"], [b"y" * 190, b"x" * length]):
            for end in (b"", b"\n"):
                path.write_bytes(gzip.compress(b"\n".join(lines) + end))
                try:
                    found = [bytes(buffer[:stop]) for buffer, stop in Blocks(padding).of(path)]
                except SliceCorrupt:
                    assert length > 200
                else:
                    assert length <= 200
                    assert b"".join(found) == b"\n".join(lines) + b"\n"


def test_slice_of_several_gzip_members(tmp_path: Path) -> None:
    """A slice that was appended to by gzip's own rules is read to its end."""
    path = tmp_path / "00.json.gz"
    path.write_bytes(gzip.compress(b"a\nb") + gzip.compress(b"c\n\n"))
    assert list(read_lines(path)) == [b"a", b"bc", b""]


# --- whole or not ------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [SMALL, packed(line(at(0), "x" * 300)), packed()])
def test_every_cut_is_noticed(tmp_path: Path, content: bytes) -> None:
    """A download or a disk that stopped anywhere in a slice never passes for a whole one."""
    path = tmp_path / "00.json.gz"
    for length in range(1, len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(SliceCorrupt, match=r"00\.json\.gz is no whole slice: .+"):
            examine(path)
    path.write_bytes(content)
    examine(path)


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    """A bit that flips on the way changes no line or is noticed; it never changes a price."""
    path = tmp_path / "00.json.gz"
    path.write_bytes(SMALL)
    lines = list(read_lines(path))
    noticed = 0
    for place in range(len(SMALL)):
        for bit in range(8):
            flipped = bytearray(SMALL)
            flipped[place] ^= 1 << bit
            path.write_bytes(flipped)
            try:
                examine(path)
            except SliceCorrupt:
                noticed += 1
            else:  # a time or a system's name in gzip's own header
                assert list(read_lines(path)) == lines
    assert noticed > 8 * (len(SMALL) - 12)


@pytest.mark.parametrize(
    "content",
    [b"plain text\n", bytes(100), SMALL + b"garbage", SMALL + SMALL[:30], b"\x1f\x8b", b"<html>"],
    ids=["plain", "zeros", "tail", "second member cut", "magic only", "an error page"],
)
def test_what_is_no_gzip_is_noticed(tmp_path: Path, content: bytes) -> None:
    """A proxy's error page, or a file full of zeros after a power cut, is no slice."""
    path = tmp_path / "00.json.gz"
    path.write_bytes(content)
    with pytest.raises(SliceCorrupt):
        examine(path)


def test_folder_with_the_name_of_a_slice_is_no_slice(tmp_path: Path) -> None:
    """Whatever carries a slice's name and can't be read is named, not a traceback."""
    _, slices = opened(tmp_path)
    slices.path(7).mkdir(parents=True)
    assert list(slices.load().corrupt) == [7]


def test_empty_file_is_a_minute_without_data(tmp_path: Path) -> None:
    """Tardis answers a quiet minute with nothing at all: it was fetched, and it is no hole."""
    door, slices = opened(tmp_path)
    facts = slices.commit(5, draft_of(slices, b""))
    assert (facts.lines, facts.disconnects, facts.first, facts.last) == (0, 0, None, None)
    slices.save()
    again = door.day(REQUEST, TODAY)
    assert list(again.slices) == [5]
    assert not again.corrupt
    assert list(read_lines(again.path(5))) == []


def test_large_slice_is_read_in_little_memory(tmp_path: Path) -> None:
    """300 MB of text, as a busy minute may unpack to, is examined without holding it."""
    path = tmp_path / "00.json.gz"
    text = (line(at(0), "x" * 3_000) + "\n").encode() * 1_000
    member = gzip.compress(text)
    path.write_bytes(member * (300_000_000 // len(text)))
    script = """
        import resource, sys
        from pathlib import Path
        from pipeline.slice_file import examine

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        lines = examine(Path(sys.argv[1])).lines
        print(lines, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(path)],
        env=clean_environment(), cwd=ROOT, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    lines, grown = map(int, done.stdout.split())
    assert lines == 1_000 * (300_000_000 // len(text))
    assert grown * (1 if sys.platform == "darwin" else 1024) < 30_000_000


# --- path ↔ key --------------------------------------------------------------------------------


@given(st.dates(date(1000, 1, 1)), st.integers(0, 1439))
@example(date(2020, 7, 14), 0)
def test_path_and_minute_are_the_same_thing(day: date, minute: int) -> None:
    """A slice's path says its minute and nothing else does; there and back loses nothing."""
    path = minute_path(day, minute)
    time = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute)
    assert path == f"{time.year}/{time:%m/%d/%H/%M}.json.gz"
    assert parse_minute_path(path) == (day, minute)


@pytest.mark.parametrize(
    "path",
    [
        "2020/07/14/24/00.json.gz",
        "2020/07/14/00/60.json.gz",
        "2020/02/30/00/00.json.gz",
        "2020/13/01/00/00.json.gz",
        "2020/07/14/00/00.json",
        "2020/07/14/00/00.json.gz.unconfirmed",
        "2020/7/14/00/00.json.gz",
        "x/2020/07/14/00/00.json.gz",
        "2020/07/14/00/00.json.gz\n",
        "2020/07/14/manifest.json",
        "../../../../00.json.gz",
        "",
    ],
)
def test_other_paths_are_no_slices(path: str) -> None:
    """Half-written files of other clients, and times that do not exist, are never adopted."""
    assert parse_minute_path(path) is None


@pytest.mark.parametrize("minute", [0, 59, 60, 1439])
def test_day_and_request_put_slices_where_their_path_says(tmp_path: Path, minute: int) -> None:
    """Slices lie at raw/<exchange>/<request>/YYYY/MM/DD/HH/MM.json.gz, as documented."""
    _, slices = opened(tmp_path)
    slices.commit(minute, draft_of(slices, SMALL))
    path = tmp_path / "raw" / "coinflex" / REQUEST.folder / minute_path(TODAY, minute)
    assert path.read_bytes() == SMALL
    assert slices.path(minute) == path


# --- requests ----------------------------------------------------------------------------------

CHANNELS = st.none() | st.sets(st.sampled_from(["futures/depth", "trade", "ticker"])).map(tuple)
SYMBOLS = st.none() | st.sets(st.sampled_from("ABCDE")).map(tuple)
REQUESTS = st.builds(Request, st.just("coinflex"), st.sampled_from(["tardis", "import"]),
                     CHANNELS, SYMBOLS)  # fmt: skip


def wants(request: Request) -> set[tuple[str, str]]:
    """Return what a request asks for, spelled out; F and `other` stand for what nobody named."""
    channels = request.channels or ("futures/depth", "trade", "ticker", "other")
    return {(channel, symbol) for channel in channels for symbol in request.symbols or "ABCDEF"}


@given(REQUESTS, REQUESTS)
def test_wider_request_comes_first(one: Request, other: Request) -> None:
    """Where requests overlap the one that holds more counts, whatever the order they came in."""
    assert one.contains(other) == (wants(one) >= wants(other))
    if wants(one) > wants(other):
        assert one.precedence < other.precedence
    if one != other:
        assert one.precedence != other.precedence, "the order would depend on the file system"


@given(REQUESTS)
def test_order_and_repetition_of_names_do_not_matter(request: Request) -> None:
    """`A,B` and `B,A,B` are the same question: nothing is fetched twice for it."""
    twice = Request(
        request.exchange,
        request.origin,
        request.channels and (*reversed(request.channels), *request.channels),
        request.symbols and (*reversed(request.symbols), *request.symbols),
    )
    assert (twice, twice.folder, twice.precedence) == (request, request.folder, request.precedence)


@given(REQUESTS, REQUESTS)
def test_each_request_has_a_folder_of_its_own(one: Request, other: Request) -> None:
    """Slices of different questions never lie in one folder."""
    assert (one == other) == (one.folder == other.folder)


def test_a_feed_of_another_host_is_another_request(tmp_path: Path) -> None:
    """Who was asked is part of what was asked, comes back from the disk, and is in the lineage."""
    live = Request("coinflex", "live", ("depth",), None, "api.coinflex.us")
    other = Request("coinflex", "live", ("depth",), None, "stgapi.coinflex.us")
    assert len({live.folder, other.folder, Request("coinflex", "live", ("depth",)).folder}) == 3
    door = Door(tmp_path, "coinflex")
    for request in (live, other, REQUEST):
        door.open(request)
    assert set(door.requests()) == {live, other, REQUEST}
    assert live.source == "live:api.coinflex.us"
    assert REQUEST.source == "tardis:coinflex"


def test_exchanges_never_share_a_folder(tmp_path: Path) -> None:
    """The same question to another exchange has other folders all the way down."""
    other = Request("coinflexus", REQUEST.origin, REQUEST.channels, REQUEST.symbols)
    assert other.folder != REQUEST.folder
    Door(tmp_path, "coinflex").open(REQUEST)
    assert Door(tmp_path, "coinflexus").requests() == []


def test_folder_name_is_the_documented_digest() -> None:
    """The folder is found again by later versions: origin and 12 digits of its SHA-256."""
    facts = (
        '{"origin":"tardis","exchange":"coinflex",'
        '"channels":["futures/depth","trade"],"symbols":["BTC-USD"]}'
    )
    digest = hashlib.sha256(facts.encode()).hexdigest()[:12]
    assert REQUEST.folder == f"tardis-{digest}"
    unfiltered = '{"origin":"live","exchange":"coinflex","channels":null,"symbols":null}'
    digest = hashlib.sha256(unfiltered.encode()).hexdigest()[:12]
    assert Request("coinflex", "live").folder == f"live-{digest}"


@pytest.mark.parametrize(
    ("request_", "channel", "instrument", "covers"),
    [
        (Request("x", "t"), "depth", "BTC-USD", True),
        (Request("x", "t"), "depthUpdate-diff", "anything", True),
        (Request("x", "t", ("futures/depth",)), "depth", "BTC-USD", True),
        (Request("x", "t", ("depth",)), "depth", "BTC-USD", True),
        (Request("x", "t", ("trade",)), "depth", "BTC-USD", False),
        (Request("x", "t", ("depthL5",)), "depth", "BTC-USD", False),
        (Request("x", "t", None, ("BTC-USD",)), "trade", "BTC-USD", True),
        (Request("x", "t", None, ("BTC-USD",)), "trade", "btc-usd", False),
        (Request("x", "t", ("trade",), ("BTC-USD",)), "ticker", "BTC-USD", False),
    ],
)
def test_request_covers_what_was_asked_for(
    request_: Request, channel: str, instrument: str, *, covers: bool
) -> None:
    """A minute counts as fetched for exactly the channels and instruments that were asked for."""
    assert request_.covers(channel, instrument) == covers


def test_requests_are_found_again_the_widest_first(tmp_path: Path) -> None:
    """A new process knows from the folders alone what was asked, and in which order it counts."""
    door = Door(tmp_path, "coinflex")
    asked = [
        Request("coinflex", "tardis", ("trade",), ("A",)),
        Request("coinflex", "tardis", ("trade",)),
        Request("coinflex", "tardis"),
        Request("coinflex", "tardis", None, ("A", "B")),
        Request("coinflex", "tardis", None, ("A",)),
    ]
    for request in asked:
        door.open(request)
        door.open(request)
    found = Door(tmp_path, "coinflex").requests()
    assert found == [asked[number] for number in (2, 1, 3, 4, 0)]


def test_foreign_folder_is_no_request(tmp_path: Path) -> None:
    """A copied or renamed folder does not count twice: its name must fit what it says."""
    door, slices = opened(tmp_path)
    slices.commit(0, draft_of(slices, SMALL))
    home = door.root / REQUEST.folder
    (door.root / "copy").mkdir()
    (door.root / "copy" / "request.json").write_bytes((home / "request.json").read_bytes())
    assert door.requests() == [REQUEST]
    (door.root / "copy" / "2020").mkdir()
    with pytest.raises(SliceCorrupt, match="copy"):
        door.requests()


def test_lost_request_stops_the_run(tmp_path: Path) -> None:
    """Slices whose request is not known are named; they never vanish in silence."""
    door, slices = opened(tmp_path)
    slices.commit(0, draft_of(slices, SMALL))
    (door.root / REQUEST.folder / "request.json").unlink()
    with pytest.raises(SliceCorrupt, match="lost"):
        door.requests()


def test_torn_request_stops_the_run(tmp_path: Path) -> None:
    """A folder whose request can't be read is named; its slices never vanish in silence."""
    door, slices = opened(tmp_path)
    slices.commit(0, draft_of(slices, SMALL))
    path = door.root / REQUEST.folder / "request.json"
    path.write_text('{"origin":')
    with pytest.raises(SliceCorrupt, match=r"request\.json"):
        door.requests()


# --- the store ---------------------------------------------------------------------------------


def test_commit_is_all_or_nothing(tmp_path: Path) -> None:
    """A broken download never gets a slice's name, and never replaces a whole slice."""
    door, slices = opened(tmp_path)
    with pytest.raises(SliceCorrupt):
        slices.commit(7, draft_of(slices, SMALL[:-1]))
    assert not slices.path(7).exists()
    assert 7 not in slices.slices
    slices.commit(7, draft_of(slices, SMALL))
    with pytest.raises(SliceCorrupt):
        slices.commit(7, draft_of(slices, SMALL[:-1]))
    assert slices.path(7).read_bytes() == SMALL
    slices.save()
    assert list(door.day(REQUEST, TODAY).slices) == [7]


def test_whole_slice_replaces_a_broken_one(tmp_path: Path) -> None:
    """A slice that broke on disk is whole again once it has been fetched again."""
    door, slices = opened(tmp_path)
    write_minute(door.root / REQUEST.folder, at(7), ["x"]).write_bytes(SMALL[:-1])
    slices = door.day(REQUEST, TODAY)
    assert list(slices.corrupt) == [7]
    slices.commit(7, draft_of(slices, SMALL))
    slices.save()
    assert (list(slices.slices), slices.corrupt) == ([7], {})
    assert door.day(REQUEST, TODAY).corrupt == {}


def test_facts_are_what_the_file_says(tmp_path: Path) -> None:
    """Lines, disconnects, first and last arrival, size and digest can be checked by hand."""
    _, slices = opened(tmp_path)
    facts = slices.commit(0, draft_of(slices, SMALL))
    assert (facts.lines, facts.disconnects) == (3, 1)
    assert facts.first == "2020-08-01T00:00:00.0000000Z"
    assert facts.last == "2020-08-01T00:00:02.0000000Z"
    assert facts.bytes == len(SMALL)
    assert facts.sha256 == hashlib.sha256(SMALL).hexdigest()


def _remove(manifest: Path) -> None:
    manifest.unlink()


def _tear(manifest: Path) -> None:
    manifest.write_bytes(manifest.read_bytes()[: manifest.stat().st_size // 2])


def _empty(manifest: Path) -> None:
    manifest.write_bytes(b"")


def _garble(manifest: Path) -> None:
    manifest.write_bytes(b"\xff\x00" * 50)


def _other_shape(manifest: Path) -> None:
    manifest.write_text('{"slices": {"00:07": {"sha256": 7}}}')


def _strange_minute(manifest: Path) -> None:
    facts = json.loads(manifest.read_text())
    facts["slices"] = {"seven": facts["slices"]["00:07"]}
    manifest.write_text(json.dumps(facts))


@pytest.mark.parametrize(
    "spoil", [_remove, _tear, _empty, _garble, _other_shape, _strange_minute]
)  # fmt: skip
def test_manifest_is_only_a_cache(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """A lost or torn manifest costs a reading of the slices, never a fact."""
    door, slices = opened(tmp_path)
    for minute in (7, 8):
        slices.commit(minute, draft_of(slices, SMALL))
    slices.save()
    manifest = slices.folder / "manifest.json"
    before = manifest.read_bytes()
    spoil(manifest)
    again = door.day(REQUEST, TODAY)
    assert again.slices == slices.slices
    again.save()
    assert manifest.read_bytes() == before


def test_stale_manifest_is_not_believed(tmp_path: Path) -> None:
    """Slices that came, went or changed behind the manifest's back are seen as they are."""
    door, slices = opened(tmp_path)
    for minute in (7, 8, 9):
        slices.commit(minute, draft_of(slices, SMALL))
    slices.save()
    slices.path(7).unlink()
    slices.path(8).write_bytes(packed(line(at(8), "another")))
    slices.path(10).write_bytes(SMALL)
    slices.path(9).write_bytes(SMALL[:-1])
    again = door.day(REQUEST, TODAY)
    assert sorted(again.slices) == [8, 10]
    assert again.slices[8] == examine(slices.path(8))
    assert again.slices[10].lines == 3
    assert list(again.corrupt) == [9]
    again.save()
    assert door.day(REQUEST, TODAY).slices == again.slices


def test_broken_slice_with_an_honest_face(tmp_path: Path) -> None:
    """Size and time may hide what is broken; once found out, a slice is no longer trusted."""
    door, slices = opened(tmp_path)
    slices.commit(7, draft_of(slices, SMALL))
    slices.save()
    path = slices.path(7)
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(SMALL[:40] + bytes([SMALL[40] ^ 0xFF]) + SMALL[41:])
    os.utime(path, ns=times)
    trusting = door.day(REQUEST, TODAY)
    assert list(trusting.slices) == [7]
    with pytest.raises(SliceCorrupt):
        list(read_lines(path))
    trusting.distrust(path)
    again = door.day(REQUEST, TODAY)
    assert (list(again.slices), list(again.corrupt)) == ([], [7])


def test_days_are_listed_in_order(tmp_path: Path) -> None:
    """The days of a request are known from its folders, over months and years."""
    door, _ = opened(tmp_path)
    days = [date(2021, 1, 1), date(2020, 12, 31), date(2020, 7, 14)]
    for day in days:
        slices = door.day(REQUEST, day)
        slices.commit(0, draft_of(slices, b""))
    assert door.days(REQUEST) == sorted(days)
