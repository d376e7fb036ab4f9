"""What the lake of an exchange holds: a row per instrument and day, and what each day is made from.

One small file, replaced in one step and written last, so that status and planning never open
10,000 files, and a day counts as ingested only when all of its partitions are there. It is derived:
lost or damaged, it is made again by the next ingest.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import durable
from pipeline.errors import LakeEmpty, LakeForbidden, LakeOutdated
from pipeline.parquet import arrow_schema, to_arrow, writer_of
from pipeline.schemas import CATALOGUE, SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date
    from pathlib import Path

    from pipeline.lake import Lake

__all__ = ["Catalogue"]

log = logging.getLogger(__name__)


class Catalogue:
    """The catalogue as it stands; `rows` have the columns of CATALOGUE, `days` are by ISO date.

    `recorded` are the rows of days that have parts, which a recording writes beside it.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.rows = CATALOGUE.empty()
        self.days: dict[str, dict[str, Any]] = {}
        table = _read(lake.catalogue)
        self._is_foreign = table is not None and table.schema.remove_metadata() != arrow_schema(
            CATALOGUE
        )
        if table is not None and not self._is_foreign:
            frame = pl.from_arrow(table)
            assert isinstance(frame, pl.DataFrame)  # noqa: S101 - tells the type checker
            self.rows = frame
            self.days = json.loads((table.schema.metadata or {}).get(b"days", b"{}"))
        try:
            recorded_files = sorted(lake.recorded.glob("*.parquet"))
        except PermissionError as error:
            raise LakeForbidden(lake.recorded) from error
        found = [_read(path) for path in recorded_files]
        recorded = [pl.DataFrame(table) for table in found if table is not None]
        self.recorded = pl.concat([CATALOGUE.empty(), *recorded])

    @property
    def is_empty(self) -> bool:
        """Whether no day of the exchange was ever brought into the lake."""
        return not self.days and self.rows.is_empty() and self.recorded.is_empty()

    @property
    def instruments(self) -> frozenset[str]:
        """The names of all instruments that the lake has."""
        return frozenset(self.rows["instrument"]) | frozenset(self.recorded["instrument"])

    def check(self) -> None:
        """Raise LakeEmpty, or LakeOutdated where other versions wrote all days; warn of some."""
        data = self._lake.root.parent
        outdated = self.rows.filter(pl.col("schema_version") != SCHEMA_VERSION)
        if self._is_foreign or 0 < outdated.height == self.rows.height:
            raise LakeOutdated(data)
        if self.is_empty:
            raw = data / "raw" / self._lake.exchange
            has_raw = any(raw.glob("*/[0-9][0-9][0-9][0-9]"))
            raise LakeEmpty(data, self._lake.exchange, has_raw=has_raw)
        if days := outdated["date"].unique().sort().to_list():
            others = f"{len(days)} of its days ({days[0]} the first)"
            log.warning("%s", LakeOutdated(data, others))

    def source_of(self, day: date, instruments: Iterable[str] | None = None) -> set[str | None]:
        """Return the digests of the slices that a day, or some of its instruments, is made from."""
        whole = self.days.get(day.isoformat(), {}).get("source")
        of_day = self.rows.filter(pl.col("date") == day)
        if instruments is None:
            return {whole, *of_day["source"]}  # some may have been brought in alone since
        known: dict[str, str] = dict(of_day.select("instrument", "source").iter_rows())
        return {known.get(name, whole) for name in instruments}

    def replace(
        self,
        day: date,
        rows: pl.DataFrame,
        about: Mapping[str, Any],
        instruments: Collection[str] | None = None,
    ) -> None:
        """Put a day's rows (of some instruments, or all) in the place of earlier ones.

        `about` says what the whole day is made from, and digests what it has (`content`).
        """
        gone = pl.col("date") == day
        if instruments is None:
            self.days[day.isoformat()] = dict(about)
        else:
            gone &= pl.col("instrument").is_in(list(instruments))
            if (known := self.days.get(day.isoformat())) and "content" in about:
                known["content"] = about["content"]
        self.rows = pl.concat([self.rows.filter(~gone), rows]).sort("date", "instrument")

    def save(self) -> None:
        """Write the catalogue."""
        days = json.dumps(self.days, sort_keys=True)
        table = to_arrow(self.rows, CATALOGUE).replace_schema_metadata({"days": days})
        with (
            durable.replacing(self._lake.catalogue, self._lake.drafts) as draft,
            pa.OSFile(str(draft), mode="wb") as sink,
            writer_of(sink, table.schema, self.rows, compression="zstd") as writer,
        ):
            writer.write_table(table)


def _read(path: Path) -> pa.Table | None:
    """Return the file's table; None if there is none that can be read."""
    try:
        with pq.ParquetFile(path) as file:  # read_table would bring pandas, where there is one
            return file.read()
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise LakeForbidden(path) from error
    except (pa.ArrowException, OSError) as error:
        log.warning("%s is damaged (%s); the next ingest makes it again from raw", path, error)
        return None
