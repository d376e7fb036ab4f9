"""Whether two runs of a notebook say and show the same.

Texts are compared to the letter. Pictures are compared by what is seen, since their bytes depend on
the versions of libraries that draw letters and compress.
"""

from __future__ import annotations

import difflib
from base64 import b64decode
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib import image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbformat import NotebookNode
    from numpy.typing import NDArray

__all__ = ["differences", "with_kept_pictures"]

_PICTURE: Final = "image/png"

# Pictures are alike if no square of so many points a side differs by more, on average, of 255. A
# title drawn a point further right makes some 20, a curve that runs elsewhere 50.
_SQUARE: Final = 8
_MOST: Final = 36.0


def differences(kept: NotebookNode, new: NotebookNode) -> str:
    """Return in lines how the outputs of a run differ from those that are kept; empty: not."""
    before, after = list(_lines(kept)), list(_lines(new))
    changed = difflib.unified_diff(before, after, "committed", "executed now", lineterm="", n=4)
    return "\n".join([*changed, *_other_pictures(kept, new)])


def with_kept_pictures(kept: NotebookNode, new: NotebookNode) -> NotebookNode:
    """Put pictures that are kept and look the same in place of new ones; returns the new run."""
    for (_, old), (_, output) in zip(_pictures(kept), _pictures(new), strict=False):
        if _distance(old.data[_PICTURE], output.data[_PICTURE]) <= _MOST:
            output.data[_PICTURE] = old.data[_PICTURE]
    return new


def _lines(notebook: NotebookNode) -> Iterator[str]:
    """Yield what a notebook's cells put out, as lines of text."""
    for number, cell in enumerate(notebook.cells):
        first = cell.source.partition("\n")[0]
        yield f"--- cell {number} ({cell.id}): {first}"
        for output in cell.get("outputs", []):
            yield from _lines_of(output)


def _lines_of(output: Any) -> Iterator[str]:  # noqa: ANN401 - of any kind
    yield f"[{output.output_type}]"
    if output.output_type == "stream":
        yield from f"{output.name}: {output.text}".splitlines()
    elif output.output_type == "error":
        yield f"{output.ename}: {output.evalue}"
    for kind, content in sorted(output.get("data", {}).items()):
        shown = _size(content) if kind == _PICTURE else str(content)
        yield from f"{kind}: {shown}".splitlines()


def _size(picture: str) -> str:
    height, width = _points(picture).shape[:2]
    return f"{width} x {height}"


def _other_pictures(kept: NotebookNode, new: NotebookNode) -> Iterator[str]:
    """Yield a line per picture that looks other than the one in its place, of the same size."""
    for (cell, old), (_, output) in zip(_pictures(kept), _pictures(new), strict=False):
        distance = _distance(old.data[_PICTURE], output.data[_PICTURE])
        if _MOST < distance < np.inf:  # another size is a line of text already
            yield f"the picture of cell {cell} looks different: by {distance:.1f} of 255"


def _pictures(notebook: NotebookNode) -> Iterator[tuple[str, Any]]:
    """Yield each output with a picture, with its cell's id."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if _PICTURE in output.get("data", {}):
                yield cell.id, output


def _distance(one: str, other: str) -> float:
    """Return how far apart two pictures are, of 255; infinite where their sizes differ."""
    first, second = _points(one), _points(other)
    if first.shape != second.shape:
        return float("inf")
    return float(255 * abs(_in_squares(first) - _in_squares(second)).max())


def _points(picture: str) -> NDArray[np.float64]:
    """Return a picture as (height, width, 3), from 0 to 1."""
    found = image.imread(BytesIO(b64decode(picture)), format="png")
    return np.asarray(found[..., :3], np.float64)


def _in_squares(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the averages of squares; those at the edges have white beside the picture."""
    height, width, colours = points.shape
    edges = ((0, -height % _SQUARE), (0, -width % _SQUARE), (0, 0))
    whole = np.pad(points, edges, constant_values=1)
    squares = whole.reshape(-(-height // _SQUARE), _SQUARE, -(-width // _SQUARE), _SQUARE, colours)
    return np.asarray(squares.mean(axis=(1, 3)), np.float64)
