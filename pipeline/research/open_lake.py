"""All questions to one lake, in one object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.research.questions import Questions

if TYPE_CHECKING:
    from pipeline.plots import Plots

__all__ = ["OpenLake"]


class OpenLake(Questions):
    """The lake of one exchange, open for questions: `pipeline.open("data")`.

    Times that are given are text (ISO 8601), date, datetime, pandas.Timestamp or numpy.datetime64,
    UTC where they name no zone. Ranges are [start, end) on the arrival clock. Frames are Polars, or
    pandas or Arrow by `frame=`, their times zone-aware in UTC; unknown is NULL. What may be large
    comes in bounded pieces by `batch_rows=`: an iterator of frames of so many rows, the last one
    less, one at least. Pictures are drawn by `plot`.

    Cheap to make, and safe to use from several threads. A process that was forked opens its own.
    A question raises UsageError for what can't be asked, an unknown instrument too.
    """

    @property
    def version(self) -> str | None:
        """The version of the lake as it is now, to be cited; None if days are of older releases.

        As coinflex-5-0.1.0-3f2a0c5d7e91: exchange, schema, release, digest of what all rows say.
        """
        from pipeline.lake_version import lake_version  # noqa: PLC0415 - brings the catalogue

        return lake_version(self.data, self.exchange)

    @property
    def plot(self) -> Plots:
        """Pictures: `plot.book`, `plot.heatmap`, `plot.spread`, `plot.coverage`; see Plots."""
        from pipeline.plots import Plots  # noqa: PLC0415 - plots are drawn from this package

        return Plots(self)
