from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.simulator.market.last_day import Figures, LastDay

MINUTE = 60_000
DAY = 1440 * MINUTE

# Pauses up to more than a day, prices of both signs.
TRADES = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 3 * MINUTE), st.integers(DAY - 2 * MINUTE, DAY + 2 * MINUTE)),
        st.integers(-50, 50),
        st.integers(1, 9),
    ),
    min_size=1,
    max_size=30,
)


@given(TRADES, st.integers(0, 2 * DAY))
def test_figures_are_those_of_the_trades_in_the_window(
    trades: list[tuple[int, int, int]], later: int
) -> None:
    """The window is the minute that runs and the 1,439 before it."""
    day = LastDay()
    now = 0
    told: list[tuple[int, int, int]] = []
    for pause, price, lots in trades:
        now += pause
        told.append((now, price, lots))
        day.add(*told[-1])
    now += later
    begin = now // MINUTE * MINUTE - DAY + MINUTE
    inside = [(price, lots) for at, price, lots in told if at >= begin]
    _, last, last_lots = told[-1]
    prices = [price for price, _ in inside] or [last]
    assert day.figures(now) == Figures(
        last,
        last_lots,
        open=prices[0],
        high=max(prices),
        low=min(prices),
        lots=sum(lots for _, lots in inside),
        turnover=sum(price * lots for price, lots in inside),
    )


def test_a_market_that_never_traded_has_no_figures() -> None:
    """There is no last price, so nothing is made up."""
    assert LastDay().figures(0) is None
