"""What is put to the test, and what must hold of it, whatever bytes it is given."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, given, seed, settings

from pipeline.normalize.coinflex import Refused, decode
from pipeline.slice_file import examine, read_lines
from pipeline.sources.coinflex.session import Session
from pipeline.stamp import split_line, stamp_of
from tests.fuzz.lines import LINES, MESSAGES, MINUTES
from tests.normalize.roads import Simple, assert_same, scanned, take_small_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

__all__ = ["TARGETS", "play"]


def line_codec(line: bytes) -> None:
    """See that a line is refused, or is its time and the rest, and that slices give it back."""
    try:
        time, payload = split_line(line)
    except ValueError:
        assert stamp_of(line) is None or line[28:29] != b" "
    else:
        assert line.endswith(payload)
        assert len(line) - len(payload) == len("2020-08-01T23:54:00.0000000Z ")
        assert 0 <= time % 60_000_000 < 60_000_000
        stamp = stamp_of(line)
        assert stamp is not None
        assert line.startswith(stamp.encode())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "00.json.gz"
        path.write_bytes(gzip.compress(line + b"\n", 1))
        assert list(read_lines(path)) == line.split(b"\n")
        facts = examine(path)
        assert facts.lines + facts.disconnects == line.count(b"\n") + 1


def decoder(message: bytes) -> None:
    """See that a message is decoded or refused, in a few words, and that a session takes any."""
    try:
        assert decode(message) is not None
    except Refused as refusal:
        reason = str(refusal)
        assert reason
        assert len(reason) < 500
    assert Session(0.0, ["depth:A"]).receive(message, 0.0) is not None


def scan(content: bytes) -> None:
    """See that the compiled scan says of a minute what the decoder and dicts alone say."""
    half = content.find(b"\n", len(content) // 2) + 1
    blocks = [block for block in (content[:half], content[half:]) if block]
    assert_same(scanned(blocks), Simple().take(content), content)


TARGETS: Final[dict[str, tuple[Callable[[bytes], None], SearchStrategy[bytes]]]] = {
    "line_codec": (line_codec, LINES),
    "decoder": (decoder, MESSAGES),
    "scan": (scan, MINUTES),
}


def play(target: str, number: int, examples: int) -> None:
    """Put so many examples to a target; the same number gives the same ones.

    Raises what the target raises, for the smallest example that was found.
    """
    check, strategy = TARGETS[target]

    @seed(number)
    @settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(strategy)
    def put(example: bytes) -> None:
        check(example)

    with pytest.MonkeyPatch.context() as patch:
        take_small_steps(patch)
        put()
