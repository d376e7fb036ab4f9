"""What is said to a client's commands; no socket in it, only text and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from pipeline.simulator.exchange.subscriptions import parse_subscription
from pipeline.simulator.exchange.wire import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet

    from pipeline.simulator.exchange.subscriptions import Subscription

__all__ = ["Conversation", "Reply"]

_BAD_JSON: Final = ("20009", "The message is not the JSON of a command")
_BAD_MARKET: Final = ("20015", "The channel or its market code does not exist")


@dataclass(frozen=True)
class Reply:
    """An answer, and what the exchange does along with it.

    `begins` and `ends` are subscriptions; the data of one that begins come after the answer.
    """

    payload: bytes
    begins: Subscription | None = None
    ends: Subscription | None = None
    code: str = ""


class Conversation:
    """The commands of one connection, in order; `wall` tells seconds UTC since 1970."""

    def __init__(self, markets: AbstractSet[str], wall: Callable[[], float]) -> None:
        self._markets = markets
        self._wall = wall

    def receive(self, text: bytes) -> tuple[str, list[Reply]]:
        """Return what a message asked to have done (its `op`), and the replies to it."""
        try:
            command = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            command = None
        op = command.get("op") if isinstance(command, dict) else None
        if not isinstance(op, str):
            return "", [self._refuse("error", _BAD_JSON)]
        return op, list(self._carry_out(op, command))

    def _carry_out(self, op: str, command: dict[str, Any]) -> Iterator[Reply]:
        tag = _tag(command)
        if op == "ping":
            # The same as of any command, but for the success that a pong has nothing to say of.
            yield Reply(answer("pong", self._now(), tag=tag, success=None))
        elif op in {"subscribe", "unsubscribe"}:
            args = command.get("args")
            if not isinstance(args, list) or not args:
                yield self._refuse(op, _BAD_JSON, tag)
                return
            for arg in args:
                yield self._subscribe(op, arg, tag)
        else:
            yield self._refuse(op, _BAD_JSON, tag)

    def _subscribe(self, op: str, arg: object, tag: str | None) -> Reply:
        subscription = parse_subscription(arg, self._markets)
        channel = arg if isinstance(arg, str) else msgspec.json.encode(arg).decode()
        if subscription is None:
            return self._refuse(op, _BAD_MARKET, tag, channel)
        payload = answer(op, self._now(), tag=tag, channel=channel)
        if op == "subscribe":
            return Reply(payload, begins=subscription)
        return Reply(payload, ends=subscription)

    def _refuse(
        self, op: str, refusal: tuple[str, str], tag: str | None = None, channel: str | None = None
    ) -> Reply:
        payload = answer(op, self._now(), tag=tag, channel=channel, refusal=refusal)
        return Reply(payload, code=refusal[0])

    def _now(self) -> int:
        return int(self._wall() * 1000)


def _tag(command: dict[str, Any]) -> str | None:
    tag = command.get("tag")
    return None if tag is None else str(tag)
