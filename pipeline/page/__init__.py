"""One self-contained page of what a lake has, as `coinflex-l2 report` writes it.

    document.py   page_of: header, the way through, sections; what could not be read
    subject.py    what it is about: days, an instrument's day; its queries, which the page shows
    periods.py    days put together, so that a page is of bounded size however large the lake
    calendar_section, gaps_section, volumes, timing, quality, disk, runs, liquidity, book
                  a section each
    tables.py     tables of numbers that programs can read: data-name, data-value
    charts.py     charts as SVG, words as HTML around them; heatmap.py: one of dots, by png.py
    numbers.py    how numbers are shown, and what is not known
    markup.py     HTML by functions; everything that is not Markup is escaped
    page.css      how it looks: light, dark, forced colours, on a phone, on paper

No script, nothing fetched, no template: a page is the value of page_of.
"""

from pipeline.page.document import Page, page_of

__all__ = ["Page", "page_of"]
