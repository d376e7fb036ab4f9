"""Where a live recording fills the gaps of history, and whether it may: that both are of one feed.

    told.py       what a slice's lines tell, as far as it matters here
    deafness.py   where history's recorder was deaf, and what is cut from its minutes for that
    one_feed.py   whether both recordings say the same where both heard
    twice.py      trades that both have, a moment before or after a hole
    of_a_day.py   all minutes of a day through these

Clocks are 100 ns into a minute, UTC, each recorder's own.
"""

from pipeline.filling.of_a_day import Filling, filling_of
from pipeline.filling.one_feed import Conflict

__all__ = ["Conflict", "Filling", "filling_of"]
