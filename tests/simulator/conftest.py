from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulator.slices import MINUTES, write_slice

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(name="slices")
def _slices(tmp_path: Path) -> Path:
    for minute, messages in MINUTES.items():
        write_slice(tmp_path / "slices", minute, messages)
    return tmp_path / "slices"
