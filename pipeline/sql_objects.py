"""The objects of sql/: one view or macro a file, named as the file, its first comment the grain.

    sql/staging/      views that others stand on
    sql/macros/*/     macros, by what they are about
    sql/marts/        views for whoever asks
    sql/checks/       what returns the bad rows

A view may share its name with the macro for a range of time, so an object is known by its place:
the file's path below sql/, without the suffix.
"""

from __future__ import annotations

import graphlib
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SqlObject", "quoted", "sql_objects"]

_PACKAGED: Final = Path(__file__).parent / "sql"
_CHECKOUT: Final = Path(__file__).parent.parent / "sql"
_NOT_CODE: Final = re.compile(r"--[^\n]*|'(?:[^']|'')*'")
_MADE: Final = re.compile(
    r"^create or replace (view|macro) (\w+)(?:\((.*?)\))? as(?: (table))?", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class SqlObject:
    """One file of sql/: its place, and its text, which makes the object."""

    place: str
    text: str

    @property
    def name(self) -> str:
        """The object's name, which is the file's."""
        return self.place.rpartition("/")[2]

    @property
    def topic(self) -> str:
        """What it is about: the folder of a macro or check; views are one topic."""
        folder = self.place.split("/")[-2]
        return "views" if folder in {"marts", "staging"} else folder

    @property
    def kind(self) -> Literal["view", "macro", "macro table"]:
        """What it is, in DuckDB's words."""
        kind, _, _, table = self._made
        return "view" if kind == "view" else "macro table" if table else "macro"

    @property
    def parameters(self) -> tuple[str, ...]:
        """A macro's parameters, as `"end"` or `depth := 25`; empty for a view."""
        _, _, parameters, _ = self._made
        return tuple(one.strip() for one in (parameters or "").split(",") if one.strip())

    @property
    def called(self) -> str:
        """A macro's parameters as people write them: `instrument, start, end, depth := 25`."""
        plain = [parameter.replace('"', "") for parameter in self.parameters]
        return ", ".join(one if ":=" in one else one.split()[0] for one in plain)

    @cached_property
    def comment(self) -> str:
        """The file's first comment, as one paragraph: the grain first."""
        lines = self.text.splitlines()
        head = lines[: next(n for n, line in enumerate(lines) if not line.startswith("--"))]
        return " ".join(line.removeprefix("--").strip() for line in head)

    @property
    def statements(self) -> str:
        """What makes the object, and gives it its comment, so that meaning reaches the client."""
        return f"{self.text}\ncomment on {self.kind} {self.name} is {quoted(self.comment)};"

    @cached_property
    def words(self) -> frozenset[str]:
        """All words of its code, comments and literals apart."""
        return frozenset(re.findall(r"\w+", _NOT_CODE.sub(" ", self.text)))

    @cached_property
    def _made(self) -> tuple[str, str, str | None, str | None]:
        found = _MADE.search(self.text)
        assert found, f"sql/{self.place}.sql makes nothing"  # noqa: S101 - a test reads them all
        return found.group(1), found.group(2), found.group(3), found.group(4)


@cache
def sql_objects() -> Mapping[str, SqlObject]:
    """Return every object of sql/ by its place, each after those that it uses.

    Read once in a process: whoever connects a hundred times asks for the same.
    """
    folder = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    found = {
        place: SqlObject(place, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("**/*.sql"))
        for place in [path.relative_to(folder).with_suffix("").as_posix()]
    }
    by_name: dict[str, list[str]] = {}
    for place, one in found.items():
        by_name.setdefault(one.name, []).append(place)
    uses = {
        # In the same order in each process, lest the database file be written anew for nothing.
        place: [other for word in sorted(one.words - {one.name}) for other in by_name.get(word, ())]
        for place, one in found.items()
    }
    ordered = graphlib.TopologicalSorter(uses).static_order()
    return MappingProxyType({place: found[place] for place in ordered})


def quoted(text: str) -> str:
    """Return a text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"
