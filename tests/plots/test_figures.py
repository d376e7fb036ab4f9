"""What pictures share: whose figures they are, and what they leave alone."""

from __future__ import annotations

import base64
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import nbformat
import pytest
from matplotlib.figure import Figure
from nbclient import NotebookClient

from tests.conftest import ROOT, clean_environment
from tests.worlds import END, NAMES, START

from .looking import artist

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from pipeline.research import OpenLake
    from tests.worlds import World


def _every(lake: OpenLake, given: Sequence[Axes | None] = (None,) * 4) -> list[Axes]:
    """Return one picture of each kind."""
    return [
        lake.plot.book(NAMES[0], "2020-08-01T23:58:30", axes=given[0]),
        lake.plot.heatmap(NAMES[0], START, END, axes=given[1]),
        lake.plot.spread(NAMES[0], START, END, axes=given[2]),
        lake.plot.coverage(axes=given[3]),
    ]


def test_nothing_global_changes(lake: OpenLake, world: World) -> None:
    """No setting of matplotlib; outside a notebook pyplot is not even imported."""
    before = dict(mpl.rcParams)
    assert len(_every(lake)) == 4
    assert dict(mpl.rcParams) == before
    script = (
        "import sys, pipeline; lake = pipeline.open(sys.argv[1]); lake.plot; "
        "assert 'matplotlib' not in sys.modules; lake.plot.coverage(); "
        "assert 'matplotlib' in sys.modules; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(world.data)], cwd=ROOT, check=True, capture_output=True,
        env=clean_environment(),
    )  # fmt: skip


def test_settings_of_the_caller_hold(lake: OpenLake) -> None:
    """Who works on a dark ground gets pictures on one."""
    with mpl.rc_context({"axes.facecolor": "black", "text.color": "white"}):
        axes = lake.plot.spread(NAMES[0], START, END)
    assert axes.get_facecolor() == (0, 0, 0, 1)


def test_axes_that_are_given_are_drawn_on(lake: OpenLake) -> None:
    """Those of a part of a figure too; nothing else of it is touched."""
    figure = Figure(figsize=(16, 12), layout="constrained")
    parts: Any = figure.subfigures(1, 2)
    left, right = parts
    others = left.subplots(4, 1)
    given = right.subplots(4, 1)
    assert _every(lake, given) == list(given)
    figure.draw_without_rendering()
    assert left.axes == list(others)
    assert not any(axes.lines or axes.collections for axes in others)


def test_threads_draw_at_once(lake: OpenLake) -> None:
    """Each its own picture, of the same things."""
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda _: _every(lake), range(3)))
    lines = [artist(pictures[2], "average by time").get_data() for pictures in found]
    assert len({values.tobytes() + edges.tobytes() for values, edges, _ in lines}) == 1
    assert len({id(axes.figure) for pictures in found for axes in pictures}) == 12


@pytest.fixture(scope="module")
def outputs(world: World) -> list[list[Any]]:
    """Run a notebook; return what each cell gave."""
    cells = [
        f"import pipeline\nlake = pipeline.open({str(world.data)!r})\nname = {NAMES[0]!r}",
        "lake.plot.book(name, '2020-08-01T23:58:30')",
        "axes = lake.plot.spread(name, '2020-08-01', '2020-08-02')\naxes.set_title('mine')",
        "import matplotlib.pyplot as plt\nplt.get_fignums()",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    where = {"metadata": {"path": str(ROOT)}}
    NotebookClient(book, timeout=120, kernel_name="python3", resources=where).execute()
    return [cell.outputs for cell in book.cells]


def test_a_cell_of_a_notebook_shows_its_picture(outputs: list[list[Any]]) -> None:
    """Whether the axes are its last expression or not; once, and pyplot lets go of it."""
    _, book, spread, figures = outputs
    for shown in (book, spread):
        pictures = [one["data"]["image/png"] for one in shown if "image/png" in one.get("data", {})]
        assert len(pictures) == 1
        assert base64.b64decode(pictures[0]).startswith(b"\x89PNG")
    assert [one["data"]["text/plain"] for one in figures] == ["[]"]
