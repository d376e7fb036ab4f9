"""What really happened between the exchange and its clients: the truth that a test compares with.

Times are seconds of the simulator's clock (monotonic unless a test has passed its own); `at` is
seconds of the feed. With keep="counts" the lists stay empty and only the numbers grow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Command", "ConnectionLog", "FaultMet", "Frame", "Journal", "Keep", "Request"]

Keep: TypeAlias = Literal["all", "counts"]
_DATA: Final = "data"


class Frame(NamedTuple):
    """A frame that was handed to a socket, byte for byte; `fault` names what spoiled or added it.

    `kind` is "data", or "welcome" or "answer". Data have the channel and the market that were
    subscribed to, and the moment of the feed.
    """

    time: float
    kind: str
    payload: bytes
    channel: str = ""
    market: str = ""
    at: float = 0.0
    fault: str = ""
    binary: bool = False


class Command(NamedTuple):
    """What a client sent, as text; `codes` are the codes of the refusals it was answered with."""

    time: float
    op: str
    text: bytes
    codes: tuple[str, ...] = ()


class Request(NamedTuple):
    """A REST request, or one to open a WebSocket connection, and the status it was answered."""

    time: float
    path: str
    query: Mapping[str, str]
    status: int


class FaultMet(NamedTuple):
    """A fault at the moment it was played. `connection` is None where it met no single one.

    `market` is the one of the frame, or the subscription, that met it.
    """

    time: float
    at: float
    fault: str
    connection: int | None = None
    value: str = ""
    market: str = ""


@dataclass
class ConnectionLog:
    """One WebSocket connection, from its opening; `closed` and `ending` say when and how it ended.

    `frames` are all frames in order but pings and pongs, `left_out` the data that a fault has kept
    from the client, `pings` the times of the client's pings of both kinds.
    `active` is when the client was last sent data, or pinged.
    """

    number: int
    opened: float
    dialect: str
    keep: Keep = "all"
    commands: list[Command] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    left_out: list[Frame] = field(default_factory=list)
    pings: list[float] = field(default_factory=list)
    active: float = 0.0
    closed: float | None = None
    ending: str = ""
    command_count: int = 0
    sent_count: int = 0
    sent_bytes: int = 0

    @property
    def sent(self) -> list[Frame]:
        """The data frames that were handed to the socket, in order."""
        return [frame for frame in self.frames if frame.kind == _DATA]

    def add_frame(self, frame: Frame) -> None:
        """Count a frame that was handed over, and keep it unless only counts are kept."""
        if frame.kind == _DATA:
            self.active = frame.time
            self.sent_count += 1
            self.sent_bytes += len(frame.payload)
        if self.keep == "all":
            self.frames.append(frame)

    def add_command(self, command: Command) -> None:
        """Count what a client sent."""
        self.command_count += 1
        if self.keep == "all":
            self.commands.append(command)

    def add_ping(self, time: float) -> None:
        """Note a ping; without lists only the last one."""
        if self.keep == "counts":
            self.pings.clear()
        self.active = time
        self.pings.append(time)

    def end(self, time: float, how: str) -> None:
        """Say when and how the connection ended; the first to say so is right."""
        if not self.ending:
            self.ending = how
            self.closed = time


class Journal:
    """All connections, requests and faults of a simulator, in order."""

    def __init__(self, keep: Keep = "all") -> None:
        self.connections: list[ConnectionLog] = []
        self.requests: list[Request] = []
        self.faults: list[FaultMet] = []
        self._keep = keep

    def open(self, time: float, dialect: str) -> ConnectionLog:
        """Return the log of a new connection; their numbers count from 0."""
        log = ConnectionLog(len(self.connections), time, dialect, self._keep, active=time)
        self.connections.append(log)
        return log

    def add_request(self, request: Request) -> None:
        """Keep a request, unless only counts are kept."""
        if self._keep == "all":
            self.requests.append(request)

    def add_fault(self, fault: FaultMet) -> None:
        """Keep a fault that was played, likewise."""
        if self._keep == "all":
            self.faults.append(fault)

    @property
    def sent(self) -> list[Frame]:
        """The data frames of all connections, one connection after the other."""
        return [frame for log in self.connections for frame in log.sent]

    @property
    def commands(self) -> list[Command]:
        """The commands of all connections, one connection after the other."""
        return [command for log in self.connections for command in log.commands]
