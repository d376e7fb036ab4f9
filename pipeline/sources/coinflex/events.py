"""What a frame of the exchange means to whoever follows its feed."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

__all__ = [
    "Acknowledged",
    "Control",
    "Data",
    "Event",
    "LoginRefused",
    "Refused",
    "Unreadable",
]


class Data(NamedTuple):
    """A frame with data: its table as sent, and the first market that it names, if it names one."""

    table: str
    market: str | None


class Acknowledged(NamedTuple):
    """A subscription stands."""

    subscription: str


class Refused(NamedTuple):
    """A subscription was refused for good; the others go on."""

    subscription: str
    code: int | None
    message: str


class LoginRefused(NamedTuple):
    """The key was refused; all goes on without it, only more slowly."""

    code: int | None
    message: str


class Control(NamedTuple):
    """Anything else that the exchange says: a welcome, an acknowledged login, a pong, an error.

    `is_private` tells what concerns the key: that is not to be recorded.
    """

    event: str
    message: str = ""
    is_private: bool = False


class Unreadable(NamedTuple):
    """A frame that is no message. It is recorded as it came; whoever reads raw will label it."""

    reason: str


Event: TypeAlias = Data | Acknowledged | Refused | LoginRefused | Control | Unreadable
