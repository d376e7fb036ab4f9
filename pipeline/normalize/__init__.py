"""Lines → rows. Pure: no network, no clock, no disk.

coinflex.py   one line's JSON → a typed message, every variant of the wire; or Refused
checksum.py   the exchange's CRC-32 over a book, and the verdict on it
coverage.py   which slice counts for a feed in a minute, and where the feed breaks
depth.py      messages of one feed → rows of `depth`: changes, keyframes, gaps
labels.py     Polars: steps, missed, epochs, validity
day.py        all lines of a day → frames of every table
"""
