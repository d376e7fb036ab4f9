"""The evidence as a table: for a terminal, to publish, for programs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from pipeline.doctor.real.evidence import DIFFERS, HOLDS, TOLD, UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.doctor.real.evidence import Evidence
    from pipeline.doctor.real.putting import RealReport

__all__ = ["as_json", "as_markdown", "as_text"]

_LEGEND: Final = (
    f"A claim **{HOLDS}** where enough was seen and nothing against it, **{DIFFERS}** where "
    f"something was, and is **{UNDECIDED}** where too little was; what was an open question is "
    f"**{TOLD}**. n is how many cases were looked at."
)


def as_json(report: RealReport) -> dict[str, Any]:
    """Return the report as one value: about, lacking, evidence."""
    return {
        "about": report.about,
        "lacking": report.lacking,
        "evidence": [one.facts for one in report.evidence],
    }


def as_text(report: RealReport) -> str:
    """Return the report as lines: each claim once, below it a line for each day."""
    lines = list(_head(report))
    claim = None
    for one in report.evidence:
        if one.claim != claim:
            claim = one.claim
            lines += ["", claim]
        lines.append(f"  {_day(one):<11} {one.verdict:<11}  n = {one.n:,}; {one.found}")
    return "\n".join(lines)


def as_markdown(report: RealReport) -> str:
    """Return the report as a page with one table."""
    lines = [f"# What the recording of {report.about['exchange']} is like", ""]
    lines += [f"- {line}" for line in _head(report)]
    lines += ["", _LEGEND, "", "| claim | day | verdict | n | evidence |", "|---|---|---|--:|---|"]
    for one in report.evidence:
        cells = one.claim, _day(one), f"**{one.verdict}**", f"{one.n:,}", one.found
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    listed = ", ".join(report.about["symbols_listed"]) or "none"
    lines += ["", f"Symbols that the service lists: {listed}."]
    for incident in report.about["incidents"]:
        lines += ["", f"Incident {incident['from']} to {incident['to']}: {incident['details']}"]
    return "\n".join(lines) + "\n"


def _head(report: RealReport) -> Iterator[str]:
    about = report.about
    yield (
        f"{about['exchange']} at {about['service']}, asked {about['run']} by coinflex-l2 "
        f"{about['release']}"
    )
    yield f"days {', '.join(about['days'])}; minutes {', '.join(about['minutes'])} UTC"
    yield (
        f"{about['lines']:,} lines, {about['books']:,} books of the full channel, "
        f"{about['symbols']:,} symbols; {about['minutes_lacking']:,} minutes lacking"
    )
    counts = Counter(one.verdict for one in report.evidence)
    yield ", ".join(f"{verdict}: {count}" for verdict, count in counts.most_common())


def _day(one: Evidence) -> str:
    return "the service" if one.day is None else one.day.isoformat()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
