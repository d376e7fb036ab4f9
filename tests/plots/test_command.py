"""`coinflex-l2 plot`."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pipeline.cli import cli as command
from pipeline.errors import LakeEmpty, LakeUnwritable, PipelineError
from tests.worlds import NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.conftest import Cli
    from tests.worlds import World

_RANGE = "--from", "2020-08-01T23:50", "--to", "2020-08-02T00:10"
_QUESTIONS = {
    "book": (NAMES[0], "--at", "2020-08-01T23:58:30"),
    "heatmap": (NAMES[0], *_RANGE),
    "spread": (NAMES[0], *_RANGE),
    "coverage": (),
}


def _size(path: Path) -> tuple[int, int]:
    """Return how wide and high a PNG is, in dots, by its own header."""
    start = path.read_bytes()[:24]
    assert start[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", start[16:])
    return width, height


def _plot(world: World, *arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(command, ["plot", *arguments, "--data", str(world.data)])


@pytest.mark.parametrize("kind", _QUESTIONS)
def test_a_picture_of_the_size_asked_for(world: World, tmp_path: Path, kind: str) -> None:
    """Its name is printed, and no other file is there."""
    output = tmp_path / "deep" / "it.PNG"
    size = "--size", "8.5x4", "--dpi", "60"
    result = _plot(world, kind, *_QUESTIONS[kind], "--output", str(output), *size)
    assert (result.output, result.exit_code) == (f"{output}\n", 0)
    assert _size(output) == (510, 240)
    assert [path.name for path in output.parent.iterdir()] == ["it.PNG"]


def test_no_display_is_needed(world: World, cli: Cli, tmp_path: Path) -> None:
    """Whatever the environment says of one; stdout has the name alone."""
    output = str(tmp_path / "it.png")
    result = cli(
        "plot", "heatmap", *_QUESTIONS["heatmap"], "--output", output, "--data", str(world.data),
        env={"MPLBACKEND": "TkAgg", "DISPLAY": ""},
    )  # fmt: skip
    assert (result.stdout, result.returncode) == (f"{output}\n", 0), result.stderr
    assert "Warning" not in result.stderr
    assert _size(tmp_path / "it.png") == (1200, 700)


@pytest.mark.parametrize(("suffix", "begins"), [("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_the_suffix_says_the_format(
    world: World, tmp_path: Path, suffix: str, begins: bytes
) -> None:
    """For print, or for a page."""
    output = tmp_path / f"it.{suffix}"
    result = _plot(world, "book", *_QUESTIONS["book"], "--output", str(output), "--json")
    assert json.loads(result.output) == {"output": str(output)}
    assert output.read_bytes().startswith(begins)


def test_without_a_name_the_file_is_named_after_the_question(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the folder one is in, whatever was asked; a picture that was there is replaced."""
    monkeypatch.chdir(tmp_path)
    expected = tmp_path / "book-BTC-USD-SWAP-LIN-2020-08-01T235830+0000.png"
    expected.write_text("an older one")
    arguments = NAMES[0], "--at", "2020-08-01T23:58:30+00:00", "--dpi", "40"
    result = _plot(world, "book", *arguments)
    assert result.output == f"{expected.name}\n"
    assert _size(expected) == (400, 220)
    assert list(tmp_path.iterdir()) == [expected]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("book", "BTC-USD-SWAP", "--at", "2020-08-01"), "one of BTC-USD-SWAP-LIN, FLEX-USD-SPR"),
        (("book", NAMES[0], "--at", "noon"), "--at was 'noon'"),
        (("spread", NAMES[0], "--from", "2020-08-02", "--to", "2020-08-01"), "--to was"),
        (("spread", NAMES[0], *_RANGE, "--step", "1"), "step was '1'"),
        (("coverage", "--size", "12"), "inches, as 12x7"),
        (("coverage", "--size", "0x7"), "inches, as 12x7"),
        (("coverage", "--size", "100x7", "--dpi", "600"), "dots a side"),
        (("coverage", "--output", "it.jpg"), ".png, .svg, .pdf"),
        (("coverage", "--output", "it"), ".png, .svg, .pdf"),
    ],
)
def test_what_cannot_be_drawn(
    world: World, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    """A sentence says what would have worked; no file is made."""
    output = () if "--output" in arguments else ("--output", str(tmp_path / "it.png"))
    result = _plot(world, *arguments, *output)
    assert result.exit_code != 0
    assert said in f"{result.output} {result.exception}"
    assert isinstance(result.exception, PipelineError | SystemExit)
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_ends_with_1(world: World, cli: Cli) -> None:
    """And is a sentence, for click's options as for the lake's."""
    for arguments in (("book", "BTC", "--at", "2020-08-01"), ("coverage", "--size", "12")):
        result = cli("plot", *arguments, "--data", str(world.data))
        assert (result.returncode, result.stdout) == (1, "")
        assert "what would work" in result.stderr
        assert "Traceback" not in result.stderr


def test_a_folder_without_a_lake_is_named(tmp_path: Path) -> None:
    """A mistyped --data makes nothing."""
    arguments = ["plot", "coverage", "--data", str(tmp_path / "typo")]
    assert isinstance(CliRunner().invoke(command, arguments).exception, LakeEmpty)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_named(world: World, tmp_path: Path) -> None:
    """As every file; nothing else is left there."""
    (tmp_path / "file").touch()
    result = _plot(world, "coverage", "--output", str(tmp_path / "file" / "it.png"))
    assert isinstance(result.exception, LakeUnwritable)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_help_has_examples() -> None:
    """Of the group and of each picture."""
    shown = {
        name: CliRunner().invoke(command, ["plot", *([name] if name else []), "--help"]).output
        for name in ("", *_QUESTIONS)
    }
    for name in _QUESTIONS:
        assert name in shown[""]
        assert f"coinflex-l2 plot {name}" in shown[name]
