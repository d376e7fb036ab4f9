"""The sample in a lake, and a copy that a test may damage."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from pipeline.sources.files import adopt
from tests.conftest import ROOT
from tests.lakes import ingest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def sample_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with the sample in its lake."""
    data = tmp_path_factory.mktemp("sample")
    adopt(data, "coinflex", ROOT / "data" / "sample")
    ingest(data, "coinflex")
    return data


@pytest.fixture
def own_lake(sample_lake: Path, tmp_path: Path) -> Path:
    """Return a copy of it."""
    shutil.copytree(sample_lake / "lake", tmp_path / "data" / "lake")
    return tmp_path / "data"
