"""Captures made markets over simulated days, and holds the lake against itself and what was sent.

    python -m tests.soak --days 5 --seed 1 --from 2024-02-27

prints what there was. A clock that goes some thousand times as fast as others is what a capture is
given, in a process of its own that is killed now and then; the exchange's time is the same. So
midnights, a month's end and what follows them come by in minutes. The suite runs one night of it.

clock.py       time, fast
market.py      a made market that lives by it
plan.py        what happens when: kills, restarts, faults, nights on which days stay in parts
recording.py   the capture's process, which says what it holds
playing.py     carries a plan out
reading.py     asks the lake all the while, and holds each answer against those before
holding.py     what the process held, from day to day
sending.py     what came into the lake, held against what was sent
running.py     all of it, for one plan
"""
