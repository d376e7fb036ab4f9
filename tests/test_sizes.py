"""How much a data folder takes is what its files take, month by month."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.config import RetentionSettings
from pipeline.retention import retain
from pipeline.sizes import sizes_of
from pipeline.sources.files import adopt
from tests.conftest import ROOT, clean_environment
from tests.lakes import EXCHANGE, ingest, minute_of, put
from tests.making import at

if TYPE_CHECKING:
    from pathlib import Path


def test_every_file_counts_once(tmp_path: Path) -> None:
    """Those of raw, thinned or not, and of each table, in their month; so says the command."""
    adopt(tmp_path, EXCHANGE, ROOT / "data" / "sample")
    retain(tmp_path, EXCHANGE, RetentionSettings("thin", 1), datetime(2020, 9, 1, tzinfo=UTC))
    september = datetime(2020, 9, 1, tzinfo=UTC)
    put(tmp_path, september, minute_of(at(0, 0, september)))
    ingest(tmp_path, EXCHANGE)
    found = sizes_of(tmp_path, EXCHANGE)
    expected: dict[tuple[str, str], list[int]] = {}
    for path in (tmp_path / "raw" / EXCHANGE).glob("[a-z]*/2020/**/*.*"):
        year, month = path.relative_to(tmp_path / "raw" / EXCHANGE).parts[1:3]
        key = f"{year}-{month}", "raw thinned" if path.suffix == ".zst" else "raw"
        expected.setdefault(key, []).append(path.stat().st_size)
    for path in (tmp_path / "lake").rglob("exchange=*/**/data.parquet"):
        table = path.relative_to(tmp_path / "lake").parts[0]
        if not table.startswith("_"):
            key = path.parent.name.removeprefix("date=")[:7], table
            expected.setdefault(key, []).append(path.stat().st_size)
    assert {(of.month, of.kind): (of.files, of.bytes) for of in found} == {
        key: (len(sizes), sum(sizes)) for key, sizes in expected.items()
    }
    assert {of.month for of in found} == {"2020-08", "2020-09"}
    assert {"raw", "raw thinned", "depth", "trades"} <= {of.kind for of in found}
    told = subprocess.run(
        [sys.executable, "-m", "pipeline", "status", "--sizes", "--json"],
        env=clean_environment(COINFLEX_L2_DATA=str(tmp_path)), cwd=ROOT,
        check=True, capture_output=True,
    )  # fmt: skip
    assert json.loads(told.stdout)["sizes"] == [of._asdict() for of in found]
