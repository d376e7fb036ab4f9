"""What the levels of some messages say: whole books or differences, their order, checksums."""

from __future__ import annotations

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
from pipeline.doctor.real.levels import CANDIDATES, PAIRS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.doctor.real.wire import Wire

__all__ = ["book_claims"]

_MOST_LEVELS: Final = 400
# Enough checksums that fit by one rule, and not by chance.
_FIT: Final = 10
_MAY_BE_BELOW_ZERO: Final = ("REPO", "SPR")


def book_claims(wire: Wire) -> Iterator[Evidence]:
    """Yield what a day's examined messages say."""
    yield _snapshots(wire)
    yield from _order(wire)
    yield from _elements(wire)
    yield from _checksums(wire)


def _snapshots(wire: Wire) -> Evidence:
    """Whole books repeat what stands, and say nothing of what is gone; differences do neither."""
    actions, seen = wire.counts["action"], wire.levels
    others = actions.total() - actions["none"] - actions["partial"]
    found = (
        f"action: {joined(actions)}; of the levels of {seen.messages:,} messages "
        f"{percent(seen.kept, seen.kept + seen.changed)} stood before as they are, "
        f"{seen.zero_amounts:,} have the amount 0; {seen.gone:,} went without a word"
    )
    followed = seen.kept + seen.changed + seen.gone
    bad = others + seen.zero_amounts
    if followed and not seen.kept and not seen.gone:
        bad += 1  # nothing is ever said twice
    return Evidence("Every message of the full channel is the whole book", wire.day, found,
                    actions.total(), judged(bad, actions.total()))  # fmt: skip


def _order(wire: Wire) -> Iterator[Evidence]:
    seen = wire.levels
    found = f"{seen.unsorted:,} sides unsorted, {seen.repeated:,} with a price twice"
    yield Evidence("Levels are best first, and a price is there once a side", wire.day, found,
                   seen.messages, judged(seen.unsorted + seen.repeated, seen.messages))  # fmt: skip
    below = seen.not_above_zero
    elsewhere = [name for name in below if not any(of in name for of in _MAY_BE_BELOW_ZERO)]
    claim = "Prices at or below zero are those of REPO and spread (SPR) markets"
    verdict = DIFFERS if elsewhere else HOLDS if below else UNDECIDED
    found = f"levels at or below zero: {joined(below)}"
    yield Evidence(claim, wire.day, found, seen.levels, verdict)


def _elements(wire: Wire) -> Iterator[Evidence]:
    seen = wire.levels
    found = f"messages with {joined(seen.forms)}; {seen.beyond_not_zero:,} levels not 0 there"
    yield Evidence("A level's third and fourth elements are 0, where there are any", wire.day,
                   found, seen.messages, judged(seen.beyond_not_zero, seen.messages))  # fmt: skip
    found = f"{seen.most:,} at most"
    yield Evidence(f"A side has {_MOST_LEVELS} levels at most", wire.day, found, seen.messages,
                   judged(seen.most > _MOST_LEVELS, seen.messages))  # fmt: skip


def _checksums(wire: Wire) -> Iterator[Evidence]:
    """Yield for each form of level that had checksums which rule they follow."""
    claim = "A checksum is the CRC-32 of asks and bids, each level as [price,quantity]"
    seen = wire.levels
    if not seen.checksums:
        yield Evidence(claim, wire.day, "none is given", 0, UNDECIDED)
    for form, n in sorted(seen.checksums.items()):
        fitting = {of: seen.fitting[form, of] for of in CANDIDATES if seen.fitting[form, of]}
        found = f"levels of {form}: {n:,} given; fit by: {joined(fitting)}"
        pairs = max(seen.fitting[form, PAIRS], seen.fitting[form, "pairs as sent"])
        if form == "no levels":
            verdict = TOLD  # two empty sides are the same by every rule
        elif pairs < n:
            verdict = DIFFERS if n >= _FIT or pairs else UNDECIDED
        else:
            verdict = HOLDS if n >= _FIT else UNDECIDED
        yield Evidence(claim, wire.day, found, n, verdict)
