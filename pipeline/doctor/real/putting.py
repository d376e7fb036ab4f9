"""All claims, put to a few minutes of some days; what comes of it as one report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pipeline
from pipeline.doctor.real.book_claims import book_claims
from pipeline.doctor.real.choice import choice_of
from pipeline.doctor.real.feed_claims import feed_claims
from pipeline.doctor.real.files import file_claims
from pipeline.doctor.real.filters import filter_claims
from pipeline.doctor.real.lake_claims import lake_claims
from pipeline.doctor.real.listed import OTHER_NAME, list_claims, listed_on
from pipeline.doctor.real.sampling import sampled
from pipeline.doctor.real.wire import read_wire
from pipeline.doctor.real.wire_claims import wire_claims
from pipeline.errors import MinutesLacking
from pipeline.redaction import Redaction
from pipeline.sources.event_loop import run_to_end
from pipeline.sources.tardis_http import Answer, NoAnswer, TardisHttp
from pipeline.views import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    import duckdb

    from pipeline.config import Settings
    from pipeline.doctor.real.evidence import Evidence
    from pipeline.doctor.real.sampling import Sample
    from pipeline.doctor.real.wire import Wire
    from pipeline.progress import Progress

__all__ = ["RealReport", "put_to_real"]


@dataclass(frozen=True)
class RealReport:
    """What was asked of whom, when, and the evidence: claim by claim, the days in order."""

    about: dict[str, Any]
    evidence: list[Evidence]
    lacking: dict[str, str]

    def raise_if_lacking(self) -> None:
        """Raise MinutesLacking if minutes that were asked for did not arrive."""
        if self.lacking:
            raise MinutesLacking(self.lacking)


def put_to_real(
    settings: Settings,
    days: Sequence[date] | None,
    minutes: Sequence[int],
    progress: Callable[[int], Progress],
) -> RealReport:
    """Fetch minutes (0 to 1439) of some days into the settings' data folder, and look at them.

    The folder is to be one for this alone. Without days it is those of `sampling.DAYS` that the
    service has. What the data say is said, whatever they are of. Raises as `sampled` does.
    """
    sample = sampled(settings, days, minutes, progress)
    wires = [read_wire(day, sample.paths(day)) for day in sample.minutes]
    evidence = run_to_end(_of_the_service(sample))
    with connect(sample.settings.data, sample.settings.exchange) as connection:
        for wire in wires:
            evidence += _of_a_day(sample, wire, connection)
    redaction = Redaction(settings.secrets)
    shown = [replace(one, found=redaction.text(one.found)) for one in _in_order(evidence)]
    return RealReport(_about(sample, wires), shown, sample.lacking)


def _of_a_day(sample: Sample, wire: Wire, connection: duckdb.DuckDBPyConnection) -> list[Evidence]:
    found = [*wire_claims(wire, listed_on(sample.details, wire.day)), *book_claims(wire)]
    found += lake_claims(connection, wire.day)
    found += feed_claims(connection, wire.day)
    return found + run_to_end(_of_other_ways(sample, wire.day))


async def _of_other_ways(sample: Sample, day: date) -> list[Evidence]:
    """Return what filters and files of a day say."""
    choice = choice_of(sample, day)
    if choice is None:
        return []
    settings = sample.settings
    async with TardisHttp(settings.tardis, settings.exchange) as http:
        found = [one async for one in filter_claims(http, sample, choice)]
        return found + [one async for one in file_claims(http, choice)]


async def _of_the_service(sample: Sample) -> list[Evidence]:
    """Return what the service's list says, of the exchange and of its other name."""
    settings, other, exists = sample.settings, None, False
    if settings.exchange != OTHER_NAME:
        async with TardisHttp(settings.tardis, OTHER_NAME) as http:
            try:
                details = await http.details()
                other, exists = f"it is there, since {details.available_since}", True
            except Answer as answer:
                other = str(answer)
            except NoAnswer:
                pass
    return list(list_claims(sample.details, other, exists=exists))


def _in_order(evidence: list[Evidence]) -> list[Evidence]:
    """Return the evidence claim by claim, in the order in which claims were first met."""
    claims = list(dict.fromkeys(one.claim for one in evidence))
    return sorted(evidence, key=lambda one: claims.index(one.claim))


def _about(sample: Sample, found: list[Wire]) -> dict[str, Any]:
    return {
        "run": f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}",
        "service": sample.settings.tardis.url,
        "exchange": sample.settings.exchange,
        "release": pipeline.__version__,
        "days": [day.isoformat() for day in sample.minutes],
        "minutes": sorted({
            f"{minute // 60:02}:{minute % 60:02}"
            for there in sample.minutes.values()
            for minute in there
        }),
        "minutes_lacking": len(sample.lacking),
        "lines": sum(wire.lines for wire in found),
        "books": sum(wire.books.total() for wire in found),
        "symbols": len({name for wire in found for name in wire.symbols}),
        "symbols_listed": [symbol.id for symbol in sample.details.available_symbols],
        "incidents": [
            {"from": one.start, "to": one.to, "status": one.status, "details": one.details}
            for one in sample.details.incident_reports
        ],
    }  # fmt: skip
