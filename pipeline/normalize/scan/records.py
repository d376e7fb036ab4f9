"""The scan's records: a line, a message, a feed; and what their fields say by number."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np

__all__ = [
    "BOOK",
    "BROKEN",
    "DEPTH",
    "DIFFERENCE",
    "DISCONNECT",
    "FEED",
    "FIRST",
    "LINE",
    "MESSAGE",
    "OTHER",
    "TRADE",
    "UNAPPLIED",
    "Record",
]

Record: TypeAlias = Any  # numba knows its fields; no type does

# Kinds of lines; other ones are the general decoder's.
OTHER, DISCONNECT, DEPTH, TRADE = range(4)

# What a message is to the book; only the general decoder finds others than books.
BOOK, DIFFERENCE, UNAPPLIED = range(3)
# Why a feed's next book is stored against nothing: nothing is known before it, or it was broken.
FIRST, BROKEN = 1, 2

# One line. Spans are [name, name_end) and so on, places in the text. Records are used again: a
# field whose key is not among `seen` holds what an earlier line left.
LINE: Final = np.dtype(
    [
        ("start", np.int64), ("end", np.int64),          # without its LF
        ("time", np.int64),                              # of arrival, 100 ns into the minute, or -1
        ("timestamp", np.int64), ("seq_num", np.int64),  # milliseconds; see `seen`
        ("checksum", np.int64),                          # 0: not given
        ("asks", np.int64), ("asks_end", np.int64), ("bids", np.int64), ("bids_end", np.int64),
        ("price", np.float64), ("amount", np.float64), ("sell", np.bool_),
        ("id", np.int64), ("id_end", np.int64), ("name", np.int64), ("name_end", np.int64),
        ("feed", np.int64),                              # its number in Names
        ("kind", np.uint8), ("table", np.uint8),
        ("seen", np.int64),                              # a bit for each word of _KEYS it has
    ],
    align=True,
)  # fmt: skip

# A message's row. Names are those of the columns of `depth`, where there is one. Where has_… is
# false, the field means nothing. Wide fields first, so that none lies beside a gap: rows are moved
# often.
MESSAGE: Final = np.dtype(
    [
        ("arrival", np.int64), ("local_timestamp", np.int64),      # place in the day; microseconds
        ("timestamp", np.int64), ("seq_num", np.int64),            # microseconds; see has_…
        ("checksum", np.int64),                                    # 0: not given
        ("bid_price", np.float64), ("bid_amount", np.float64),     # where the side has a level
        ("ask_price", np.float64), ("ask_amount", np.float64),
        # Not the scan's to say, but of whoever puts parts of a day together (depth.py).
        ("broken_from", np.int64),
        ("bid_levels", np.int32), ("ask_levels", np.int32),
        ("bid_changes", np.int32), ("ask_changes", np.int32),      # how many in Output are its own
        ("feed", np.int32), ("item", np.int32), ("line", np.int32),
        ("action", np.int32), ("rank", np.int16),                  # action: of Part.actions
        ("has_timestamp", np.bool_), ("has_seq_num", np.bool_),
        ("checksum_status", np.uint8), ("kind", np.uint8),         # of STATUSES; BOOK and so on
        ("reset", np.uint8),                                       # 0, FIRST or BROKEN
        ("irregular", np.bool_),
        ("keyframe", np.bool_),                                    # the whole book is in Output too
        ("after_gap", np.bool_),                                   # as broken_from
    ],
    align=True,
)  # fmt: skip

# Where a feed's book stands. There is room for two, the standing and the next, that take turns.
FEED: Final = np.dtype(
    [
        ("levels", np.int64), ("texts", np.int64),                 # places in the pool
        ("room", np.int64),                                        # bytes of text a side may have
        ("turn", np.int64),                                        # which of the two stands
        ("asks", np.int64), ("bids", np.int64),                    # levels
        ("asks_text", np.int64), ("bids_text", np.int64),          # bytes
        ("form", np.int64),                                        # 2 or 4; 0: there is no text
        ("reset", np.int64),                                       # of its next book: as in MESSAGE
        ("since", np.int64),                                       # messages since a keyframe
    ],
    align=True,
)  # fmt: skip
