"""Pictures of the lake in matplotlib, as `pipeline.open("data").plot` draws them.

    plotting.py   Plots: what can be drawn, and what each picture shows
    asked.py      what was asked for: range, step, depth; units by an instrument's name
    stretches.py  when a book is known, cut into pieces that a picture can draw
    figures.py    what all pictures share: colours, titles, axes of time and price, unknown time
    calendar_days.py  for how much of each day a book is known
    book.py, heatmap.py, spread.py, coverage.py   one picture each: read, then draw
    trades.py     trades as marks on the heatmap

matplotlib is imported when a picture is drawn, not before. Unknown time is hatched, and nothing
else is drawn in it that would need a book. No setting of matplotlib is changed: what a picture does
not say of itself follows the caller's rcParams.
"""

from pipeline.plots.plotting import Plots

__all__ = ["Plots"]
