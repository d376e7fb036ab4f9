"""What is said to a client's commands; no socket in it, only text and time."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from pipeline.simulator.exchange.subscriptions import parse_subscription
from pipeline.simulator.exchange.wire import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet

    from pipeline.simulator.exchange.limits import Limits
    from pipeline.simulator.exchange.subscriptions import Subscription

__all__ = ["Account", "Conversation", "Refusal", "Reply"]


class Refusal(NamedTuple):
    """Why a command is not carried out."""

    code: str
    message: str


_BAD_SIGNATURE: Final = Refusal("20000", "The signature does not fit the key and the timestamp")
_UNKNOWN_OPERATION: Final = Refusal("20003", "There is no such operation")
_LOGGED_IN: Final = Refusal("20005", "This connection is logged in already")
_TOO_RAPID: Final = Refusal("20007", "Too many commands in a second")
_BAD_JSON: Final = Refusal("20009", "The message is not the JSON of a command")
_BAD_MARKET: Final = Refusal("20015", "The channel or its market code does not exist")
_BAD_TIMESTAMP: Final = Refusal("20024", "The timestamp is too far from the exchange's clock")
_BAD_KEY: Final = Refusal("20025", "There is no such API key")
_TOO_LONG: Final = Refusal("20027", "The message is longer than a command may be")
_SIGNED: Final = "GET/auth/self/verify"
_LOGIN_TOLERANCE_MS: Final = 60_000


class Account(NamedTuple):
    """The key that can log in, and its secret."""

    key: str
    secret: str

    def signature(self, timestamp: str) -> str:
        """Return what a login with this timestamp (milliseconds, as text) has to be signed with."""
        signed = hmac.new(self.secret.encode(), (timestamp + _SIGNED).encode(), hashlib.sha256)
        return base64.b64encode(signed.digest()).decode()


@dataclass(frozen=True)
class Reply:
    """An answer, and what the exchange does along with it.

    `begins` and `ends` are subscriptions; the data of one that begins come after the answer.
    `name` is the channel as the client spells it.
    """

    payload: bytes
    begins: Subscription | None = None
    name: str = ""
    ends: Subscription | None = None
    code: str = ""


class Conversation:
    """The commands of one connection, in order.

    `clock` tells the seconds that limits are counted in, `wall` seconds UTC since 1970. `refuses`
    says whether a subscription to a market is refused though nothing is wrong with it.
    """

    def __init__(
        self,
        markets: AbstractSet[str],
        limits: Limits,
        account: Account | None,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        refuses: Callable[[str], bool] = lambda _market: False,
    ) -> None:
        self._markets = markets
        self._limits = limits
        self._account = account
        self._clock = clock
        self._wall = wall
        self._refuses = refuses
        self._logged_in = False
        self._commands = limits.commands(logged_in=False)

    def receive(self, text: bytes) -> tuple[str, list[Reply]]:
        """Return what a message asked to have done (its `op`), and the replies to it."""
        allowed = self._commands.allow(self._clock())
        if len(text) > self._limits.message:
            return "", [self._refuse("error", _TOO_LONG)]
        try:
            command = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            command = None
        op = command.get("op") if isinstance(command, dict) else None
        if not isinstance(op, str):
            return "", [self._refuse("error", _BAD_JSON if allowed else _TOO_RAPID)]
        if not allowed:
            return op, [self._refuse(op, _TOO_RAPID, _tag(command))]
        return op, list(self._carry_out(op, command))

    def _carry_out(self, op: str, command: dict[str, Any]) -> Iterator[Reply]:
        tag = _tag(command)
        if op == "ping":
            yield Reply(answer("pong", self._now(), tag=tag, success=None))
        elif op == "login":
            yield self._login(command.get("data"), tag)
        elif op in {"subscribe", "unsubscribe"}:
            args = command.get("args")
            if not isinstance(args, list) or not args:
                yield self._refuse(op, _BAD_JSON, tag)
                return
            for arg in args:
                yield self._subscribe(op, arg, tag)
        else:
            yield self._refuse(op, _UNKNOWN_OPERATION, tag)

    def _login(self, data: object, tag: str | None) -> Reply:
        refusal = self._login_refusal(data if isinstance(data, dict) else {})
        if refusal is not None:
            return self._refuse("login", refusal, tag)
        self._logged_in = True
        self._commands = self._limits.commands(logged_in=True)
        return Reply(answer("login", self._now(), tag=tag))

    def _login_refusal(self, data: dict[str, Any]) -> Refusal | None:
        key, timestamp, signature = (str(data.get(n)) for n in ("apiKey", "timestamp", "signature"))
        if self._logged_in:
            return _LOGGED_IN
        if self._account is None or key != self._account.key:
            return _BAD_KEY
        in_time = timestamp.isdecimal() and abs(int(timestamp) - self._now()) <= _LOGIN_TOLERANCE_MS
        if not in_time:
            return _BAD_TIMESTAMP
        right = self._account.signature(timestamp)
        same = hmac.compare_digest(signature.encode(), right.encode())
        return None if same else _BAD_SIGNATURE

    def _subscribe(self, op: str, arg: object, tag: str | None) -> Reply:
        subscription = parse_subscription(arg, self._markets)
        channel = arg if isinstance(arg, str) else msgspec.json.encode(arg).decode()
        if subscription is None or (op == "subscribe" and self._refuses(subscription[1])):
            return self._refuse(op, _BAD_MARKET, tag, channel)
        payload = answer(op, self._now(), tag=tag, channel=channel)
        if op == "subscribe":
            return Reply(payload, begins=subscription, name=channel.partition(":")[0])
        return Reply(payload, ends=subscription)

    def _refuse(
        self, op: str, refusal: Refusal, tag: str | None = None, channel: str | None = None
    ) -> Reply:
        payload = answer(op, self._now(), tag=tag, channel=channel, refusal=refusal)
        return Reply(payload, code=refusal.code)

    def _now(self) -> int:
        return int(self._wall() * 1000)


def _tag(command: dict[str, Any]) -> str | None:
    tag = command.get("tag")
    return None if tag is None else str(tag)
