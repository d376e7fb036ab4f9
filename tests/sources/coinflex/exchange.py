"""A model of the exchange's end of a socket, without one, that answers as it pleases."""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from pipeline.sources.coinflex.session import Session

__all__ = ["Conversation", "Exchange", "frame"]


def frame(**fields: Any) -> bytes:
    """Return a frame of these fields."""
    return json.dumps(fields).encode()


@dataclass
class Exchange:
    """Answers commands in order, some late, some never, until its patience for that is used up."""

    chance: Random
    unknown: set[str]
    login: str  # what becomes of one: ok, refused, unanswered, late
    is_silent: bool  # whether it may leave commands without an answer, or answer after 10 s
    longest: int = 300  # bytes of a command
    tricks: int = 12  # so often it may do as it pleases
    answered: float = 0.0  # when the last answer arrives
    granted: float = float("inf")  # when the client learns that it is logged in
    acknowledged: dict[str, float] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)

    def hear(self, text: bytes, now: float) -> Iterator[tuple[float, bytes]]:
        """Yield what is answered to a command, and when that arrives."""
        command = json.loads(text)
        told = self._log_in(command) if command["op"] == "login" else self._subscribe(command, text)
        if command["op"] == "login" and self.login == "late":
            delay = self.chance.uniform(10.0, 14.0)
        elif self._may() and self.is_silent:
            delay = self.chance.uniform(0.0, 25.0)
        else:
            delay = self.chance.uniform(0.0, 2.0)
        self.answered = max(self.answered, now + delay)
        for fields in told:
            if fields["success"] and fields["event"] == "login":
                self.granted = min(self.granted, self.answered)
            elif fields["success"]:
                self.acknowledged.setdefault(_known(fields["channel"]), self.answered)
            for _ in range(1 + self._may(0.1)):  # some come twice
                yield self.answered, frame(**fields)

    def _log_in(self, command: dict[str, Any]) -> list[dict[str, Any]]:
        if self.login == "unanswered":
            return []
        answer = {"event": "login", "tag": str(command["tag"]), "success": self.login != "refused"}
        return [answer | ({"code": "20025"} if self.login == "refused" else {})]

    def _subscribe(self, command: dict[str, Any], text: bytes) -> list[dict[str, Any]]:
        names, tag = command["args"], str(command["tag"])
        if self.is_silent and self._may():
            self.unanswered += names
            return []
        refusal: dict[str, Any] = {"event": "subscribe", "success": False}
        if self.is_silent or self.chance.random() < 0.5:
            refusal["tag"] = tag
        if len(text) > self.longest:
            return [refusal | {"code": "20027"}]
        if self._may():
            return [refusal | {"code": 20007, "message": "too rapid"}]
        if self.unknown & {*names} and self._may(0.5):
            return [refusal | {"code": "20015"}]  # the whole command, for one of its arguments
        return [self._answer(name, tag) for name in names]

    def _answer(self, name: str, tag: str) -> dict[str, Any]:
        told: dict[str, Any] = {"event": "subscribe", "channel": name, "success": True}
        if name in self.unknown:
            told |= {"success": False, "code": "20015", "message": "unknown market"}
        elif name.startswith("depth:") and self.chance.random() < 0.5:
            told["channel"] = f"futures/{name}"
        return told | ({"tag": tag} if self.chance.random() < 0.5 else {})

    def _may(self, often: float = 0.3) -> bool:
        if self.tricks > 0 and self.chance.random() < often:
            self.tricks -= 1
            return True
        return False


class Conversation:
    """A session and the model, brought together by a clock that jumps to what is next."""

    def __init__(self, session: Session, exchange: Exchange) -> None:
        self.session = session
        self.exchange = exchange
        self.sent: list[tuple[float, bytes]] = []
        self.now = session.began
        self._order = count()
        self._coming: list[tuple[float, int, bytes | list[str]]] = []

    def later(self, at: float, what: bytes | list[str]) -> None:
        """Let a frame arrive, or subscriptions be wanted, at a time."""
        heapq.heappush(self._coming, (at, next(self._order), what))

    def go_on(self, end: float) -> None:
        """Let time pass; nothing may be due before it was said to be."""
        while self.now < end:
            self._send()
            due = self.session.next_poll(self.now)
            assert due > self.now, "what is due is done"
            at = max(self.now, min(due, self._coming[0][0] if self._coming else end))
            assert at == due or self.session.poll((self.now + at) / 2, 0) is None
            self.now = at
            while self._coming and self._coming[0][0] <= self.now:
                self._arrive(heapq.heappop(self._coming)[2])

    def _arrive(self, what: bytes | list[str]) -> None:
        if isinstance(what, bytes):
            self.session.receive(what, self.now)
        else:
            self.session.want(what)

    def _send(self) -> None:
        if command := self.session.poll(self.now, int(self.now * 1000)):
            self.sent.append((self.now, command))
            assert self.session.poll(self.now, 0) is None, "two commands at once"
            for at, answer in self.exchange.hear(command, self.now):
                self.later(at, answer)


def _known(channel: str) -> str:
    return channel.removeprefix("futures/")
