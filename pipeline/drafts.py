"""What is half written, of raw and of the lake, when a run is killed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline import durable
from pipeline.lake import Lake
from pipeline.slices import Door

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SCRATCH", "clear_drafts"]

# How the folders begin in which days are made again only to be compared.
SCRATCH: Final = ".verify-"


def clear_drafts(data: Path, exchange: str) -> None:
    """Remove what killed runs left half written. The caller holds the lock."""
    durable.clear(Door(data, exchange).drafts)
    durable.clear(Lake(data, exchange).drafts)
    for folder in data.glob(f"{SCRATCH}*"):
        durable.clear(folder)
