"""Each row of `depth` against the book that the changes lead to, replayed by compiled code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline.errors import LakeDamaged
from pipeline.replay import BEST, LEVELS, ORDER, WHOLE, Books, wrong_rows
from pipeline.snapshots import DayFile
from pipeline.times import DAY_US, day_start_us
from pipeline.verifying.findings import Check, Difference

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from numpy.typing import NDArray

    from pipeline.lake import Lake
    from pipeline.replay import Stated
    from pipeline.snapshots.day_file import Group

__all__ = ["check_books"]

_WORDS: Final = {
    ORDER: "is not in its place, or rests on no keyframe",
    WHOLE: "is a keyframe with another book than the changes lead to",
    LEVELS: "counts other levels than the changes lead to",
    BEST: "has another best bid or ask than the changes lead to",
}


def check_books(lake: Lake, of_days: Iterable[tuple[str, date]]) -> Check:
    """Replay the depth of instruments' days; hold each row against the book that stands then."""
    check = Check(
        "books",
        "each row of depth of these days rests on a keyframe before it, and the changes lead to "
        "the levels that it counts, to its best prices, and from each keyframe to the next one",
        "that book and changes are those of raw",
        unit="messages",
    )
    for instrument, day in of_days:
        try:
            wrong = _wrong_rows(lake, instrument, day)
        except LakeDamaged as error:
            check.differences.append(Difference(day, f"{instrument} {day}", error.reason))
            continue
        check.looked_at += len(wrong)
        at = np.flatnonzero(wrong)
        if len(at):
            what = "; ".join(
                f"{count:,} {'row' if count == 1 else 'rows'}: {words}"
                for flag, words in _WORDS.items()
                if (count := np.count_nonzero(wrong & flag))
            )
            where = f"{instrument} {day} message {at[0]}"
            check.differences.append(Difference(day, where, what))
    return check


def _wrong_rows(lake: Lake, instrument: str, day: date) -> NDArray[np.uint8]:
    """Return by row of a day's depth what is wrong with it, in flags; raises LakeDamaged.

    A day without a file has no row: that one is gone is told by what is known of the files.
    """
    found: list[NDArray[np.uint8]] = [np.zeros(0, np.uint8)]
    file = DayFile.open(lake, instrument, day_start_us(day) // DAY_US)
    if file is not None:
        with file:
            books, first = Books.of(0), 0
            for number in range(len(file)):
                group, stated = _read(file, number, str(day))
                books = books.with_room_for(group.room)
                wrong = np.zeros(len(group), np.uint8)
                # A group is read for itself: it may rest on no keyframe of the one before.
                wrong_rows(group.rows, stated, first, -1, books, wrong)
                first += len(group)
                found.append(wrong)
    return np.concatenate(found)


def _read(file: DayFile, number: int, name: str) -> tuple[Group, Stated]:
    """Return a group of rows, and what they say; raises LakeDamaged for columns of other kinds."""
    try:
        group = file.group(number, with_stated=True)
        return group, group.stated()
    except (KeyError, AttributeError, AssertionError, TypeError, ValueError) as error:
        raise LakeDamaged(name, f"its columns are not those of depth ({error})") from error
