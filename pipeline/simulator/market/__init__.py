"""A market made from a seed: orders that are really matched, told as the exchange told them.

    generated.py     the feed: snapshots of depth, trades and tickers of all markets, in order
    agents.py        who sends orders to a market, and when
    matching.py      the order book in which they meet
    instruments.py   what a market is: its name, its steps, its price
    last_day.py      what a ticker says of the last 24 hours
    wire.py          all of it as JSON, in the forms of three eras
    numbers.py       counts of a step as text
    repeated.py      any feed, a few seconds of it rendered once and told over and over

Everything follows from the seed. No clock is read, nothing is drawn but `random()`, whose sequence
Python promises to keep, and no number depends on a machine's mathematics library.
"""

from pipeline.simulator.market.generated import GeneratedFeed
from pipeline.simulator.market.instruments import MarketSpec, default_markets
from pipeline.simulator.market.matching import Fill, OrderBook
from pipeline.simulator.market.repeated import RepeatedFeed

__all__ = [
    "Fill",
    "GeneratedFeed",
    "MarketSpec",
    "OrderBook",
    "RepeatedFeed",
    "default_markets",
]
