"""Messages that mean harm are rows or quarantine, and names; nothing else comes of them."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

import pytest

from pipeline.normalize.coinflex import Refused, decode
from pipeline.sources.coinflex.session import Session
from pipeline.views import connect
from tests.hostile import MESSAGES, NAMES, named
from tests.lakes import ingest, put
from tests.making import at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli

STAMP = b"2020-08-01T12:00:15.0881763Z "
NAME = '\x1b[2J"><script>alert(1)</script>\u202e'


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which `in/data` has all that is hostile, a minute of names last."""
    folder = tmp_path_factory.mktemp("hostile")
    data = folder / "in" / "data"
    put(data, at(720), [STAMP + message for message, _ in MESSAGES.values()])
    lines = [message for name in [*NAMES, NAME] for message in named(name)]
    put(data, at(721), [STAMP.replace(b"12:00", b"12:01") + line for line in lines])
    ingest(data, "coinflex")
    return folder


def test_what_cannot_be_read_is_in_quarantine_with_its_reason(folder: Path) -> None:
    """Each line that must not be read, and no other; by its number."""
    with connect(folder / "in" / "data") as lake:
        rows = lake.execute("select line, reason from quarantine order by line").fetchall()
    bad = [n for n, (_, is_bad) in enumerate(MESSAGES.values(), 1) if is_bad]
    assert [line for line, _ in rows] == bad
    assert all(reason for _, reason in rows)


def test_names_stay_names(folder: Path) -> None:
    """As they were sent, each with its book, trade and ticker, and nothing outside the folder."""
    with connect(folder / "in" / "data") as lake:
        for view in ("quotes", "trades", "tickers"):
            names = lake.execute(f"select distinct instrument from {view}").fetchall()
            assert {name for (name,) in names} - {"A"} == {*NAMES, NAME}
        books = "select count(*) from book_at($1, '2020-08-01 12:01:30')"
        assert all(lake.execute(books, [name]).fetchone() == (2,) for name in [*NAMES, NAME])
    assert [path.name for path in folder.iterdir()] == ["in"]
    assert [path.name for path in (folder / "in").iterdir()] == ["data"]


def unfit(text: str) -> list[str]:
    """Return what of a text a terminal would obey."""
    return [sign for sign in text if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp")
            and sign != "\n"]  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ("instruments",),
        ("status",),
        ("sql", "from quarantine"),
        ("sql", f"select instrument, id from trades where instrument = '{NAME}'"),
        ("sql", f'select 1 as "{NAME.replace(chr(34), "")}"'),
        ("book", "\x1b[2Jnone", "--at", "2020-08-01"),
        ("verify", "--all"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_terminal_is_told_nothing_but_text(
    folder: Path, cli: Cli, arguments: tuple[str, ...]
) -> None:
    """Signs that it would obey are spelled out; and no command ends by an accident."""
    done = cli(*arguments, "--data", str(folder / "in" / "data"))
    assert not unfit(done.stdout + done.stderr)
    assert "Traceback" not in done.stderr


def test_a_page_has_no_script_of_theirs(folder: Path, cli: Cli, tmp_path: Path) -> None:
    """Whatever the names are."""
    page = tmp_path / "report.html"
    options = ("--instrument", NAME, "--output", str(page), "--data", str(folder / "in" / "data"))
    assert cli("report", *options).returncode == 0
    text = page.read_text("utf-8")
    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize("what", MESSAGES)
def test_both_doors_are_of_one_mind(what: str) -> None:
    """A live session takes each message, as what it is or as unreadable, and goes on."""
    message, is_bad = MESSAGES[what]
    session = Session(0.0, ["depth:A"])
    assert session.receive(message, 0.0) is not None
    if is_bad:
        with pytest.raises(Refused) as caught:
            decode(message)
        assert len(str(caught.value)) < 300
    else:
        decode(message)


def test_json_for_programs_has_the_names_as_they_are(folder: Path, cli: Cli) -> None:
    """What is spelled out is for eyes alone."""
    query = "select distinct instrument from trades"
    done = cli("sql", query, "--json", "--data", str(folder / "in" / "data"))
    assert {row["instrument"] for row in json.loads(done.stdout)} == {*NAMES, NAME, "A"}
