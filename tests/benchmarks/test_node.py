from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.node import AbsentError, TardisDev

if TYPE_CHECKING:
    from pathlib import Path


def test_where_there_is_no_node_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than raised from somewhere: a row of a table, and a test that is skipped, show it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AbsentError, match=r"^Node\.js is not there$"):
        TardisDev.installed(tmp_path / "kept")


def test_where_npm_can_not_install_it_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is left that would look like a package the next time."""
    for name in ("node", "npm"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    kept = tmp_path / "kept"
    with pytest.raises(AbsentError, match=r"^npm did not install tardis-dev \d+\.\d+\.\d+$"):
        TardisDev.installed(kept)
    assert not list(kept.iterdir())
