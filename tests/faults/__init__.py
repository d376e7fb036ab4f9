"""Captures a misbehaving exchange, and holds the lake against what it really sent.

    python -m tests.faults --seed 0 --rounds 100

prints what was played. The suite runs each fault alone, and a short cut of the random schedules.

schedule.py    what is played: a market, and what goes wrong with it; as text, or from a seed
playing.py     plays one to a capture, step by step
received.py    the recording, held against the exchange's journal: connections, and marks between
model.py       what must be in the lake, by the simplest reading of what was received
comparing.py   the lake, held against that
limits.py      what the exchange counted of the client
running.py     all of it, for one schedule
shrinking.py   the smallest schedule that still fails
"""
