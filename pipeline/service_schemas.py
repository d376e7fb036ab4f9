"""What the columns mean of what Tardis says of an exchange, and of the runs that asked it."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.table import TIME, Column, Table

__all__ = ["INCIDENTS", "LISTINGS", "RUN_COLUMNS"]

LISTINGS: Final = Table(
    "listings",
    "one row per instrument that Tardis lists of the exchange, as it said it last",
    (
        Column("instrument", pl.String(), "", "As Tardis spells it in filters."),
        Column("type", pl.String(), "", "As Tardis says it: spot, perpetual, future, …"),
        Column("available_since", TIME, "arrival clock", "From when on Tardis lists it."),
        Column("available_to", TIME, "arrival clock", "Until when (exclusive); NULL: still."),
        Column("recorded_since", TIME, "arrival clock", "From when on it records the exchange."),
        Column("recorded_to", TIME, "arrival clock", "Until when (exclusive); NULL: still."),
    ),
)

INCIDENTS: Final = Table(
    "incidents",
    "one row per time in which Tardis says that its recording of the exchange is impaired, as it "
    "said it last",
    (
        Column("start", TIME, "arrival clock", "From when on."),
        Column("stop", TIME, "arrival clock", "Until when, exclusive."),
        Column("status", pl.String(), "", "As Tardis says it: resolved, …"),
        Column("details", pl.String(), "", "Tardis's own words."),
    ),
)

_N: Final = pl.Int64()
RUN_COLUMNS: Final = (
    Column("run", pl.String(), "", "When it began, and its process: the name of its file."),
    Column("command", pl.String(), "", "sync"),
    Column("release", pl.String(), "", "Of this program."),
    Column("process", _N, "", "Its number."),
    Column("started", TIME, "UTC", "When it began."),
    Column("ended", TIME, "UTC", "When it ended; NULL if that was not written."),
    Column("seconds", pl.Float64(), "seconds", "How long it took."),
    Column(
        "outcome",
        pl.String(),
        "",
        "done, lacking (minutes, or the service), failed, interrupted, cut_short (it was killed, "
        "or could not write its end), running.",
    ),
    Column("exit_code", pl.Int32(), "", "0, 1, 2, 3 or 130; NULL if it was cut short."),
    Column("error", pl.String(), "", "What it could not do, in a sentence."),
    Column("wanted_from", TIME, "arrival clock", "The first minute wanted."),
    Column("wanted_to", TIME, "arrival clock", "The last minute wanted that is over, exclusive."),
    Column("days_wanted", _N, "days", "Days wanted that can be had."),
    Column("days_complete_before", _N, "days", "Of these: nothing changed since they were whole."),
    Column("days_that_need_a_key", _N, "days", "Left out: only a key opens them."),
    Column("days_not_covered_by_key", _N, "days", "Left out: the key does not open them."),
    Column(
        "stopped_by", pl.String(), "", "time, requests or disk, if it stopped before all was done."
    ),
    Column("requests", _N, "requests", "Asked of Tardis for minutes, each attempt counted."),
    Column("minutes_fetched", _N, "minutes", "Slices that arrived."),
    Column("minutes_without_data", _N, "minutes", "Of these: empty."),
    Column(
        "minutes_asked_again", _N, "minutes", "Empty before, but fetched too soon to be believed."
    ),
    Column("minutes_lacking", _N, "minutes", "Did not arrive, of days that are over for long."),
    Column("minutes_pending", _N, "minutes", "Did not arrive, of days that have just ended."),
    Column("minutes_postponed", _N, "minutes", "Left for the next run."),
    Column("bytes_fetched", _N, "bytes", "That arrived."),
    Column("days_ingested", _N, "days", "Brought into the lake, or made anew."),
    Column("days_in_conflict", _N, "days", "Of which recordings contradict each other."),
    Column("days_being_recorded", _N, "days", "Left to the capture that records them."),
    Column("slices_corrupt", _N, "slices", "Files in raw that are no whole slices."),
    Column("derived_removed", _N, "", "Partitions of derived tables that went with their day."),
    Column("days_verified", _N, "days", "Held against raw after they were ingested."),
    Column("differences", _N, "", "What differed there; 0 as it should be."),
    Column("lines", _N, "lines", "Of the days that were ingested."),
    Column("lines_quarantined", _N, "lines", "Of these: could not be read."),
    Column("disconnects", _N, "", "Of the days that were ingested."),
    Column("days_lacking_raw", _N, "days", "Left as they are, since raw of them was dropped."),
    Column("slices_thinned", _N, "slices", "Of raw, from gzip to zstd."),
    Column("slices_dropped", _N, "slices", "Of raw, which Tardis could serve again."),
    Column("bytes_freed", _N, "bytes", "By both."),
    Column("runs_pruned", _N, "", "Reports of old runs that were removed."),
    Column("free_bytes", _N, "bytes", "Left on the disk at its end."),
    Column("days", pl.String(), "", "As JSON, by day: what became of it, if anything."),
    Column("lacking", pl.String(), "", "As JSON, by day: how many minutes lack, and why."),
    Column("phases", pl.String(), "", "As JSON, by phase: its seconds."),
)
