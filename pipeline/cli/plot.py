"""`coinflex-l2 plot`: pictures of the lake, as files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline.cli.options import as_json, names, period_options, settings, shared_options
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from pipeline.lake_version import Cited
    from pipeline.plots import Plots

__all__ = ["plot"]

_Command = TypeVar("_Command", bound="Callable[..., Any]")

_SUFFIXES = (".png", ".svg", ".pdf")
_INCHES = 1.0, 100.0
_DOTS_A_SIDE = 30_000
_SIZES = f"inches, as 12x7, each from {_INCHES[0]:g} to {_INCHES[1]:g}"


def _size_of(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[float, float] | None:
    """Return width and height in inches: 12x7."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)", value)
    if found:
        width, height = float(found[1]), float(found[2])
        if _INCHES[0] <= min(width, height) and max(width, height) <= _INCHES[1]:
            return width, height
    raise click.BadParameter(f"{value!r}; what would work: {_SIZES}", context, parameter)


def _file_options(command: _Command) -> _Command:
    """Add what all pictures have in common: their file, its size."""
    for option in (
        click.option("--dpi", type=click.IntRange(20, 1200), default=100, show_default=True,
                     metavar="N", help="Dots an inch, of a PNG."),
        click.option("--size", callback=_size_of, metavar="WxH",
                     help="Inches wide and high. Default: what suits the picture."),
        click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                     help="FILE.png, .svg or .pdf, which appears whole. Default: a PNG here, named "
                     "after the question."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group(short_help="Pictures: books, liquidity, spreads, coverage.")
def plot() -> None:
    """Draw pictures of the lake into files. Where no book is known they say so."""


@plot.command(
    short_help="A book: how much rests up to each price.",
    epilog="""\b
Examples:
  coinflex-l2 plot book BTC-USD-SWAP-LIN --at 2020-08-01T12:00
  coinflex-l2 plot book BTC-USD-SWAP-LIN --at 2020-08-01T12:00 --within 20 --output book.svg""",
)
@click.argument("instrument")
@click.option("--at", "at", metavar="TIME", required=True,
              help="Arrival clock, UTC unless it has an offset.")  # fmt: skip
@click.option("--depth", type=click.IntRange(1, 1000), default=25, show_default=True, metavar="N",
              help="Levels a side.")  # fmt: skip
@click.option("--within", type=click.FloatRange(0, min_open=True), metavar="BP",
              help="Instead: all levels up to so many basis points from the mid.")  # fmt: skip
@_file_options
@shared_options
def book(instrument: str, at: str, depth: int, within: float | None, **file: Any) -> None:  # noqa: ANN401 - see _draw
    """Draw the order book of an instrument as it stood at a time."""
    from pipeline.times import parse_time

    time = parse_time(at, "--at")
    _draw(
        ["book", instrument, at],
        lambda plots, axes: plots.book(instrument, time, depth=depth, within=within, axes=axes),
        **file,
    )


@plot.command(
    short_help="Liquidity over time, the best prices and trades on it.",
    epilog="""\b
Examples:
  coinflex-l2 plot heatmap BTC-USD-SWAP-LIN --from 2020-08-01 --to 2020-08-02
  coinflex-l2 plot heatmap BTC-USD-SWAP-LIN --from 2020-08-01T12:00 --to 2020-08-01T12:05 \\
      --step 100ms --depth 50 --size 16x9 --dpi 150""",
)
@click.argument("instrument")
@period_options(required=True)
@click.option("--step", metavar="SPAN", help="A column for each, as 500ms, 1s, 5m. Default: up to "
              "1000 columns.")  # fmt: skip
@click.option("--depth", type=click.IntRange(1, 1000), default=25, show_default=True, metavar="N",
              help="Levels a side.")  # fmt: skip
@click.option("--trades/--no-trades", default=True, show_default=True, help="Mark the trades.")
@_file_options
@shared_options
def heatmap(
    instrument: str,
    start: str,
    end: str,
    step: str | None,
    depth: int,
    trades: bool,
    **file: Any,  # noqa: ANN401 - see _draw
) -> None:
    """Draw what rests at each price over a range of time."""
    from pipeline.times import parse_times

    times = parse_times(start, end)
    _draw(
        ["heatmap", instrument, start, end],
        lambda plots, axes: plots.heatmap(
            instrument, *times, step=step, depth=depth, trades=trades, axes=axes
        ),
        **file,
    )


@plot.command(
    short_help="The spread over time: average, narrowest, widest.",
    epilog="""\b
Examples:
  coinflex-l2 plot spread BTC-USD-SWAP-LIN --from 2020-08-01 --to 2020-08-02
  coinflex-l2 plot spread BTC-USD-SWAP-LIN --from 2020-08-01 --to 2020-08-02 --step 1m""",
)
@click.argument("instrument")
@period_options(required=True)
@click.option("--step", metavar="SPAN", help="An average of each, as 1s, 5m, 1h. Default: up to "
              "400 of them.")  # fmt: skip
@_file_options
@shared_options
def spread(instrument: str, start: str, end: str, step: str | None, **file: Any) -> None:  # noqa: ANN401 - see _draw
    """Draw the spread of an instrument over a range of time."""
    from pipeline.times import parse_times

    times = parse_times(start, end)
    _draw(
        ["spread", instrument, start, end],
        lambda plots, axes: plots.spread(instrument, *times, step=step, axes=axes),
        **file,
    )


@plot.command(
    short_help="A calendar of days by how much of each is known.",
    epilog="""\b
Examples:
  coinflex-l2 plot coverage
  coinflex-l2 plot coverage --instruments BTC-USD,ETH-USD --from 2020-07-14 --to 2021-01-01""",
)
@click.option("--instruments", metavar="NAMES", help="Comma-separated; default: all.")
@period_options(required=False)
@_file_options
@shared_options
def coverage(instruments: str | None, start: str | None, end: str | None, **file: Any) -> None:  # noqa: ANN401 - see _draw
    """Draw a calendar of the lake: a row per instrument, a cell per day."""
    from pipeline.times import parse_time

    wanted = names(instruments)
    since = None if start is None else parse_time(start, "--from")
    until = None if end is None else parse_time(end, "--to")
    _draw(
        ["coverage", *(wanted or ()), start, end],
        lambda plots, axes: plots.coverage(instruments=wanted, start=since, end=until, axes=axes),
        **file,
    )


def _draw(
    question: list[str | None],
    draw: Callable[[Plots, Axes | None], Axes],
    output: Path | None,
    size: tuple[float, float] | None,
    dpi: int,
) -> None:
    """Draw a picture into a file, and print the file's name."""
    path = output or Path(_file_name(question))
    form = _form(path)
    if size is not None and form == "png" and max(size) * dpi > _DOTS_A_SIDE:
        most = f"up to {_DOTS_A_SIDE:,} dots a side"
        raise UsageError("--size and --dpi", f"{size[0]:g}x{size[1]:g} inches at {dpi}", most)
    from pipeline.cli.output import print_json, whole_file
    from pipeline.lake_version import Cited
    from pipeline.research import OpenLake

    found = settings()
    cited = Cited(found.data, found.exchange)
    with OpenLake(found.data, found.exchange) as lake:
        axes = draw(lake.plot, None if size is None else _axes(size))
    figure = axes.get_figure(root=True)
    assert figure is not None  # noqa: S101 - axes just drawn on have one
    with whole_file(path) as draft:
        figure.savefig(draft, format=form, dpi=dpi, metadata=_about(form, cited))
    if as_json():
        print_json({"output": str(path)})
    else:
        click.echo(str(path))


def _about(form: str, cited: Cited) -> dict[str, str]:
    """Return what a picture says of the lake that it is drawn from, by the key of its format."""
    told = ", ".join(f"{name} {value}" for name, value in cited.facts().items())
    return {"Subject" if form == "pdf" else "Description": told}


def _axes(size: tuple[float, float]) -> Axes:
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained").add_subplot()


def _form(path: Path) -> str:
    """Return the format that a file's name asks for."""
    if path.suffix.lower() not in _SUFFIXES:
        raise UsageError("--output", str(path), f"a name that ends in {', '.join(_SUFFIXES)}")
    return path.suffix.lower()[1:]


def _file_name(question: list[str | None]) -> str:
    """Return a name for a picture that says what was asked, and leads to no other folder."""
    words = [re.sub(r"[^A-Za-z0-9.+-]+", "", str(word)) for word in question if word is not None]
    return "-".join(word.strip(".-") for word in words)[:200] + ".png"
