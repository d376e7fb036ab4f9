"""Tardis's own client for Node.js, the npm package tardis-dev, replaying from its own cache.

`replayNormalized` decodes every line and makes objects of books and trades; with
`computeBookSnapshots` it also keeps a book, and gives the best 25 levels whenever they changed.
Nothing is stored. It is installed once, into the folder of kept data, and gets its slices from the
loopback Tardis before anything is timed. Where Node.js is not there, its rows say so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.job import EXCHANGE, Counted, Job, Measured
from benchmarks.slices import span
from pipeline.simulator.tardis import TardisSimulator
from pipeline.slice_file import read_lines

__all__ = ["measure"]

_VERSION: Final = "13.35.3"

_HERE: Final = Path(__file__).parent
_INSTALL_SECONDS: Final = 180
_RUN_SECONDS: Final = 900


def measure(job: Job) -> Measured:
    """Replay in a Node.js process; if there is none, or no package, say which."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return Measured(absent="Node.js is not there")
    package = _installed(npm, Path(job.kept))
    if package is None:
        return Measured(absent=f"npm did not install tardis-dev {_VERSION}")
    with TardisSimulator(Path(job.slices)).running() as url:
        found = _run(node, _task(job, package, f"{url}/v1"))
    assert found["same"], f"two runs of {job.contender} differ"
    return Measured(found["seconds"], found["cpu"], Counted(found["messages"]), found["peak"])


def _task(job: Job, package: Path, endpoint: str) -> dict[str, Any]:
    start, end = span(job.files)
    lines = sum(bool(line) for path in job.files for line in read_lines(path))
    return {
        "package": str(package),
        "endpoint": endpoint,
        "cache": str(Path(job.scratch) / "tardis-dev"),
        "exchange": EXCHANGE,
        "from": start,
        "to": end,
        "messages": lines,
        "snapshots": job.contender == "tardis_dev_snapshots",
        "runs": job.limits.runs,
        "seconds": job.limits.seconds,
    }


def _run(node: str, task: dict[str, Any]) -> dict[str, Any]:
    command = [node, "--require", str(_HERE / "http_for_https.cjs"), str(_HERE / "tardis_dev.cjs")]
    # A proxy of the surroundings would be asked for loopback too.
    proxies = {"HTTP_PROXY", "SOCKS_PROXY"}
    environment = {name: value for name, value in os.environ.items() if name not in proxies}
    done = subprocess.run(
        [*command, json.dumps(task)],
        env=environment, stdout=subprocess.PIPE, check=True, timeout=_RUN_SECONDS,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _installed(npm: str, kept: Path) -> Path | None:
    """Return the package's folder, installed by npm if it is not there yet; None if it can't be."""
    folder = kept / f"tardis-dev-{_VERSION}"
    package = folder / "node_modules" / "tardis-dev"
    if package.exists():
        return package
    kept.mkdir(parents=True, exist_ok=True)
    # Under another name first: a folder with its real name is whole.
    with tempfile.TemporaryDirectory(dir=kept) as draft:
        command = [npm, "install", "--prefix", draft, "--no-save", "--no-package-lock"]
        command += ["--ignore-scripts", "--no-audit", "--no-fund", f"tardis-dev@{_VERSION}"]
        command += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]  # or say soon that not
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_INSTALL_SECONDS)
            Path(draft).rename(folder)
            Path(draft).mkdir()  # for the one who clears it away
        except (OSError, subprocess.SubprocessError):
            return None
    return package if package.exists() else None
