"""A page as a program reads it: its numbers by name, and how its elements lie in each other."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import NamedTuple

__all__ = ["Number", "Reader", "numbers_of", "read"]

_VOID = {"br", "col", "hr", "meta"}


class Number(NamedTuple):
    """What stands at a `data-name`: its `data-value`, and what is shown."""

    value: str
    shown: str


class Reader(HTMLParser):
    """Elements in order, numbers by name; raises AssertionError where an end does not fit."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.numbers: dict[str, Number] = {}
        self.words: list[str] = []
        self._at: list[tuple[int, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Go into an element."""
        found = dict(attrs)
        assert len(found) == len(attrs), f"an attribute of {tag} is there twice"
        self.elements.append((tag, found))
        if tag in _VOID:
            return
        self.open.append(tag)
        if (name := found.get("data-name")) and "data-value" in found:
            assert name not in self.numbers, f"{name} is there twice"
            self.numbers[name] = Number(found["data-value"] or "", "")
            self._at.append((len(self.open), name))

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        assert self.open.pop() == tag
        if self._at and self._at[-1][0] > len(self.open):
            self._at.pop()

    def handle_data(self, data: str) -> None:
        """Take text."""
        self.words.append(data)
        for _, name in self._at:
            number = self.numbers[name]
            self.numbers[name] = number._replace(shown=number.shown + data)


def read(html: str) -> Reader:
    """Return a page that was read; all that was opened is closed."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def numbers_of(numbers: dict[str, Number], table: str) -> list[list[str]]:
    """Return the values of a table, row by row."""
    rows: dict[int, list[str]] = {}
    for name, number in numbers.items():
        if name.startswith(f"{table}."):
            rows.setdefault(int(name.split(".")[1]), []).append(number.value)
    return [rows[place] for place in sorted(rows)]
