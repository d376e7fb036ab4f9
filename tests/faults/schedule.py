"""What is played: a market made from a seed, and what goes wrong with it, as text that is read."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from pipeline.simulator.exchange.faults import Fault
from pipeline.simulator.market import GeneratedFeed
from pipeline.simulator.market.instruments import default_markets
from pipeline.simulator.market.wire import Era

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["LONG", "SECONDS", "Schedule"]

SECONDS: Final = 2.0  # of the feed
# A stall of so many seconds of the feed never ends by itself: the client has to give up.
LONG: Final = 1000.0

_LEVELS: Final = 5
_ORDERS: Final = 12.0  # a second, of a market
_TEXT: Final = re.compile(r"(?P<fields>[^:]*):(?P<faults>.*)", re.DOTALL)
_FIELDS: Final = ("seed", "markets", "era", "books", "burst", "absent", "second", "stale")
_FLAGS: Final = ("login", "unnamed")


@dataclass(frozen=True)
class Schedule:
    """One run.

    Of each market `books` come a second. The exchange is looked at after each `burst` of events;
    `absent` events pass after each lost connection before anybody waits for the next one. `second`
    is the one of its minute in which the recorder begins. After `stale` seconds without a book the
    client gives a connection up. It may have a `login`, and record all markets that REST names
    (`unnamed`) instead of some.
    """

    seed: int = 0
    faults: tuple[str, ...] = ()
    markets: int = 2
    era: Era = "us-v1"
    books: int = 8
    burst: int = 1
    absent: int = 7
    second: float = 0.0
    stale: float = 15.0
    login: bool = False
    unnamed: bool = False

    def __str__(self) -> str:
        fields = [f"{name}={getattr(self, name)}" for name in _FIELDS]
        flags = [name for name in _FLAGS if getattr(self, name)]
        return " ".join([*fields, *flags]) + ": " + "; ".join(self.faults)

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Return the schedule that a text stands for, as `str` makes it; fields may be left out."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no schedule; what would work: 'seed=1: drop@message 5'")
        words = match["fields"].split()
        given: dict[str, Any] = dict(word.split("=", 1) for word in words if word not in _FLAGS)
        if unknown := given.keys() - {*_FIELDS} or {given.get("era", "us-v1")} - {*get_args(Era)}:
            raise ValueError(f"{text!r} says {', '.join(unknown)}; what would work: {cls()}")
        for name in given.keys() - {"era"}:
            given[name] = type(getattr(cls(), name))(given[name])
        given |= {flag: flag in words for flag in _FLAGS}
        faults = tuple(fault.strip() for fault in match["faults"].split(";") if fault.strip())
        return cls(**given, faults=faults)

    @classmethod
    def of_seed(cls, seed: int) -> Schedule:
        """Return the random schedule of a seed."""
        chance = random.Random(seed)
        schedule = cls(
            seed=seed,
            markets=chance.choice([1, 2, 3]),
            era=chance.choice(get_args(Era)),
            books=chance.choice([8, 8, 8, 60]),
            burst=chance.choice([1, 1, 4, 50]),
            absent=chance.choice([0, 1, 7, 20]),
            # So that now and then a minute ends within the run.
            second=chance.choice([0.0, 10.0, round(chance.uniform(57, 59.9), 1)]),
            login=chance.random() < 0.2,
            unnamed=chance.random() < 0.2,
        )
        return schedule._with_random_faults(chance)

    def _with_random_faults(self, chance: random.Random) -> Schedule:
        codes = [market.code for market in self.feed().markets]
        return replace(
            self,
            faults=tuple(_random_fault(chance, codes) for _ in range(chance.randint(1, 6))),
        )

    @property
    def dialect(self) -> Literal["v1", "v2"]:
        """The dialect of the exchange that is played."""
        return "v1" if self.era == "us-v1" else "v2"

    def feed(self) -> GeneratedFeed:
        """Return the market that is played: small books, few orders."""
        known = default_markets(self.markets)
        specs = [replace(spec, orders_per_second=_ORDERS) for spec in known]
        return GeneratedFeed(
            self.seed,
            markets=specs,
            seconds=SECONDS,
            books_per_second=self.books,
            levels=_LEVELS,
            era=self.era,
        )

    def parsed_faults(self) -> list[Fault]:
        """Return the faults, in order."""
        return [Fault.parse(fault) for fault in self.faults]


# By kind: what follows it. How often each is drawn is told by how often it stands there.
_RANDOM: Final[dict[str, Callable[[random.Random, Sequence[str]], str]]] = {
    "drop": lambda _c, _m: "",
    "close": lambda c, _m: f"={c.choice([1000, 1001, 1006, 1011, 1012, 1013, 4000])}",
    "half-close": lambda _c, _m: "",
    "stall": lambda c, _m: f"={c.choice([0.1, 0.5, 1.5])}",
    "delay": lambda c, _m: f"={c.choice([0.05, 0.3, 1.0])}",
    "slow": lambda c, _m: f"={c.choice([2_000_000, 10_000_000])}",
    "reorder": lambda _c, _m: "",
    "duplicate": lambda _c, _m: "",
    "skip": lambda c, _m: f"={c.randint(1, 4)}",
    "malformed": lambda _c, _m: "",
    "oversized": lambda c, _m: f"={c.choice([70_000, 1_000_000, 9_000_000])}",
    "garble-utf8": lambda _c, _m: "",
    "foreign": lambda c, _m: c.choice(["", "=table", "=binary"]),
    "restart": lambda c, _m: c.choice(["", "=-5", "=-100000", "=3", "=999", "=1000", "=500000"]),
    "refuse": lambda c, m: f"={c.choice(m)}",
    "upgrade": lambda c, _m: f"={c.choice([429, 500, 503])}",
}


def _random_fault(chance: random.Random, codes: Sequence[str]) -> str:
    kind = chance.choice([*_RANDOM])
    text = kind + _RANDOM[kind](chance, codes)
    if kind in {"refuse", "upgrade"}:
        return f"{text}@{chance.choice([0, round(chance.uniform(0, SECONDS), 2)])}"
    if chance.random() < 0.5:
        text += f"@message {chance.randint(1, 40)}"
    else:
        text += f"@{chance.uniform(0, SECONDS):.2f}"
    return text + chance.choice(["", "", "", "*2", "*3"])
