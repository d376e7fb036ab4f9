"""What the service's own list says of the exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.channels import CHANNELS
from pipeline.doctor.real.evidence import DIFFERS, HOLDS, TOLD, UNDECIDED, Evidence, joined
from pipeline.times import Range

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from pipeline.exchange_details import Details, Symbol

__all__ = ["OTHER_NAME", "list_claims", "listed_on"]

# What CoinFLEX US's documentation calls the recording of it.
OTHER_NAME: Final = "coinflexus"
_DOCUMENTED_START: Final = "2020-07-14"


def listed_on(details: Details, day: date) -> list[Symbol]:
    """Return the symbols that the list has of a day."""
    whole = Range.of_day(day)
    return [symbol for symbol in details.available_symbols if symbol.is_listed(*whole)]


def list_claims(details: Details, other: str | None, *, exists: bool) -> Iterator[Evidence]:
    """Yield what the list says; `other` is the answer to OTHER_NAME, None if it was not asked."""
    since = details.available_since
    yield _told(f"The recording begins on {_DOCUMENTED_START}", f"since {since}",
                HOLDS if since.startswith(_DOCUMENTED_START) else DIFFERS)  # fmt: skip
    yield _told("When the recording ends", f"to {details.available_to or 'now: it goes on'}", TOLD)
    wanted, there = set(CHANNELS.values()), set(details.available_channels)
    yield _told(f"The channels are {joined(CHANNELS.values())}", joined(sorted(there)),
                HOLDS if there == wanted else DIFFERS)  # fmt: skip
    kinds = [str(symbol.type) for symbol in details.available_symbols]
    counts = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
    yield _told("Which symbols there are", f"{len(kinds)}: {joined(counts)}", TOLD)
    incidents = [f"{one.start} to {one.to}" for one in details.incident_reports]
    yield _told("When the recording is known to be impaired",
                f"{len(incidents)} incidents: {joined(incidents)}", TOLD)  # fmt: skip
    verdict = UNDECIDED if other is None else DIFFERS if exists else HOLDS
    yield _told(f"There is no exchange {OTHER_NAME}", other or "not asked", verdict)


def _told(claim: str, found: str, verdict: str) -> Evidence:
    return Evidence(claim, None, found, 1, verdict)
