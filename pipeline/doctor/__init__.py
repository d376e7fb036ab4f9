"""Says what is wrong before a run finds out, and puts to real data what is only believed of them.

surroundings.py   Python, packages, machine code
disk.py           the data folder: can it be written, what its file system can do, how much room
state.py          locks, the lake, what killed runs left
service.py        settings in force, the key, addresses, the clock
checking.py       all of these, in order
"""

from pipeline.doctor.checking import check_all, raise_if_wrong
from pipeline.doctor.finding import NOTE, OK, WRONG, Finding

__all__ = ["NOTE", "OK", "WRONG", "Finding", "check_all", "raise_if_wrong"]
