from __future__ import annotations

import numpy as np
import pytest

from pipeline.plots.prices import rows_between, tick_of


@pytest.mark.parametrize(
    ("low", "high", "tick"),
    [(9.0, 11.0, 0.5), (-3.0, 2.0, 1.0), (1e-300, 1e300, 1e-9), (-1e300, 1e300, 1e-9)],
)
def test_rows_are_few_and_hold_both_ends(low: float, high: float, tick: float) -> None:
    """Also where no number holds how many ticks lie between two prices."""
    rows = rows_between(low, high, tick)
    assert 3 <= len(rows.edges) <= 330
    assert rows.edges[0] < low
    assert high < rows.edges[-1]
    _, inside = rows.of(np.array([low, high]))
    assert inside.all()


def test_rows_end_for_any_prices() -> None:
    """Those of a feed may be whatever a double can be."""
    large = float(np.finfo(np.float64).max)
    assert len(rows_between(-large, large, tick_of(np.array([-large, 1.0, large]))).edges) <= 330
