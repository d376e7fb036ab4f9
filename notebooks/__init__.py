"""The notebooks, and what executes them: `python -m notebooks` makes their outputs anew.

executing.py   runs a notebook in a folder of its own, on the sample, with this Python
canonical.py   the form in which a notebook is kept: no times, no machine, nothing that varies
comparing.py   whether two runs of a notebook say and show the same
"""
