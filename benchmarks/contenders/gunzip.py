"""gunzip alone: the floor under everybody. Decompresses and counts bytes and line ends, no more.

Once with isal, the fastest gunzip for Python and the one that this project uses, and once with the
gzip module of Python's own library, which tardis-client uses.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from isal import igzip

from benchmarks.job import Counted, Job, Measured, timed

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["measure"]


def measure(job: Job) -> Measured:
    """Gunzip all slices."""
    gunzip = igzip.decompress if job.contender == "gunzip_isal" else gzip.decompress
    return timed(job, lambda: _count(job, gunzip))


def _count(job: Job, gunzip: Callable[[bytes], bytes]) -> Counted:
    lines = size = 0
    for path in job.files:
        content = gunzip(path.read_bytes())
        size += len(content)
        lines += content.count(b"\n")
    return Counted(lines, raw_bytes=size)
