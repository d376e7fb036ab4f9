"""What the lines as they were sent say of the claims about their form, by era."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from pipeline.doctor.real.evidence import (
    DIFFERS,
    HOLDS,
    TOLD,
    UNDECIDED,
    Evidence,
    joined,
    judged,
    percent,
)
from pipeline.doctor.real.wire import NODE_FIRST, SECONDS_FIRST

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from pipeline.doctor.real.wire import Wire
    from pipeline.exchange_details import Symbol

__all__ = ["wire_claims"]

# Messages are known of 2020, of May 2022, and of October 2022 on; between them is not known.
_KNOWN_OLD: Final = date(2021, 1, 1)
_KNOWN_MIDDLE: Final = date(2022, 6, 1)
_KNOWN_NEW: Final = date(2022, 10, 1)
_BEYOND_A_DOUBLE: Final = len(str(2**53))


def wire_claims(wire: Wire, listed: list[Symbol]) -> Iterator[Evidence]:
    """Yield what a day's lines say; `listed` are the symbols that the service names of that day."""
    yield from _forms(wire)
    yield _sequence(wire)
    yield _numbers(wire)
    yield _checksum_given(wire)
    yield from _spelling(wire, listed)
    yield from _lines(wire)


def _forms(wire: Wire) -> Iterator[Evidence]:
    tables = wire.counts["table"]
    full = {name: tables[name] for name in ("futures/depth", "depth") if tables[name]}
    n = sum(full.values())
    other = sum(count for name, count in full.items() if name != "futures/depth")
    found = joined(tables)
    yield Evidence("The table of the whole book is named futures/depth", wire.day, found, n,
                   judged(other, n))  # fmt: skip
    first = wire.counts["first key"]
    claim = "A message begins with its data in 2020, with its table from 2022 on"
    expected = "data" if wire.day < _KNOWN_OLD else "table" if wire.day.year > 2021 else None  # noqa: PLR2004
    yield Evidence(claim, wire.day, joined(first), first.total(), _as_expected(first, expected))
    data = wire.counts["data"]
    found = f"{joined(data)}; instrument as {joined(wire.counts['name'])}"
    found += f"; timestamp as {joined(wire.counts['timestamp'])}"
    yield Evidence("data is a list of one object, or an object", wire.day, found, data.total(),
                   TOLD)  # fmt: skip


def _as_expected(counts: Counter[str], expected: str | None) -> str:
    """Return the verdict on forms of which one is expected; TOLD where none is."""
    if expected is None:
        return TOLD if counts else UNDECIDED
    return judged(counts.total() - counts[expected], counts.total())


def _sequence(wire: Wire) -> Evidence:
    counts = wire.counts["sequence"]
    claim = (
        f"seqNum is {SECONDS_FIRST} up to May 2022, {NODE_FIRST} from October 2022 on; the seconds "
        "are those of the engine's start"
    )
    expected = (
        SECONDS_FIRST if wire.day < _KNOWN_MIDDLE
        else NODE_FIRST if wire.day >= _KNOWN_NEW else None
    )  # fmt: skip
    return Evidence(claim, wire.day, joined(counts), counts.total(), _as_expected(counts, expected))


def _numbers(wire: Wire) -> Evidence:
    digits, forms = wire.counts["digits"], wire.counts["seqNum"]
    few = sum(count for length, count in digits.items() if int(length) < _BEYOND_A_DOUBLE)
    found = f"as {joined(forms)}; digits: {joined(digits)}"
    return Evidence("seqNum has at least 16 digits, more than a double may hold", wire.day, found,
                    digits.total(), judged(few + forms["absent"], forms.total()))  # fmt: skip


def _checksum_given(wire: Wire) -> Evidence:
    counts = wire.counts["checksum"]
    claim = "checksum is 0 in 2020, signed in May 2022, unsigned from October 2022 on"
    n = counts.total()
    if wire.day < _KNOWN_OLD:
        verdict = judged(n - counts["0"], n)
    elif wire.day >= _KNOWN_NEW:
        verdict = judged(counts["negative"] + counts["0"] + counts["absent"], n)
    elif wire.day.year == 2022 and wire.day < _KNOWN_MIDDLE:  # noqa: PLR2004 - its year
        verdict = judged(counts["above 2^31"] + counts["0"] + counts["absent"], n)
    else:
        verdict = TOLD if n else UNDECIDED
    return Evidence(claim, wire.day, joined(counts), n, verdict)


def _spelling(wire: Wire, listed: list[Symbol]) -> Iterator[Evidence]:
    names = {symbol.id for symbol in listed}
    there = wire.symbols.keys() - {"?"}
    unlisted = {name: wire.symbols[name] for name in there - names}
    folded = {name.casefold(): name for name in names}
    other_case = {name for name in unlisted if name.casefold() in folded}
    found = f"{len(there)} symbols in messages, {len(unlisted)} of them not listed"
    if unlisted:
        found += f": {joined(unlisted)}"
    if other_case:
        found += f"; listed in other case: {joined(sorted(other_case))}"
    yield Evidence("Messages spell symbols as the service's list does", wire.day, found, len(there),
                   judged(len(unlisted), len(there), 1))  # fmt: skip
    silent = sorted(names - there)
    found = f"{len(names)} listed on the day, {len(silent)} without a line"
    found += f": {joined(silent)}" if silent else ""
    yield Evidence("Each symbol that is listed of a day sends in the minutes looked at", wire.day,
                   found, len(names), judged(len(silent), len(names), 1))  # fmt: skip


def _lines(wire: Wire) -> Iterator[Evidence]:
    control = wire.counts["control"]
    found = f"{joined(control)}; {wire.disconnects:,} disconnects"
    yield Evidence("Acknowledgements and welcomes stand among the data", wire.day, found,
                   wire.lines, HOLDS if control else UNDECIDED)  # fmt: skip
    found = f"{wire.empty_minutes} of {wire.minutes} without a line"
    yield Evidence("No minute is empty: the feed is a heartbeat", wire.day, found, wire.minutes,
                   judged(wire.empty_minutes, wire.minutes, 1))  # fmt: skip
    found = f"{percent(wire.equal_stamps, wire.lines)} of {wire.lines:,}"
    verdict = HOLDS if wire.equal_stamps else judged(0, 0)
    yield Evidence("Lines share the microsecond of the line before: only their place is an order",
                   wire.day, found, wire.lines, verdict)  # fmt: skip
    side = wire.counts["side"]
    upper = sum(count for name, count in side.items() if name.isupper())
    yield Evidence("Sides are spelled in capitals", wire.day, joined(side), side.total(),
                   judged(side.total() - upper, side.total()))  # fmt: skip
    yield Evidence("Every line is JSON of a form that is known", wire.day,
                   f"{wire.unreadable:,} of {wire.lines:,} are not", wire.lines,
                   DIFFERS if wire.unreadable else judged(0, wire.lines))  # fmt: skip
