from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from pipeline.partition_writer import PartitionWriter
from pipeline.schemas import INGESTS

if TYPE_CHECKING:
    from pathlib import Path


def test_a_draft_that_was_removed_is_never_half_a_file(tmp_path: Path) -> None:
    """What comes after would stand in a file without its beginning."""
    row = dict.fromkeys(INGESTS.schema, None) | {"slice": "x"}
    rows = pl.DataFrame([row], schema=INGESTS.schema)
    draft = tmp_path / "draft"
    writer = PartitionWriter(INGESTS.name, draft, rows)
    writer.write(rows)
    draft.unlink()
    with pytest.raises(FileNotFoundError):
        writer.write(rows)
    assert not draft.exists()
