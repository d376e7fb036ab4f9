"""The lake: Parquet, one file per table, instrument and day, derived from raw and replaceable.

    lake/<table>/exchange=<id>/instrument=<name>/date=<YYYY-MM-DD>/data.parquet
                                        …/data-<NNN>.parquet         its parts while it is recorded
    lake/<table>/exchange=<id>/date=<YYYY-MM-DD>/data.parquet        quarantine, ingests, markets
    lake/rest_trades/exchange=<id>/instrument=<name>/date=<of the trades>/data-<fetched>.parquet
    lake/book_snapshot_…/exchange=<id>/…                              derived_tables.py
    lake/_catalogue/<exchange>.parquet                               what there is, with counts
    lake/_recorded/<exchange>/<YYYY-MM-DD>.parquet                   of a day that has parts
    lake/_manifests/<exchange>/<YYYY-MM-DD>.json                     manifest.py
    lake/_listed/<exchange>/listings.parquet, incidents.parquet      what Tardis said of it
    lake/_empty/…                                                    every table without a row
    lake/_drafts/…                                                   what is being written

Key columns stand in the path (percent-encoded, so that any name stays a name) and in the file's
metadata. A file is replaced in one step. The catalogue is written last: a day counts as ingested
when it says so, and a kill before that only means that the day is written again. What is derived
from a day goes before the day is written: there is never more of it than the day's depth says.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from pipeline import durable
from pipeline.channels import DEPTH_CHANNELS
from pipeline.derived_tables import DerivedTable
from pipeline.parquet import arrow_schema, to_arrow
from pipeline.schemas import (
    CATALOGUE,
    DEPTH,
    GAPS,
    INGESTS,
    MARKETS,
    QUARANTINE,
    REST_DEPTH,
    REST_TRADES,
    TICKERS,
    TRADE_GAPS,
    TRADES,
    Table,
)
from pipeline.service_schemas import INCIDENTS, LISTINGS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    import polars as pl

__all__ = ["FILED", "PARTITIONED", "Lake", "folder_name"]

# Table name → its columns. The other depth channels have the columns of `depth`.
PARTITIONED: Final[Mapping[str, Table]] = {
    **dict.fromkeys(DEPTH_CHANNELS, DEPTH),
    **{table.name: table for table in (TRADES, TICKERS, GAPS, TRADE_GAPS, QUARANTINE, INGESTS)},
    **{table.name: table for table in (MARKETS, REST_DEPTH, REST_TRADES)},
}
_OF_THE_EXCHANGE: Final = (QUARANTINE.name, INGESTS.name, MARKETS.name)
# Filed under the day of their rows, not of the slices that they were made from (filing.py).
FILED: Final = REST_TRADES.name
_OF_THE_DAY: Final = frozenset(PARTITIONED) - {FILED}

# data.parquet, and data-000.parquet; nothing else that may lie beside them.
_FILES: Final = "data[.-][p0-9]*t"

# A file name holds 255 bytes at most; `instrument=` and a digest must fit beside this.
_LONGEST_NAME: Final = 160
_KEPT_OF_A_LONG_NAME: Final = 100


def folder_name(instrument: str) -> str:
    """Return an instrument's name as its folder spells it: percent-encoded, bounded in length.

    A long name is cut and marked with `~` and a digest; `~` itself is always encoded, so no
    two names share a folder. `sql/macros/lake/folder_name.sql` says the same in SQL.
    """
    encoded = quote(instrument, safe="").replace("~", "%7E")
    if encoded.startswith("_"):  # __HIVE_DEFAULT_PARTITION__ is every engine's word for NULL
        encoded = f"%5F{encoded[1:]}"
    if len(encoded) <= _LONGEST_NAME:
        return encoded
    digest = hashlib.sha256(instrument.encode()).hexdigest()[:16]
    # No half of an escape may be left at the cut.
    return f"{encoded[:_KEPT_OF_A_LONG_NAME].replace('%', '_')}~{digest}"


class Lake:
    """The lake of one exchange below a data folder: where its files lie."""

    def __init__(self, data: Path, exchange: str) -> None:
        self.root = data / "lake"
        self.drafts = self.root / "_drafts" / exchange
        self.catalogue = self.root / "_catalogue" / f"{exchange}.parquet"
        self.recorded = self.root / "_recorded" / exchange
        self.exchange = exchange

    def partition(self, table: str, instrument: str | None, day: date) -> Path:
        """Return the file of a table, an instrument (None: the whole exchange) and a day."""
        folder = self.root / table / f"exchange={self.exchange}"
        if instrument is not None:
            folder /= f"instrument={folder_name(instrument)}"
        return folder / f"date={day.isoformat()}" / "data.parquet"

    def partitions_of(
        self,
        day: date,
        instruments: Iterable[str] | None = None,
        tables: Collection[str] = _OF_THE_DAY,
    ) -> set[Path]:
        """Return the files of a day: of all instruments and of the exchange, or of some.

        Trades that were fetched are not among them: see `filed_on`.
        """
        if instruments is not None:
            of_each = set(tables).difference(_OF_THE_EXCHANGE)
            paths = [self.partition(table, name, day) for name in instruments for table in of_each]
            return {path for of in paths for path in self.files_in(of.parent)}
        found: set[Path] = set()
        for table in tables:
            inner = "" if table in _OF_THE_EXCHANGE else "instrument=*/"
            pattern = f"{inner}date={day.isoformat()}/{_FILES}"
            found.update((self.root / table / f"exchange={self.exchange}").glob(pattern))
        return found

    def filed(self, instrument: str, day: date, fetched: date) -> Path:
        """Return the file of the trades of a day that were fetched on another, or the same."""
        return self.partition(FILED, instrument, day).with_name(f"data-{fetched:%Y%m%d}.parquet")

    def filed_on(self, fetched: date, instruments: Iterable[str] | None = None) -> set[Path]:
        """Return the files of trades that were fetched on a day, of whatever days they are."""
        folders = ["*"] if instruments is None else map(folder_name, instruments)
        root = self.root / FILED / f"exchange={self.exchange}"
        name = f"data-{fetched:%Y%m%d}.parquet"
        return {path for of in folders for path in root.glob(f"instrument={of}/date=*/{name}")}

    def files_in(self, folder: Path) -> list[Path]:
        """Return the files of a partition in order: one, or while its day is recorded its parts."""
        return sorted(folder.glob(_FILES))

    def put(self, draft: Path, path: Path) -> None:
        """Give a finished draft of a partition its real name, also where there are parts of it."""
        others = [other for other in self.files_in(path.parent) if other != path]
        if not others:
            durable.commit(draft, path)
            return
        folder = durable.new_draft(self.drafts)
        durable.commit(draft, folder / path.name)
        durable.put_folder(folder, path.parent)

    def bytes_of(self, day: date, instrument: str) -> int:
        """Return the size of an instrument's files of a day, as the folders say."""
        return sum(path.stat().st_size for path in self.partitions_of(day, [instrument]))

    @contextmanager
    def holding_day(self, day: date, patience: float = 0) -> Iterator[bool]:
        """Hold a day against others who would write it; False if somebody does so already.

        A recording holds the day that it brings into the lake for as long as it does; a process of
        a run that was killed ends within a moment, for which `patience` in seconds waits.
        """
        with durable.writing(self.recorded):
            self.recorded.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.recorded / f"{day.isoformat()}.lock", timeout=patience)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def live_drafts(self, day: date) -> Path:
        """Return where a recording writes what it brings in of a day, which it holds.

        Each day has its own: what a recording before this one still writes of another is its own.
        """
        return self.recorded / "drafts" / day.isoformat()

    def clear_live_drafts(self, day: date) -> None:
        """Remove what killed recordings left half written of days that nobody holds.

        And of `day`, which the caller holds.
        """
        durable.clear(self.live_drafts(day))
        for folder in (self.recorded / "drafts").glob("????-??-??"):
            with self.holding_day(date.fromisoformat(folder.name)) as is_left:
                if is_left:
                    durable.clear(folder)

    def say_recorded(self, day: date, rows: pl.DataFrame) -> None:
        """Say what there is of a day that is being recorded: its rows of the catalogue."""
        with durable.replacing(self._recorded_file(day), self.live_drafts(day)) as draft:
            pq.write_table(to_arrow(rows, CATALOGUE), draft)

    def forget_recorded(self, day: date) -> None:
        """Say that a day, which the caller holds, has no parts any more, nor any half written."""
        durable.clear(self.live_drafts(day))
        if self.is_in_parts(day):
            durable.remove(self._recorded_file(day))

    def days_in_parts(self) -> list[date]:
        """Return the days that are as a recording has left them, or leaves them, in order."""
        return sorted(date.fromisoformat(path.stem) for path in self.recorded.glob("*.parquet"))

    def is_in_parts(self, day: date) -> bool:
        """Say whether a day is as a recording has left it."""
        return self._recorded_file(day).exists()

    def _recorded_file(self, day: date) -> Path:
        return self.recorded / f"{day.isoformat()}.parquet"

    def manifest(self, day: date) -> Path:
        """Return the file that says what there is of a day, file by file."""
        return self.root / "_manifests" / self.exchange / f"{day.isoformat()}.json"

    def listed(self, table: Table) -> Path:
        """Return the file of what Tardis said of the exchange: LISTINGS or INCIDENTS."""
        return self.root / "_listed" / self.exchange / f"{table.name}.parquet"

    def derived_tables(self) -> list[DerivedTable]:
        """Return the derived tables that there are of the exchange: those that have a folder."""
        found = [DerivedTable.named(path.name) for path in self.root.glob("book_snapshot_*")]
        there = [one for one in found if one and self._derived_folder(one).is_dir()]
        return sorted(there, key=lambda one: one.name)

    def add_derived(self, table: DerivedTable) -> None:
        """Let there be a derived table, without a row if it is new."""
        with durable.writing(self.root):
            self._derived_folder(table).mkdir(parents=True, exist_ok=True)
        self.prepare()

    def remove_derived(self, day: date, instruments: Collection[str] | None = None) -> int:
        """Remove what is derived from a day's depth, of some instruments or all; return how much.

        That is the derived partitions of the day, and of the next one, whose first rows are
        compared with the day's last book. When this returns they are gone for good.
        """
        days = [day, day + timedelta(1)] if day < date.max else [day]
        tables = [table.name for table in self.derived_tables()]
        found = {path for one in days for path in self.partitions_of(one, instruments, tables)}
        for path in sorted(found):
            durable.remove(path)
        return len(found)

    def _derived_folder(self, table: DerivedTable) -> Path:
        return self.root / table.name / f"exchange={self.exchange}"

    def prepare(self, *, as_reader: bool = False) -> None:
        """Write what views need even when the lake is empty: every table without a row.

        Whoever reads may do so beside a run that writes, and touches nothing of it: it drafts
        apart, since runs clear what others left of theirs.
        """
        drafts = self.root / "_empty" / "_drafts" if as_reader else self.drafts
        derived = {table.name: table.table for table in self.derived_tables()}
        for name, table in {**PARTITIONED, **derived}.items():
            path = self.root / "_empty" / name / self._key_folders(name) / "data.parquet"
            _add_empty(path, table, drafts)
        if not (no_run := self.root / "_empty" / "runs.json").exists():
            with durable.adding(no_run, drafts) as draft:
                draft.touch()
        for table in (LISTINGS, INCIDENTS):
            _add_empty(self.listed(table), table, drafts)
        if not self.catalogue.exists():
            with durable.adding(self.catalogue, drafts) as draft:
                pq.write_table(arrow_schema(CATALOGUE).empty_table(), draft)

    def _key_folders(self, table: str) -> str:
        inner = "" if table in _OF_THE_EXCHANGE else "instrument=none/"
        return f"exchange={self.exchange}/{inner}date=1970-01-01"


def _has_schema(path: Path, table: Table) -> bool:
    try:
        return bool(pq.read_schema(path) == arrow_schema(table))
    except (pa.ArrowException, OSError):  # not there, or damaged
        return False


def _add_empty(path: Path, table: Table, drafts: Path) -> None:
    """Write a table without a row where there is none, or one with other columns."""
    if _has_schema(path, table):
        return
    put = durable.replacing if path.exists() else durable.adding
    with put(path, drafts) as draft:
        pq.write_table(arrow_schema(table).empty_table(), draft)
