"""What can go wrong between an exchange and its client, on demand.

On a connection, met by a data frame that was about to be sent:
    "drop"           the connection is aborted (RST)
    "close"=CODE     it is closed with this code, in an orderly way
    "half-close"     the sending side is shut without a close frame; the connection stays
    "stall"=SECONDS  nothing is said for so long: data are left out, answers wait
    "delay"=SECONDS  this frame and all behind it are late; nothing is lost
    "slow"=BYTES     from here on so many bytes a second at most
    "reorder"        the frame comes after the one that follows it
    "duplicate"      the frame comes twice
    "skip"=N         N books of a market are left out: snapshots missed
    "malformed"      half of the frame
    "oversized"=BYTES    the frame, made so long with blanks
    "garble-utf8"    a text frame that is no UTF-8
    "foreign"[=table or binary]  before the frame come a table nobody knows, and bytes
At the engine:
    "restart"[=STEP]     from this event on seqNum is larger by STEP (which may be below 0)
At a subscription, or a request:
    "refuse"=MARKET  a subscription to the market is refused with 20015
    "http"=STATUS    a request gets this status; "rest" and "upgrade" are for one kind of them

Each is played when its moment has come (@SECONDS of the feed, or @message N: the Nth data frame of
a connection, of a restart the Nth event of the feed), for the first that meets it, and again for
those that follow until it was played as often as it says (*TIMES, 0 for always). A frame meets one
fault at most. Seconds of a stall and a delay are of playing time: by hand, they pass as the feed
is stepped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.simulator.exchange.journal import FaultMet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from pipeline.simulator.exchange.journal import Journal

__all__ = ["KINDS", "ON_FRAMES", "Fault", "Faults"]

_NOTHING: Final = re.compile("")
_SECONDS: Final = re.compile(r"\d+(\.\d+)?")
_COUNT: Final = re.compile(r"[1-9]\d*")
# Kind → what its value looks like, and how that is said.
_ON_FRAMES: Final = {
    "drop": (_NOTHING, "drop"),
    "close": (re.compile(r"[1-4]\d\d\d"), "close=CODE (1000 to 4999)"),
    "half-close": (_NOTHING, "half-close"),
    "stall": (_SECONDS, "stall=SECONDS"),
    "delay": (_SECONDS, "delay=SECONDS"),
    "slow": (_COUNT, "slow=BYTES_PER_SECOND"),
    "reorder": (_NOTHING, "reorder"),
    "duplicate": (_NOTHING, "duplicate"),
    "skip": (_COUNT, "skip=N"),
    "malformed": (_NOTHING, "malformed"),
    "oversized": (_COUNT, "oversized=BYTES"),
    "garble-utf8": (_NOTHING, "garble-utf8"),
    "foreign": (re.compile("table|binary|"), "foreign[=table or binary]"),
}
_STATUS: Final = re.compile(r"[45]\d\d")
_ON_REQUESTS: Final = {
    "refuse": (re.compile(r".+"), "refuse=MARKET"),
    "http": (_STATUS, "http=STATUS (400 to 599)"),
    "rest": (_STATUS, "rest=STATUS"),
    "upgrade": (_STATUS, "upgrade=STATUS"),
}
KINDS: Final = _ON_FRAMES | {"restart": (re.compile(r"-?\d+|"), "restart[=STEP]")} | _ON_REQUESTS
ON_FRAMES: Final = frozenset(_ON_FRAMES)
_KNOWN: Final = (
    f"{', '.join(form for _, form in KINDS.values())}; as KIND[=VALUE][@SECONDS or @message N]"
    '[*TIMES], for example "drop@12.5", "skip=3@message 40*2", "close=1012", "http=429*5"'
)
_TEXT: Final = re.compile(
    r"(?P<kind>[\w-]+)(=(?P<value>[^@*]+))?(@(?P<place>[^*]+))?(\*(?P<n>\d+))?"
)
_PLACE: Final = re.compile(r"message (?P<message>[1-9]\d*)|(?P<at>\d+(\.\d+)?)")


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, from a moment on, a number of times.

    `at` is seconds of the feed, `message` counts from 1, `times` is how often it is played, 0 =
    always. Raises ValueError for what can't be played.
    """

    kind: str
    value: str = ""
    at: float | None = None
    message: int | None = None
    times: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no kind of fault; what would work: {_KNOWN}")
        form, wish = KINDS[self.kind]
        if not form.fullmatch(self.value):
            given = repr(self.value) if self.value else "no value"
            raise ValueError(f"{self.kind} can't be played with {given}; what would work: {wish}")
        if self.message is not None and self.kind in _ON_REQUESTS:
            raise ValueError(f"{self.kind} meets no message; what would work: @SECONDS")
        if self.times < 0:
            raise ValueError(f"a fault's times are 0 (always) or more, not {self.times}")

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Return the fault that KIND[=VALUE][@SECONDS or @message N][*TIMES] names.

        Raises ValueError with a sentence that names what would work.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no fault; what would work: {_KNOWN}")
        place = _PLACE.fullmatch(match["place"] or "0")
        if place is None:
            raise ValueError(f"{text!r} has a place unlike @12.5 (seconds) or @message 40")
        at = float(place["at"]) if match["place"] and place["at"] else None
        message = int(place["message"]) if place["message"] else None
        return cls(match["kind"], match["value"] or "", at, message, int(match["n"] or 1))

    @property
    def number(self) -> float:
        """The value of those kinds whose value is a number."""
        return float(self.value)

    def concerns(self, at: float, number: int) -> bool:
        """Tell whether its moment has come: of the feed, and by the count of messages."""
        return at >= (self.at or 0.0) and number >= (self.message or 0)


class Faults:
    """The faults still to come, in the order given; the journal learns which were played."""

    def __init__(
        self, faults: Iterable[Fault], journal: Journal, clock: Callable[[], float]
    ) -> None:
        self._left: list[tuple[Fault, int]] = [(fault, fault.times) for fault in faults]
        self._journal = journal
        self._clock = clock

    def __bool__(self) -> bool:
        return bool(self._left)

    def take(
        self,
        kinds: Collection[str],
        at: float,
        number: int = 0,
        *,
        channel: str = "",
        market: str = "",
        connection: int | None = None,
    ) -> Fault | None:
        """Return the first fault of these kinds whose moment has come, one time the fewer."""
        for place, (fault, left) in enumerate(self._left):
            if fault.kind not in kinds or not fault.concerns(at, number):
                continue
            if (fault.kind == "refuse" and fault.value != market) or (
                fault.kind == "skip" and channel != "depth"
            ):
                continue
            if left == 1:
                del self._left[place]
            elif left:
                self._left[place] = (fault, left - 1)
            met = FaultMet(self._clock(), at, fault.kind, connection, fault.value, market)
            self._journal.add_fault(met)
            return fault
        return None
