"""The replay: rows of `depth` → the best levels of the books that they stand for, in compiled code.

    book.py   a whole book as sorted arrays, and what a row does to it
    tops.py   rows in order → the top levels of each message that changed them, or of chosen ones

Arrays in, arrays out: what reads partitions for it is pipeline/snapshots. A book is replayed whole,
however few of its levels are asked for, since any level may come to be among the best.
"""

from pipeline.replay.book import ASKS, BIDS, Books, Lists, Rows
from pipeline.replay.tops import Tops, begin_at, changed_tops, chosen_tops

__all__ = [
    "ASKS",
    "BIDS",
    "Books",
    "Lists",
    "Rows",
    "Tops",
    "begin_at",
    "changed_tops",
    "chosen_tops",
]
