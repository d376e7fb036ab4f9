"""Lines → rows. Pure: no network, no clock, no disk.

A part of a day, which knows nothing of the parts before it:

scan/            bytes → columns, compiled; takes only what it knows for certain
coinflex.py      one line's JSON → a typed message, every variant of the wire; or Refused
checksum.py      the exchange's CRC-32 over a book, and the verdict on it
columns.py       rows as columns, with lists
coverage.py      which slice counts for a feed in a minute, and where the feed breaks
standing.py      the books that stand, and what each message changed
trades.py        what the scan or the decoder found → rows of trades → `trades`
part.py          all feeds of a part, and what was found
slice_reader.py  one slice's lines → the part

Parts put together, in order:

depth.py         messages of one feed → rows of `depth`, in groups; gaps
trade_gaps.py    where trades of an instrument may be lacking
labels.py        Polars: steps, missed, epochs, validity
day.py           all parts of a day → frames of every table
"""
