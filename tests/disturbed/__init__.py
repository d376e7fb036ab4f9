"""The scheduled job in a world where machines and services do what they do.

playing.py      one round: nights of disturbances, then a quiet one, and what must be so in the end
nights.py       the kinds of nights
disk.py         a disk of its own that can be full or read-only
reading.py      a reader beside it, who never sees a wrong book
comparing.py    the lake against that of an undisturbed run, and reports against what is known

python -m tests.disturbed --rounds 100 --seed 1
"""
