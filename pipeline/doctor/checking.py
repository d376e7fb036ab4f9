"""All checks, in the order in which one would look: the machine, the folder, the services."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.doctor.disk import disk
from pipeline.doctor.finding import WRONG
from pipeline.doctor.service import clock_of, key_without_asking, services, settings_in_force
from pipeline.doctor.state import facts_of, state
from pipeline.doctor.surroundings import surroundings
from pipeline.errors import PipelineError, ServiceUnreachable, Unfit
from pipeline.redaction import Redaction
from pipeline.sources.event_loop import run_to_end

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.config import Settings
    from pipeline.doctor.finding import Finding

__all__ = ["check_all", "raise_if_wrong"]


def check_all(settings: Settings, *, offline: bool = False) -> Iterator[Finding]:
    """Yield what is found, check by check; no key is in any of it.

    With `offline` nobody is asked anything. A few small files are written in the data folder, or
    beside it if it is not there yet, and removed; nothing else is changed.
    """
    redaction = Redaction(settings.secrets)
    for finding in _all(settings, offline=offline):
        found, advice = redaction.text(finding.found), redaction.text(finding.advice)
        yield replace(finding, found=found, advice=advice)


def _all(settings: Settings, *, offline: bool) -> Iterator[Finding]:
    yield from surroundings()
    yield from settings_in_force(settings)
    facts = facts_of(settings.data, settings.exchange)
    yield from disk(settings.data, None if isinstance(facts, PipelineError) else facts)
    yield from state(settings.data, settings.exchange, facts)
    if offline:
        yield key_without_asking(settings)
        yield clock_of(None)
    else:
        yield from run_to_end(services(settings))


def raise_if_wrong(findings: Iterable[Finding]) -> None:
    """Raise Unfit for what is wrong here, or else ServiceUnreachable if Tardis gave no answer."""
    bad = [finding for finding in findings if finding.verdict == WRONG]
    here = [finding.name for finding in bad if not finding.unreachable]
    if here:
        raise Unfit(here)
    for finding in bad:
        raise ServiceUnreachable(finding.name, 1, finding.found)
