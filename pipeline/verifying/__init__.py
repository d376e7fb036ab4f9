"""The lake against raw: what of it is proved, and what is not.

files.py       slices and partitions against what was written down of them
remaking.py    days made again from raw, and what their rows say compared
counting.py    the lake against itself: counts
replaying.py   each row of depth against the book that the changes lead to
minutes.py     some minutes read by gzip and json alone, message by message; nothing of normalize/
comparing.py   every book of a lake against its line, for the demo
plain.py       books as dicts, as simple as can be, for both of these
choosing.py    which days and minutes are looked into
verify.py      all of it, in order
repairing.py   what is broken is fetched and made again
"""

from pipeline.verifying.findings import Check, Difference, VerifyReport
from pipeline.verifying.repairing import repair
from pipeline.verifying.verify import verify

__all__ = ["Check", "Difference", "VerifyReport", "repair", "verify"]
