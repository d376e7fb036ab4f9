"""The form in which a notebook is kept, so that a second run changes not a byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import nbformat
from nbformat import NotebookNode

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["canonical", "read", "text_of"]

_VERSION: Final = (4, 5)
_METADATA: Final = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_KEPT_OF_A_CELL: Final = ("tags",)


def read(path: Path) -> NotebookNode:
    """Return a notebook as it lies there."""
    found = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    assert isinstance(found, NotebookNode)
    return found


def text_of(notebook: NotebookNode) -> str:
    """Return the text of a notebook's file: keys sorted, a line each, as Jupyter writes it."""
    text: str = nbformat.writes(notebook)
    return text.rstrip("\n") + "\n"


def canonical(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook without what depends on when, where and how often it was run.

    Cells keep their ids. Raises nbformat.ValidationError for what is no notebook of version 4.5.
    """
    found = _node(
        {
            "nbformat": _VERSION[0],
            "nbformat_minor": _VERSION[1],
            "metadata": _METADATA,
            "cells": [_cell(cell) for cell in notebook.cells],
        }
    )
    nbformat.validate(found)
    return found


def _cell(cell: Any) -> dict[str, Any]:  # noqa: ANN401 - a node of any kind
    metadata = {name: cell.metadata[name] for name in _KEPT_OF_A_CELL if name in cell.metadata}
    found = {"cell_type": cell.cell_type, "id": cell.id, "metadata": metadata}
    found["source"] = cell.source
    if cell.cell_type == "code":
        # Whoever runs all cells counts as the file does.
        found["execution_count"] = cell.execution_count
        found["outputs"] = _outputs(cell.outputs)
    return found


def _outputs(outputs: list[Any]) -> list[dict[str, Any]]:
    """Return outputs; what is printed in one go comes in as many pieces as it happens to."""
    found: list[dict[str, Any]] = []
    for output in map(_output, outputs):
        name = output.get("name")
        if found and name is not None and found[-1].get("name") == name:
            found[-1]["text"] += output["text"]
        else:
            found.append(output)
    return found


def _output(output: Any) -> dict[str, Any]:  # noqa: ANN401 - likewise
    found = {name: value for name, value in output.items() if name != "metadata"}
    if "metadata" in output:
        found["metadata"] = {}  # sizes of pictures, which they say themselves
    return found


def _node(value: Any) -> NotebookNode:  # noqa: ANN401 - likewise
    found = nbformat.from_dict(value)
    assert isinstance(found, NotebookNode)
    return found
