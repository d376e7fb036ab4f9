"""Results as text for people: aligned tables with units, and the figures to hold at the end."""

from __future__ import annotations

import statistics
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from benchmarks.backfill import BANDWIDTH, ROUND_TRIP
from benchmarks.contenders import FLOOR, OURS
from benchmarks.data import WORKLOADS
from benchmarks.figures import figures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.results import Results, Row

__all__ = ["table"]

_NONE: Final = "·"
_PARTS: Final = {"short": "read by all", "long": "ingested", "day": "a day, ingested at once"}
_Cells = list[str]


def table(results: Results) -> str:
    """Return everything that was measured as one text."""
    blocks = [_machine(results), *_throughput(results), *_queries(results)]
    blocks += [*_commands(results), *_backfill(results), _figures(results)]
    return "\n\n".join(blocks) + "\n"


def _machine(results: Results) -> str:
    facts = dict(results.machine)
    where = f"{facts.pop('cores')} cores ({facts.pop('processor')}), {facts.pop('system')}"
    packages = ", ".join(f"{name} {version}" for name, version in facts.items())
    return f"size {results.size}; {where}; {packages}"


def _throughput(results: Results) -> Iterator[str]:
    head = ["contender", "what comes out", "cores", "MB/s", "messages/s", "CPU", "peak MB",
            "disk MB", "disk/gz", "ours ÷", "÷ floor"]  # fmt: skip
    for workload in WORKLOADS:
        for part, words in _PARTS.items():
            rows = [row for row in results.rows if (row.workload, row.part) == (workload, part)]
            if not rows:
                continue
            slices = rows[0].slices
            yield (
                f"{workload}, {words}: {WORKLOADS[workload]}\n{slices.minutes:,} minutes, "
                f"{slices.messages:,} messages, {slices.raw_bytes / 1e6:,.1f} MB of JSON, "
                f"{slices.bytes / 1e6:,.2f} MB gzip\n"
                f"{_aligned(head, [_row(row, results) for row in rows], left=2)}"
            )


def _row(row: Row, results: Results) -> _Cells:
    name = [row.contender.title, row.contender.result, str(row.cores)]
    if row.measured.absent is not None:
        return [*name, f"({row.measured.absent})"]
    ours = results.row(row.workload, row.part, OURS[0].key)
    floor = results.row(row.workload, "short", FLOOR.key)
    counted = row.measured.counted
    disk = counted.disk_bytes if counted else None
    return [
        *name,
        f"{row.speed:,.1f}",
        f"{row.rate:,.0f}",
        f"{row.cpu:.2f}",
        f"{row.measured.peak_bytes / 1e6:,.0f}",
        _NONE if disk is None else f"{disk / 1e6:,.2f}",
        _number(row.disk_ratio, 2),
        _number(ours.speed / row.speed if ours else None, 2),
        _number(row.speed / floor.speed if floor else None, 3),
    ]


def _queries(results: Results) -> Iterator[str]:
    if not results.queries:
        return
    small, large = (f"{count:,}" for count in results.partitions)
    head = ["question, ms", f"cold, {small}", f"cold, {large}", f"warm, {small}", f"warm, {large}",
            "ratio, warm"]  # fmt: skip
    rows = []
    for latency in results.queries:
        answers = (latency.cold_small, latency.cold_large, latency.warm_small, latency.warm_large)
        shown = [
            _number(statistics.median(seconds) * 1e3 if seconds else None, 1) for seconds in answers
        ]
        rows.append([latency.name, *shown, _number(latency.ratio, 2)])
    yield (
        f"SQL in a lake of {small} partitions (the day, the end of the one before) and of {large}; "
        f"cold: a fresh process connects and asks\n{_aligned(head, rows)}"
    )


def _commands(results: Results) -> Iterator[str]:
    if results.commands:
        rows = [
            [command.name, f"{statistics.median(command.seconds):.2f}",
             f"{min(command.seconds):.2f}", f"{max(command.seconds):.2f}"]
            for command in results.commands
        ]  # fmt: skip
        head = ["command, s", "median", "least", "most"]
        yield f"commands, process start included\n{_aligned(head, rows)}"


def _backfill(results: Results) -> Iterator[str]:
    found = results.backfill
    if found is None:
        return
    line = f"{ROUND_TRIP * 1e3:.0f} ms there and back, {BANDWIDTH / 1e6:.0f} Mbit/s"
    rows = [
        ["whole, to the first answer", f"{found.total:.1f}"],
        ["to the last byte", f"{found.total - found.after_last_byte:.1f}"],
        ["what the bytes need on the line alone", f"{found.line:.1f}"],
        ["from the last byte to the answer", f"{found.after_last_byte:.1f}"],
    ]
    title = f"backfill of {found.minutes:,} minutes, {found.bytes / 1e6:,.1f} MB, over a line of "
    yield f"{title}{line}\n{_aligned(['part, s', 'seconds'], rows)}"


def _figures(results: Results) -> str:
    head = ["figure to hold", "unit", "measured", "by CPU", "wanted", "holds"]
    rows = [
        [
            figure.name,
            figure.unit,
            _number(figure.value, 2),
            _number(figure.cpu, 2),
            f"{'≥' if figure.at_least else '≤'} {figure.bound:,g}",
            {True: "yes", False: "NO", None: "not measured"}[figure.holds],
        ]
        for figure in figures(results)
    ]
    machine = f"size {results.size}, {results.machine['cores']} cores"
    title = f"figures to hold: wanted of size full on 2 cores, measured: {machine}"
    return f"{title}\n{_aligned(head, rows, left=2)}"


def _number(value: float | None, decimals: int) -> str:
    return _NONE if value is None else f"{value:,.{decimals}f}"


def _aligned(head: _Cells, rows: Sequence[_Cells], left: int = 1) -> str:
    """Return rows under a head, the first columns to the left, numbers to the right."""
    # A row that ends early ends with a sentence, which may be as long as it likes.
    fitting = [cells if len(cells) == len(head) else cells[:-1] for cells in rows]
    columns = zip_longest(head, *fitting, fillvalue="")
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for cells in [head, ["─" * width for width in widths], *rows]:
        shown = [
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=False))
        ]
        lines.append("  ".join(shown).rstrip())
    return "\n".join(lines)
