"""A lake that a test may damage."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def own_lake(sample_lake: Path, tmp_path: Path) -> Path:
    """Return a copy of the sample's lake, and of what makes `connect` four times as quick."""
    for folder in ("lake", ".objects"):
        shutil.copytree(sample_lake / folder, tmp_path / "data" / folder)
    return tmp_path / "data"
