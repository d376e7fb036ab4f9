"""An installation compiles all that a question calls."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT, clean_environment

_ASK = """
import tempfile
from pathlib import Path
import numpy as np
from pipeline.replay import begin_at, changed_tops, chosen_tops
from pipeline.snapshots import at_times, compile_replay, on_change
from tests.snapshots.histories import FIRST_DAY, MIDNIGHT, NAME, Day, Message, write

compile_replay()
with tempfile.TemporaryDirectory() as folder:
    lake = write(Path(folder), [Day(FIRST_DAY, [Message(5, {1.0: 1.0}), Message(6, None)])])
    found = [s for n in (0, 6) for s in on_change(lake, NAME, MIDNIGHT + n, MIDNIGHT + 9, 5)]
    found += at_times(lake, NAME, np.array([MIDNIGHT, MIDNIGHT + 5]))
print(len(found), *(len(function.signatures) for function in (begin_at, changed_tops, chosen_tops)))
"""


def test_a_question_compiles_nothing_that_an_installation_has() -> None:
    """`make install` leaves nothing to the first question: the types of all arrays are the same."""
    done = subprocess.run(
        [sys.executable, "-c", _ASK], cwd=ROOT, check=True, capture_output=True, text=True,
        env=clean_environment(PYTHONPATH=str(ROOT)),
    )  # fmt: skip
    assert done.stdout.split() == ["3", "1", "1", "1"]
