"""Tardis's own client for Node.js, the npm package tardis-dev: installed once, then run by scripts.

It is installed into a folder of kept data, so that nothing of it lies beside this project's code.
Where Node.js is not there, or npm can't install it, AbsentError says so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AbsentError", "TardisDev"]

_VERSION: Final = "13.35.3"

_PRELOADED: Final = Path(__file__).parent / "contenders" / "http_for_https.cjs"
_INSTALL_SECONDS: Final = 180
_RUN_SECONDS: Final = 900


class AbsentError(Exception):
    """There is no tardis-dev here; the text says what is lacking."""


@dataclass(frozen=True)
class TardisDev:
    """An installed tardis-dev."""

    node: str
    package: Path

    @classmethod
    def installed(cls, kept: Path) -> TardisDev:
        """Return it, installed into a folder of kept data if it is not there yet."""
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            raise AbsentError("Node.js is not there")
        folder = kept.resolve() / f"tardis-dev-{_VERSION}"
        package = folder / "node_modules" / "tardis-dev"
        if not package.exists():
            _install(npm, folder)
        if not package.exists():
            raise AbsentError(f"npm did not install tardis-dev {_VERSION}")
        return cls(node, package)

    def run(self, script: Path, task: Mapping[str, Any]) -> bytes:
        """Return what a script prints; it gets a task as JSON, with the package's folder in it."""
        # A proxy of the surroundings would be asked for loopback too.
        proxies = {"HTTP_PROXY", "SOCKS_PROXY"}
        done = subprocess.run(
            [self.node, "--require", str(_PRELOADED), str(script),
             json.dumps({"package": str(self.package), **task})],
            env={name: value for name, value in os.environ.items() if name not in proxies},
            capture_output=True, check=False, timeout=_RUN_SECONDS,
        )  # fmt: skip
        if done.returncode != 0:
            sys.stderr.write(done.stderr.decode(errors="replace"))
            done.check_returncode()
        return done.stdout


def _install(npm: str, folder: Path) -> None:
    """Let npm install the package into a folder; if it can't, there is no folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Under another name first: a folder with its real name is whole.
    with tempfile.TemporaryDirectory(dir=folder.parent) as draft:
        command = [npm, "install", "--prefix", draft, "--no-save", "--no-package-lock"]
        command += ["--ignore-scripts", "--no-audit", "--no-fund", f"tardis-dev@{_VERSION}"]
        # Or say soon that not.
        command += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=20000"]
        # Another process may have installed it meanwhile, and then the name is taken.
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(command, check=True, capture_output=True, timeout=_INSTALL_SECONDS)
            Path(draft).rename(folder)
            Path(draft).mkdir()  # for the one who clears it away
