"""The other end of a job: `python -m benchmarks.child JSON` measures one contender, prints JSON."""

from __future__ import annotations

import importlib
import sys

import msgspec

from benchmarks.contenders import find
from benchmarks.job import Job, Measured, pin


def main() -> None:
    """Measure the contender that the one argument names."""
    job = msgspec.json.decode(sys.argv[1], type=Job)
    pin(job.cores)
    # Imported after that: some packages count the cores as they are imported.
    module = importlib.import_module(f"benchmarks.contenders.{find(job.contender).module}")
    measured: Measured = module.measure(job)
    print(msgspec.json.encode(measured).decode())


if __name__ == "__main__":
    main()
