"""The replay: rows of `depth` → the best levels of the books that they stand for, in compiled code.

    book.py      a whole book as sorted arrays, and what a row does to it
    tops.py      rows in order → the top levels of each message that changed them, or of chosen ones
    checking.py  rows in order → which of them say other than the book that the changes lead to

Arrays in, arrays out: what reads partitions for it is pipeline/snapshots. A book is replayed whole,
however few of its levels are asked for, since any level may come to be among the best.
"""

from pipeline.replay.book import ASKS, BIDS, Books, Lists, Rows
from pipeline.replay.checking import BEST, LEVELS, ORDER, WHOLE, Stated, wrong_rows
from pipeline.replay.tops import Tops, begin_at, changed_tops, chosen_tops

__all__ = [
    "ASKS",
    "BEST",
    "BIDS",
    "LEVELS",
    "ORDER",
    "WHOLE",
    "Books",
    "Lists",
    "Rows",
    "Stated",
    "Tops",
    "begin_at",
    "changed_tops",
    "chosen_tops",
    "wrong_rows",
]
