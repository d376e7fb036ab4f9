"""Whether a filter brings what it names: one minute once more, of one market alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline import durable
from pipeline.channels import FULL_DEPTH, canonical_channel
from pipeline.doctor.real.choice import names_in
from pipeline.doctor.real.evidence import DIFFERS, UNDECIDED, Evidence, judged
from pipeline.errors import SliceCorrupt
from pipeline.slices import Door
from pipeline.sources.tardis_http import Answer, NoAnswer, verdict

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import AsyncIterator

    from pipeline.doctor.real.choice import Choice
    from pipeline.doctor.real.sampling import Sample
    from pipeline.sources.tardis_http import TardisHttp

__all__ = ["filter_claims"]

_ALONE: Final = "A filter of one symbol brings messages of that symbol alone"
_ALL: Final = "A filter of one symbol brings all of its messages"


async def filter_claims(
    http: TardisHttp, sample: Sample, choice: Choice
) -> AsyncIterator[Evidence]:
    """Yield what the minute says when it is asked for by the name of its busiest market."""
    named = choice.instrument
    try:
        counts = await _filtered(http, sample, choice)
    except (Answer, NoAnswer, SliceCorrupt) as error:
        refused = isinstance(error, Answer) and not verdict(error, 0).retry
        found = f"{named}: {error}"
        yield Evidence(_ALONE, choice.day, found, 0, DIFFERS if refused else UNDECIDED)
        return
    n, own, wanted = counts.total(), counts[named], len(choice.books)
    found = f"{named}: {n:,} books, {n - own:,} of others"
    yield Evidence(_ALONE, choice.day, found, n, judged(n - own, n, 1))
    found = f"{named}: {own:,} by the filter, {wanted:,} without"
    yield Evidence(_ALL, choice.day, found, wanted, judged(own != wanted, wanted, 1))


async def _filtered(http: TardisHttp, sample: Sample, choice: Choice) -> Counter[str]:
    door = Door(sample.settings.data, sample.settings.exchange)
    asked = sample.plan.request.channels or ()
    channel = next(name for name in asked if canonical_channel(name) == FULL_DEPTH)
    filters = [{"channel": channel, "symbols": [choice.instrument]}]
    with durable.writing(door.drafts):
        draft = durable.new_draft(door.drafts)
    try:
        await http.fetch_minute(door.minute_at(choice.day, choice.minute), filters, draft)
        return names_in(draft)
    finally:
        draft.unlink(missing_ok=True)
