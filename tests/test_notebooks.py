"""The notebooks say and show what a run of them says and shows."""

from __future__ import annotations

import re
from base64 import b64encode
from io import BytesIO
from typing import Any

import nbformat
import pytest
from matplotlib.figure import Figure
from nbclient.exceptions import CellExecutionError

from notebooks.canonical import canonical, read, text_of
from notebooks.comparing import differences, with_kept_pictures
from notebooks.executing import NOTEBOOKS, executed

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
NAMES = [path.stem for path in PATHS]

each_notebook = pytest.mark.parametrize("path", PATHS, ids=NAMES)


def test_there_are_notebooks() -> None:
    """The tests below are of something, and the list in notebooks/ and the README name them all."""
    assert {"quickstart", "microstructure", "what_the_data_can_tell"} <= set(NAMES)
    for text in ("notebooks/README.md", "README.md"):
        found = (NOTEBOOKS.parent / text).read_text(encoding="utf-8")
        assert [name for name in NAMES if f"{name}.ipynb" not in found] == []


@pytest.mark.timeout(900)
@each_notebook
def test_a_run_says_what_is_committed(path: Any) -> None:
    """In an empty lake, with the sample alone: outputs to the letter, pictures as they look."""
    kept = read(path)
    changed = differences(kept, canonical(executed(kept)))
    assert not changed, (
        f"{path.name} says something else. If it is right: make notebooks\n{changed}"
    )


@each_notebook
def test_what_is_committed_is_in_canonical_form(path: Any) -> None:
    """A second run changes no byte: `make notebooks` after any edit."""
    text = path.read_text(encoding="utf-8")
    assert text == text_of(canonical(read(path)))
    assert len(text) < 400_000


@each_notebook
def test_every_cell_was_run_in_order(path: Any) -> None:
    """From top to bottom, once, without an error and without a warning."""
    code = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error"] == []
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


@each_notebook
def test_the_sample_is_called_what_it_is(path: Any) -> None:
    """Nobody takes its numbers for CoinFLEX's."""
    first = read(path).cells[0].source.replace("\n", " ")
    assert "real order flow in CoinFLEX's clothes, not CoinFLEX data" in first


# Where a digit says nothing of the data: code, links, dates, names, the numbers of headings.
_NO_FINDING = r"```.*?```|`[^`]*`|\]\([^)]*\)|\d{4}-\d{2}-\d{2}|\b20\d\d\b|CRC-32|^#+ \d+\. |USD-M"


@each_notebook
def test_prose_has_no_number_that_no_cell_wrote(path: Any) -> None:
    """So that it can't say other than the cells show."""
    prose = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    bare = [re.sub(_NO_FINDING, "", text, flags=re.DOTALL | re.MULTILINE) for text in prose]
    assert [text for text in bare if re.search(r"\d", text)] == []


def test_the_quickstart_has_ten_cells() -> None:
    """From backfill to a plotted book; the last one is the picture."""
    code = [cell for cell in read(NOTEBOOKS / "quickstart.ipynb").cells if cell.cell_type == "code"]
    assert len(code) == 10
    assert "backfill(" in code[0].source
    assert code[-1].source.startswith("lake.plot.book(")
    assert any("image/png" in output.data for output in code[-1].outputs)


def _notebook(*sources: str) -> nbformat.NotebookNode:
    cells = []
    for number, source in enumerate(sources):
        cell = nbformat.v4.new_code_cell(source)
        cell.id = f"cell-{number}"
        cells.append(cell)
    found = nbformat.v4.new_notebook(cells=cells)
    assert isinstance(found, nbformat.NotebookNode)
    return found


@pytest.mark.timeout(900)
def test_a_cell_that_fails_fails_the_run() -> None:
    """With the sentence of its error."""
    with pytest.raises(CellExecutionError, match="what the cell says"):
        executed(_notebook("1 + 1", "raise ValueError('what the cell says')"))


def _with(*outputs: Any) -> nbformat.NotebookNode:
    """Return a notebook of one cell with outputs."""
    notebook = _notebook("whatever()")
    notebook.cells[0].outputs = [nbformat.from_dict(output) for output in outputs]
    return notebook


def _text(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def _picture(*values: float, height: float = 4, hinting: str = "default") -> dict[str, Any]:
    """Return a curve as a cell shows it."""
    import matplotlib as mpl  # noqa: PLC0415 - only here

    with mpl.rc_context({"text.hinting": hinting}):
        figure = Figure(figsize=(8, height), layout="constrained")
        axes = figure.add_subplot()
        axes.plot(values)
        axes.set_title("a title with letters")
        drawn = BytesIO()
        figure.savefig(drawn, format="png", dpi=80)
    data = {"image/png": b64encode(drawn.getvalue()).decode(), "text/plain": "<Figure>"}
    return {"output_type": "display_data", "metadata": {}, "data": data}


def test_other_words_are_a_difference() -> None:
    """It is shown line by line, with the cell that it is in."""
    found = differences(_with(_text("one\ntwo\n")), _with(_text("one\n2\n")))
    assert "-two" in found
    assert "+2" in found
    assert "cell-0" in found


def test_the_same_is_no_difference() -> None:
    """Not a line."""
    both = _text("one\n"), _picture(1, 3, 2)
    assert differences(_with(*both), _with(*both)) == ""


@pytest.mark.parametrize(("values", "height"), [((1, 3, 2.1), 4), ((1, 3), 4), ((1, 3, 2), 3)])
def test_another_picture_is_a_difference(values: tuple[float, ...], height: float) -> None:
    """A curve that runs elsewhere, and one of another size."""
    other = _picture(*values, height=height)
    assert differences(_with(_picture(1, 3, 2)), _with(other))


def test_a_missing_picture_is_a_difference() -> None:
    """As is one too many."""
    two = _with(_picture(1, 3, 2), _picture(1, 3, 2))
    assert differences(two, _with(_picture(1, 3, 2)))
    assert differences(_with(_picture(1, 3, 2)), two)


def test_letters_drawn_a_little_otherwise_are_no_difference() -> None:
    """Another version of the library that draws them; the picture that is kept stays."""
    kept, new = _with(_picture(1, 3, 2)), _with(_picture(1, 3, 2, hinting="none"))
    assert text_of(kept) != text_of(new)
    assert differences(kept, new) == ""
    assert text_of(with_kept_pictures(kept, new)) == text_of(kept)


def test_a_picture_that_changed_is_replaced() -> None:
    """What is written shows what was run."""
    kept, new = _with(_picture(1, 3, 2)), _with(_picture(1, 3, 1))
    assert text_of(with_kept_pictures(kept, new)) != text_of(kept)


def test_the_canonical_form_knows_no_machine() -> None:
    """What Jupyter notes of a machine, a time or an editor is left out; tags are kept."""
    notebook = _with(_picture(1, 3, 2))
    notebook.metadata = nbformat.from_dict(
        {"language_info": {"name": "python", "version": "3.11.7"}, "widgets": {}}
    )
    notebook.cells[0].metadata = nbformat.from_dict(
        {"execution": {"iopub.status.busy": "2020-08-01"}, "tags": ["x"], "scrolled": True}
    )
    found = canonical(notebook)
    assert found.metadata.language_info == {"name": "python"}
    assert found.cells[0].metadata == {"tags": ["x"]}
    assert canonical(found) == found


def test_pieces_of_what_is_printed_are_put_together() -> None:
    """And stay where they are among other outputs."""
    notebook = _with(_text("a"), _text("b\n"), _picture(1, 3, 2), _text("c\n"))
    outputs = canonical(notebook).cells[0].outputs
    assert [output.get("text", "a picture") for output in outputs] == ["ab\n", "a picture", "c\n"]
