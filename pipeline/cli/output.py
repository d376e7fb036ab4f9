"""Results as people and programs want them: a table, CSV or JSON."""

from __future__ import annotations

import csv
import json
import math
import sys
from datetime import date, datetime, time, timedelta
from itertools import chain, count
from typing import IO, TYPE_CHECKING, Any, Final

import click

from pipeline import durable
from pipeline.cli.saying import say
from pipeline.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pipeline.query import Answer

__all__ = ["form_of", "print_facts", "print_json", "whole_file", "write_answer"]

# A table is for eyes; more rows than this are for --format csv or --output.
_TABLE_ROWS: Final = 1_000
_FORMS: Final = {".csv": "csv", ".json": "json", ".parquet": "parquet"}


def form_of(output: Path | None) -> str | None:
    """Return the format that a file's name asks for; None if it asks for none."""
    return None if output is None else _FORMS.get(output.suffix.lower())


def print_json(result: object) -> None:
    """Print one JSON value."""
    click.echo(json.dumps(result, indent=2, default=_plain, allow_nan=False))


def print_facts(facts: Mapping[str, object]) -> None:
    """Print named facts, one a line, aligned."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        say(
            f"{name:<{width}}  {value:,}" if isinstance(value, int) else f"{name:<{width}}  {value}"
        )


def write_answer(answer: Answer, form: str, output: Path | None) -> None:
    """Write a query's answer as text to stdout, or to a file that appears whole."""
    if output is None:
        _write_text(answer, form, sys.stdout, _TABLE_ROWS)
    else:
        with whole_file(output) as draft, draft.open("w", encoding="utf-8", newline="") as file:
            _write_text(answer, form, file, None)


def whole_file(output: Path) -> AbstractContextManager[Path]:
    """Return a context that yields a draft, and gives it the real name at its end."""
    return durable.replacing(output.absolute(), output.absolute().parent)


def _write_text(answer: Answer, form: str, file: IO[str], most: int | None) -> None:
    """Write an answer; `most` is how many rows a table may have."""
    columns, rows = answer.columns, answer.rows
    if form == "json":
        _write_json(columns, rows, file)
    elif form == "csv":
        writer = csv.writer(file, lineterminator="\n")
        # A program gets what there is.
        cell = _visible_cell if file.isatty() else _cell
        writer.writerow(map(cell, columns))
        writer.writerows([cell(value) for value in row] for row in rows)
    else:
        _write_table(columns, rows, file, most)


def _write_json(columns: list[str], rows: Iterable[tuple[Any, ...]], file: IO[str]) -> None:
    """Write one array of objects, a line each; integers are numbers, NaN and infinity null."""
    keys = _distinct(columns)
    file.write("[")
    for ordinal, row in enumerate(rows):
        found = {name: _finite(value) for name, value in zip(keys, row, strict=True)}
        file.write((",\n " if ordinal else "\n ") + json.dumps(found, default=_plain))
    file.write("\n]\n")


def _distinct(columns: list[str]) -> list[str]:
    """Return names of which none repeats another: a, a_1, a_2."""
    found: list[str] = []
    for name in columns:
        others = (f"{name}_{number}" for number in count(1))
        found.append(next(one for one in chain([name], others) if one not in found))
    return found


def _write_table(
    columns: list[str], rows: Iterable[tuple[Any, ...]], file: IO[str], most: int | None
) -> None:
    shown: list[list[str]] = []
    for row in rows:
        if len(shown) == most:
            click.echo(f"the first {most} rows; all of them with --format csv", err=True)
            break
        shown.append(["NULL" if value is None else _visible_cell(value) for value in row])
    names = [visible(column) for column in columns]
    widths = [max(map(len, cells)) for cells in zip(names, *shown, strict=True)]
    for line in (names, ["─" * width for width in widths], *shown):
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        file.write("  ".join(padded).rstrip() + "\n")


def _visible_cell(value: object) -> str:
    return visible(_cell(value))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return json.dumps(_finite(value), default=_plain)
    return str(_plain(value) if isinstance(value, bytes) else value)


def _finite(value: Any) -> Any:  # noqa: ANN401 - any value that SQL can hold
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _finite(item) for name, item in value.items()}
    return value


def _plain(value: object) -> Any:  # noqa: ANN401 - what JSON can hold
    """Return what JSON has no word for: times as ISO 8601, intervals in seconds, decimals."""
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.hex()
    as_float = getattr(value, "__float__", None)
    return as_float() if as_float else str(value)
