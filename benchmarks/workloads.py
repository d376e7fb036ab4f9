"""What is read: each workload by its name, made if need be, as a folder of just some minutes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import order_flow
from benchmarks.data import MARKETS, make, make_order_flow
from benchmarks.slices import Slices, link

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["WORKLOADS", "prepared"]

_SAMPLE: Final = Path(__file__).parent.parent / "data" / "sample"

# Name → what it is. All contenders read those of the first three, the last is for this project's
# ingest alone: it checks what the form of 2020 does not have.
WORKLOADS: Final = {
    "generated": "100 levels a side, a message every 50 ms, wire form of 2020",
    "order_flow": "two recorded instruments, 100 and 50 levels a side, with trades, repeated",
    "thin": "2 levels a side, 1,200 messages a minute, wire form of 2020",
    "generated_2022": "100 levels a side, a message every 50 ms, wire form of 2022 with checksums",
}


def prepared(name: str, minutes: Collection[int], kept: Path, folder: Path) -> Slices:
    """Return some minutes of a workload in a folder of their own, linked to those that are kept."""
    if name == "order_flow":
        source = make_order_flow(kept, _SAMPLE, minutes)
        messages = order_flow.count(_SAMPLE, minutes)
    else:
        source = make(kept, MARKETS[name], minutes)
        messages = len(minutes) * MARKETS[name].messages_a_minute
    return Slices.of(link(source, minutes, folder), messages)
