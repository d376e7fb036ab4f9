"""Runs the benchmark as a user does, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT, clean_environment


def bench(*arguments: str) -> str:
    """Run the benchmark; coverage is not asked for, since what it starts is many processes."""
    environment = {k: v for k, v in clean_environment().items() if not k.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
