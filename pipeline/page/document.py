"""The page as a whole: what it is of, the way through it, and its sections one after another."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pipeline
from pipeline.errors import LakeDamaged, PipelineError, QueryRefused
from pipeline.page.book import book
from pipeline.page.calendar_section import calendar
from pipeline.page.disk import disk
from pipeline.page.gaps_section import gaps
from pipeline.page.liquidity import liquidity
from pipeline.page.markup import Markup, element, joined, name, text
from pipeline.page.numbers import figure
from pipeline.page.quality import quality
from pipeline.page.runs import runs
from pipeline.page.subject import Subject, subject_of
from pipeline.page.timing import timing
from pipeline.page.volumes import volumes

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.research import OpenLake

__all__ = ["Page", "page_of"]

log = logging.getLogger(__name__)

# Nothing is fetched, nothing runs: what the page shows is in it.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE: Final = Path(__file__).with_name("page.css")


class Section(NamedTuple):
    """A part of the page: its anchor, its title, and what makes it."""

    key: str
    title: str
    made: Callable[[Subject], Markup]


_SECTIONS: Final = (
    Section("coverage", "Coverage", calendar),
    Section("gaps-section", "Gaps", gaps),
    Section("volume", "Volumes", volumes),
    Section("times", "Cadence and latency", timing),
    Section("suspect", "What is suspect", quality),
    Section("disk-use", "Disk use", disk),
    Section("last-runs", "The last runs", runs),
    Section("heatmap", "Liquidity of a day", liquidity),
    Section("one-book", "A book", book),
)
_TOTALS: Final = (
    ("instruments", "Instruments", "count"),
    ("days", "Days", "count"),
    ("depth_messages", "Books", "count"),
    ("trades", "Trades", "count"),
    ("fetched", "Of their minutes fetched", "percent"),
    ("bytes", "Lake", "bytes"),
)


class Page(NamedTuple):
    """A page as text, and what could not be read of it, which stands in its place on the page."""

    html: str
    failed: list[PipelineError]


def page_of(
    lake: OpenLake,
    *,
    instrument: str | None = None,
    day: str | None = None,
    start: str | None = None,
    end: str | None = None,
    made: datetime | None = None,
) -> Page:
    """Return the page of a lake: of days that [start, end) touches, by default of all.

    `instrument` and `day` are what is looked into: by default the newest day that has books, and
    of its instruments the one with most. `made` is when the page is made, by default now.
    Raises UsageError for a range, an instrument or a day that the lake has not.
    """
    subject = subject_of(lake, instrument, day, start, end)
    failed: list[PipelineError] = []
    sections = [_section(subject, section, failed) for section in _SECTIONS]
    title = f"{lake.exchange}: order books in {lake.data.resolve().name}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", Markup(_STYLE.read_text(encoding="utf-8"))),
    )
    body = element(
        "body",
        element("a", "Skip to the report", href="#report", class_="skip"),
        _header(subject, made or datetime.now(UTC)),
        element("div", _nav(), element("main", sections, id="report", tabindex=-1), class_="page"),
        element(
            "footer",
            element(
                "p",
                "One file, without scripts; nothing is fetched. Times are UTC, ranges [from, to).",
            ),
        ),
    )
    return Page(f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n", failed)


def _section(subject: Subject, section: Section, failed: list[PipelineError]) -> Markup:
    """Return a section; of one that can't be read the page says why, and all others are there."""
    try:
        made = section.made(subject)
    except PipelineError as error:
        failed.append(_damage(subject, error))
        # The page may be passed on: where the folder lies is nobody's business.
        folder = subject.lake.data.resolve()
        words = str(error).replace(str(folder), folder.name)
        made = element("p", f"Could not be read: {words}", class_="failed", role="note")
    title = f"{section.key}-title"
    return element(
        "section", element("h2", section.title, id=title), made, subject.queries(),
        id=section.key, aria_labelledby=title,
    )  # fmt: skip


def _damage(subject: Subject, error: PipelineError) -> PipelineError:
    """Return what an error is: a query of the page's own is refused for what it reads."""
    if isinstance(error, QueryRefused):
        return LakeDamaged(subject.lake.data / "lake", error.words)
    return error


def _nav() -> Markup:
    links = [
        element("li", element("a", section.title, href=f"#{section.key}")) for section in _SECTIONS
    ]
    return element("nav", element("ol", links), aria_label="Sections")


def _header(subject: Subject, made: datetime) -> Markup:
    lake = subject.lake
    facts: list[tuple[str, str]] = [
        ("Data folder", name(lake.data.resolve().name)),
        ("Exchange", name(lake.exchange)),
        (
            "Days",
            joined(
                figure("first_day", subject.first if subject.chosen else None, "date"),
                " to ",
                figure("last_day", subject.last if subject.chosen else None, "date"),
            ),
        ),
    ]
    if subject.chosen is not None:
        facts.append(
            ("Looked into", joined(name(subject.chosen.instrument), f", {subject.chosen.day}"))
        )
    facts.append(("Made", text(f"{made:%Y-%m-%d %H:%M} UTC by coinflex-l2 {pipeline.__version__}")))
    if version := lake.version:
        facts.append(("Version of the lake", text(version)))
    return element(
        "header",
        element("h1", name(lake.exchange), " order books"),
        element(
            "dl",
            [element("div", element("dt", term), element("dd", said)) for term, said in facts],
            class_="facts",
        ),
        _totals(subject),
    )


def _totals(subject: Subject) -> Markup:
    values = subject.row(f"""
select
  count(distinct instrument), count(distinct date), sum(depth_messages), sum(trades),
  sum(minutes_fetched) / (1440 * count(*)), sum(bytes)
from coverage
where {subject.days}""")
    tiles = [
        element("div", element("dt", title), element("dd", figure(f"totals.{key}", value, form)))
        for (key, title, form), value in zip(_TOTALS, values, strict=True)
    ]
    return joined(element("dl", tiles, class_="totals"), subject.queries())
