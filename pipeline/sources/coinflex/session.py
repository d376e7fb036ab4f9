"""One connection to the exchange, without the connection: the protocol as a state machine.

    welcome ─▶ login, if there is a key ─▶ subscribe, packed into few commands ─▶ acknowledgements
                                           ▲                                          │
                                           └── again, if too rapid, too long, or unanswered

`receive` takes a frame and says what it means, `poll` says what is to be sent by now, `next_poll`
when to ask again. Nothing here knows a socket or a clock: time is a parameter, in seconds of any
clock that does not run backwards.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from pipeline.channels import canonical_channel
from pipeline.sources.coinflex.dialects import LIMITS, Limits
from pipeline.sources.coinflex.events import (
    Acknowledged,
    Control,
    Data,
    LoginRefused,
    Refused,
    Unreadable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.sources.coinflex.events import Event
    from pipeline.sources.coinflex.login import Login

__all__ = ["Session"]

# The exchange's codes that say something of a command, not of a market.
_TOO_RAPID: Final = 20007
_TOO_LONG: Final = 20027
# How long to wait, in seconds: for the welcome, before going on without; for an answer; after
# commands came too rapidly.
_WELCOME: Final = 5.0
_ANSWER: Final = 10.0
_CALM: Final = 2.0
# So often a subscription is asked for before no answer counts as a refusal.
_TRIES: Final = 3
_NO_REASON: Final = "no reason given"

_BEGINS: Final = re.compile(rb'\{"table":"([\w/-]+)",')
_MARKET: Final = re.compile(rb'"(?:instrumentId|marketCode)"\s*:\s*"([^"\\]*)"')


class _Frame(msgspec.Struct):
    table: str | None = None
    event: str | None = None
    nonce: msgspec.Raw = msgspec.Raw(b"")
    channel: str | None = None
    success: bool | None = None
    code: int | str | None = None
    message: str | None = None
    tag: int | str | None = None


_decode: Final = msgspec.json.Decoder(_Frame).decode


@dataclass
class _Command:
    """A subscribe command that was sent: what of it is not answered yet, and since when."""

    waiting: set[str]
    sent: float


@dataclass
class _Login:
    tag: int | None = None  # of the command, once it was sent
    sent: float = 0.0
    is_open: bool = True  # whether it is still to be sent, or to be answered
    stands: bool = False


@dataclass
class Session:
    """One connection that began at a time (`now`), which is to stand for some subscriptions.

    A subscription is what the exchange calls it: channel:market. `acknowledged` are those that
    stand, `refused` those that don't, with the reason.
    """

    began: float
    wanted: Iterable[str]
    login: Login | None = None
    limits: Limits = LIMITS
    acknowledged: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sent = float("-inf")  # when a command last was
        self._calm_until = self.began
        self._queue = deque(dict.fromkeys(self.wanted))
        self._asked: dict[str, int] = {}  # subscription → how often
        self._commands: dict[str, _Command] = {}  # by tag
        self._tag = 0
        self._welcomed = False
        self._login = _Login(is_open=self.login is not None)
        self._longest = self.limits.command_bytes

    @property
    def is_settled(self) -> bool:
        """Whether each subscription was acknowledged or refused."""
        return not self._queue and not self._commands

    def want(self, subscriptions: Iterable[str]) -> None:
        """Let further subscriptions stand."""
        known = {*self._queue, *self._asked}
        self._queue.extend(name for name in dict.fromkeys(subscriptions) if name not in known)

    # --- what to send --------------------------------------------------------------------------

    def poll(self, now: float, utc_ms: int) -> bytes | None:
        """Return the command to send now, if it is time for one; it counts as sent."""
        self._give_up_waiting(now)
        if not self._may_send(now):
            return None
        if self._login.is_open:
            return self._log_in(now, utc_ms)
        if not self._queue:
            return None
        return self._subscribe(now)

    def next_poll(self, now: float) -> float:
        """Return when to poll again, if nothing is received before."""
        times = [command.sent + _ANSWER for command in self._commands.values()]
        if self._awaits_login:
            times.append(self._login.sent + _ANSWER)
        elif self._queue or self._login.is_open:
            welcome = self.began + _WELCOME
            times.append(max(self._not_before, self.began if self._welcomed else welcome))
        return max(now, min(times, default=now + _ANSWER))

    @property
    def _not_before(self) -> float:
        limits = self.limits
        fast = self._login.stands
        between = limits.between_commands_logged_in if fast else limits.between_commands
        return max(self._calm_until, self._sent + between)

    def _may_send(self, now: float) -> bool:
        greeted = self._welcomed or now >= self.began + _WELCOME
        return greeted and now >= self._not_before and not self._awaits_login

    @property
    def _awaits_login(self) -> bool:
        return self._login.is_open and self._login.tag is not None

    def _log_in(self, now: float, utc_ms: int) -> bytes:
        assert self.login is not None  # noqa: S101 - or it would not be open
        self._login.tag, self._login.sent = self._next_tag(now), now
        return _encoded(self.login.command(self._login.tag, utc_ms))

    def _subscribe(self, now: float) -> bytes:
        tag = self._next_tag(now)
        args: list[str] = []
        while self._queue:
            command = _encoded({"op": "subscribe", "tag": tag, "args": [*args, self._queue[0]]})
            if args and len(command) > self._longest:
                break
            args.append(self._queue.popleft())
        for name in args:
            self._asked[name] = self._asked.get(name, 0) + 1
        self._commands[str(tag)] = _Command(set(args), now)
        return _encoded({"op": "subscribe", "tag": tag, "args": args})

    def _next_tag(self, now: float) -> int:
        self._sent = now
        self._tag += 1
        return self._tag

    def _give_up_waiting(self, now: float) -> None:
        """Ask again for what was not answered in time; a login without an answer is none."""
        if self._awaits_login and now >= self._login.sent + _ANSWER:
            self._login.is_open = False
        for tag in [tag for tag, of in self._commands.items() if now >= of.sent + _ANSWER]:
            for name in sorted(self._commands.pop(tag).waiting):
                if self._asked[name] < _TRIES:
                    self._queue.append(name)
                else:
                    self.refused[name] = f"no answer in {_TRIES} tries"

    # --- what was received ---------------------------------------------------------------------

    def receive(self, frame: bytes, now: float) -> Event:
        """Return what a frame means; takes note of it, where it answers what was sent."""
        begins = _BEGINS.match(frame)
        if begins and frame.endswith(b"}"):  # as nearly all are: to read them is not for here
            return Data(begins[1].decode(), _market_in(frame))
        try:
            said = _decode(frame)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return Unreadable(str(error))
        if said.table is not None:
            return Data(said.table, _market_in(frame))
        if said.event is None and not said.nonce and said.success is None:
            return Unreadable("neither a table nor an event")
        return self._answered(said, now)

    def _answered(self, said: _Frame, now: float) -> Event:
        event = (said.event or "").lower()
        if said.nonce or event == "welcome":
            self._welcomed = True
            return Control("welcome")
        if event == "login" or self._is_about_login(said):
            return self._logged_in(said, now)
        if said.success is False:
            return self._refused(said, now)
        name = self._as_asked(said.channel) if said.channel is not None else None
        if event == "subscribe" and name in self._asked:
            self._settle(name)
            self.refused.pop(name, None)
            self.acknowledged.add(name)
            return Acknowledged(name)
        return Control(event or "answer", self._words(said))

    def _is_about_login(self, said: _Frame) -> bool:
        """Say whether an answer is to the login: by its tag, or as nothing else is to be answered.

        While a login waits for its answer nothing else is sent.
        """
        if said.tag is not None:
            return self._login.tag is not None and str(said.tag) == str(self._login.tag)
        return self._awaits_login and said.channel is None and said.success is False

    def _logged_in(self, said: _Frame, now: float) -> Event:
        if self._login.tag is None:
            return Control("login", is_private=True)  # nobody has asked
        self._login.is_open = False
        self._login.stands = said.success is True
        if self._login.stands:
            return Control("login", is_private=True)
        code = _code(said.code)
        self._keep_calm(code, now)
        return LoginRefused(code, self._words(said) or _NO_REASON)

    def _refused(self, said: _Frame, now: float) -> Event:
        """Take a refusal: of a subscription, or of a whole command, which its tag tells."""
        code, message = _code(said.code), self._words(said) or _NO_REASON
        names = self._unanswered(said)
        if code == _TOO_RAPID:
            self._keep_calm(code, now)
        elif len(names) == 1:
            # One that names neither may be about another: it is believed when it comes again.
            is_named = said.channel is not None or said.tag is not None
            if is_named or self._asked[names[0]] >= _TRIES:
                self.refused[names[0]] = message
                return Refused(names[0], code, message)
            self._queue.append(names[0])
            return Control("refused", message)
        elif names:
            # Shorter commands; or, where it is not said which of them is wrong, each alone.
            self._longest = max(1, self._longest // 2) if code == _TOO_LONG else 1
        for name in names:
            self._asked[name] = max(0, self._asked[name] - 1)  # it was not looked at
            self._queue.appendleft(name)
        return Control("refused", f"{code}: {message}" if code else message)

    def _keep_calm(self, code: int | None, now: float) -> None:
        if code == _TOO_RAPID:
            self._calm_until = max(self._calm_until, now + _CALM)

    def _words(self, said: _Frame) -> str:
        """Return the exchange's message, without the key where it repeats that."""
        words = said.message or ""
        for secret in (self.login.key, self.login.secret) if self.login else ():
            words = words.replace(secret, "…")
        return words

    def _unanswered(self, said: _Frame) -> list[str]:
        """Take back the subscriptions that a refusal is about: one, or those of a command."""
        if said.channel is not None:
            name = self._as_asked(said.channel)
            return [name] if self._settle(name) and name not in self.acknowledged else []
        # Without a tag it is about the oldest command: answers come in order.
        tag = str(said.tag) if said.tag is not None else next(iter(self._commands), "")
        command = self._commands.pop(tag, None)
        return sorted(command.waiting, reverse=True) if command else []

    def _as_asked(self, channel: str) -> str:
        """Return a subscription as it was asked for: the exchange may spell its depth otherwise."""
        if channel in self._asked:
            return channel
        table, _, market = channel.partition(":")
        same = (name for name in self._asked if name.partition(":")[2] == market)
        canonical = canonical_channel(table)
        found = (name for name in same if canonical_channel(name.partition(":")[0]) == canonical)
        return next(found, channel)

    def _settle(self, subscription: str) -> bool:
        """Take note that there is an answer for a subscription; say whether one was due.

        An answer that comes late finds it waiting to be asked for once more: it need not be.
        """
        was_due = subscription in self._asked and subscription in self._queue
        if was_due:
            self._queue.remove(subscription)
        for tag, command in list(self._commands.items()):
            was_due |= subscription in command.waiting
            command.waiting.discard(subscription)
            if not command.waiting:
                del self._commands[tag]
        return was_due


def _market_in(frame: bytes) -> str | None:
    market = _MARKET.search(frame)
    return market[1].decode("utf-8", "replace") if market else None


def _encoded(command: dict[str, Any]) -> bytes:
    return msgspec.json.encode(command)


def _code(code: int | str | None) -> int | None:
    try:
        return None if code is None else int(code)
    except ValueError:
        return None
