"""Volumes: how many books and trades came, over time and by instrument, and what was traded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.page.calendar_section import OTHERS
from pipeline.page.charts import Bar, bars, figure_of, legend
from pipeline.page.markup import Markup, joined, plain
from pipeline.page.periods import instruments_shown, periods_of
from pipeline.page.tables import Column, Table, folded, table

if TYPE_CHECKING:
    from pipeline.page.subject import Chosen, Subject

__all__ = ["volumes"]

_BY_PERIOD: Final = (
    Column("period", "From", "date"),
    Column("depth_messages", "Books"),
    Column("trades", "Trades"),
    Column("bytes", "Lake", "bytes"),
)
_BY_INSTRUMENT: Final = (
    Column("instrument", "Instrument", "name"),
    Column("days", "Days"),
    Column("depth_messages", "Books"),
    Column("depth_changes", "Level changes"),
    Column("trades", "Trades"),
    Column("tickers", "Tickers"),
)
_BY_HOUR: Final = (
    Column("hour", "From (UTC)", "time"),
    Column("trades", "Trades"),
    Column("buys", "Bought by takers", "number"),
    Column("sells", "Sold by takers", "number"),
    Column("observed", "Observed", "span"),
)


def volumes(subject: Subject) -> Markup:
    """Return counts of books and trades, by period and instrument; what was traded, by hour."""
    return joined(
        _by_period(subject),
        _by_instrument(subject),
        None if subject.chosen is None else _by_hour(subject, subject.chosen),
    )


def _by_period(subject: Subject) -> Markup:
    periods = periods_of(subject.first, subject.last)
    rows = subject.rows(f"""
select
  {periods.column} as period, sum(depth_messages) as depth_messages, sum(trades) as trades,
  sum(bytes) as bytes
from coverage
where {subject.days}
group by period
order by period""")
    found = {start: (books, trades) for start, books, trades, _ in rows}

    def drawn(place: int, words: str, look: str) -> Markup:
        made = [
            Bar(periods.label(start), (found[start][place],) if start in found else None)
            for start in periods.starts()
        ]
        return figure_of(
            bars(f"{words} per {periods.words}, of all instruments", made, [look]),
            f"{words} per {periods.words}, of all instruments. Hatched: nothing in the lake.",
        )

    return joined(
        drawn(0, "Books received", "books"),
        drawn(1, "Trades", "trades"),
        folded(Table("volumes", f"books and trades per {periods.words}", _BY_PERIOD, rows)),
    )


def _by_instrument(subject: Subject) -> Markup:
    rows = subject.rows(f"""
with
  {instruments_shown(subject.days)}

select
  case when instrument in (from shown) then instrument end as name, count(*) as days,
  sum(depth_messages) as depth_messages, sum(depth_changes) as depth_changes,
  sum(trades) as trades, sum(tickers) as tickers
from coverage
where {subject.days}
group by name
order by name is null, depth_messages desc, name""")
    return table(Table("instruments", "Rows by instrument", _BY_INSTRUMENT, rows, OTHERS))


def _by_hour(subject: Subject, chosen: Chosen) -> Markup:
    rows = subject.rows(f"""
select t, trades, buy_volume, sell_volume, observed_seconds
from ohlcv({chosen.range}, interval 1 hour)
order by t""")
    what = f"{plain(chosen.instrument)}, {chosen.day}"
    made = [
        Bar(f"{start:%H:%M}", None if buys is None else (buys, sells))
        for start, _, buys, sells, _ in rows
    ]
    return figure_of(
        joined(
            legend(("buys", "bought by takers"), ("sells", "sold by takers")),
            bars(f"Amount traded per hour, {what}", made, ["buys", "sells"], "number"),
        ),
        f"Amount traded per hour, in the base currency: {what}. Hatched: no trade is known to have "
        "been recorded. An hour observed in part has the least that there was.",
        folded(Table("hours", f"amount traded per hour, {what}", _BY_HOUR, rows)),
    )
