"""Puts to real messages what is only inferred of the recordings, claim by claim.

sampling.py      a few minutes of some free days → a folder for this alone, ingested
wire.py          their lines as they were sent; levels.py: the levels of some
wire_claims.py   what follows from these; book_claims.py: from levels and checksums
lake_claims.py   what SQL says of the same minutes; feed_claims.py: of trades and arrivals
listed.py        what the service says of the exchange
filters.py       whether a filter brings what it names
files.py         CSV files against the messages that they are made of
report.py        all of it as a table
"""

from pipeline.doctor.real.evidence import DIFFERS, HOLDS, TOLD, UNDECIDED, Evidence
from pipeline.doctor.real.putting import RealReport, put_to_real
from pipeline.doctor.real.report import as_json, as_markdown, as_text
from pipeline.doctor.real.sampling import chosen_minutes, parse_days, parse_times_of_day

__all__ = [
    "DIFFERS",
    "HOLDS",
    "TOLD",
    "UNDECIDED",
    "Evidence",
    "RealReport",
    "as_json",
    "as_markdown",
    "as_text",
    "chosen_minutes",
    "parse_days",
    "parse_times_of_day",
    "put_to_real",
]
