from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.simulator.exchange.conversation import Account, Conversation
from pipeline.simulator.exchange.limits import Limits
from tests.simulator.exchange.client import BTC, ETH, Clock

ACCOUNT = Account("a key", "its secret")


class _Talk:
    """A conversation whose clocks go when they are told to."""

    def __init__(self, account: Account | None = ACCOUNT) -> None:
        self.clock = Clock()
        self.wall = Clock(1652711966.653)
        limits = Limits()
        self._conversation = Conversation(
            {BTC, ETH}, limits, account, clock=self.clock, wall=self.wall
        )

    def say(self, command: Any, *, after: float = 1.0) -> list[dict[str, Any]]:
        self.clock.now += after
        text = command if isinstance(command, str) else json.dumps(command)
        _, replies = self._conversation.receive(text.encode())
        return [json.loads(reply.payload) for reply in replies]

    def login(self, **changes: str) -> dict[str, Any]:
        stamp = changes.get("timestamp", "1652711966653")
        data = {"apiKey": "a key", "timestamp": stamp, "signature": ACCOUNT.signature(stamp)}
        return self.say({"op": "login", "tag": 1, "data": data | changes})[0]


def test_login_is_signed_as_documented() -> None:
    """The signature of a known key, secret and time, computed by another program."""
    assert ACCOUNT.signature("1652711966653") == "LJMW5iMmd9fjg1VnXEsVrMSH4awEuHY4vQhxyTK+WDo="
    told = {"event": "login", "success": True, "tag": "1", "timestamp": "1652711966653"}
    assert _Talk().login() == told


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signature": "bm8="}, "20000"),
        ({"signature": "\u20ac"}, "20000"),
        ({"timestamp": "1652711906652"}, "20024"),
        ({"timestamp": "1652712026654"}, "20024"),
        ({"timestamp": "2022-05-16T14:39:26"}, "20024"),
        ({"apiKey": "another"}, "20025"),
    ],
)
def test_login_that_does_not_fit_is_refused(changes: dict[str, str], code: str) -> None:
    """Each thing that is wrong has its code, and the limit stays that of a stranger."""
    talk = _Talk()
    refused = talk.login(**changes)
    assert (refused["event"], refused["success"], refused["code"]) == ("login", False, code)
    assert talk.say({"op": "ping"}, after=0.5)[0]["code"] == "20007"


def test_without_an_account_nobody_logs_in() -> None:
    """An exchange that knows no key refuses all; one who is in is refused a second time."""
    assert _Talk(None).login()["code"] == "20025"
    talk = _Talk()
    assert talk.login()["success"] is True
    assert talk.login()["code"] == "20005"


def test_timestamp_may_be_a_minute_off() -> None:
    """In both directions, to the millisecond."""
    for stamp in ("1652711906653", "1652712026653"):
        assert _Talk().login(timestamp=stamp)["success"] is True


def test_a_stranger_has_one_command_a_second() -> None:
    """What is too rapid is not carried out, and does not count; it is answered with its tag."""
    talk = _Talk()
    subscribe = {"op": "subscribe", "tag": "a", "args": [f"depth:{BTC}", f"depth:{ETH}"]}
    assert [told["success"] for told in talk.say(subscribe)] == [True, True]
    (refused,) = talk.say(subscribe, after=0.9)
    assert refused == {
        "event": "subscribe",
        "success": False,
        "tag": "a",
        "code": "20007",
        "message": refused["message"],
        "timestamp": "1652711966653",
    }
    assert len(talk.say(subscribe, after=0.1)) == 2
    assert talk.say("{", after=0.1)[0]["code"] == "20007"


def test_who_is_logged_in_has_fifty() -> None:
    """The login itself is still counted as a stranger's."""
    talk = _Talk()
    talk.login()
    answers = [talk.say({"op": "ping"}, after=0.001)[0] for _ in range(51)]
    assert [told["event"] for told in answers[:50]] == ["pong"] * 50
    assert answers[50]["code"] == "20007"
    assert talk.say({"op": "ping"}, after=0.96)[0]["event"] == "pong"


def test_a_message_can_be_too_long() -> None:
    """64 KiB are not, a byte more is, whatever it says; and it counts as a command."""
    talk = _Talk()
    text = '{"op":"ping"}'
    longest = 64 << 10
    assert talk.say(text.ljust(longest))[0]["event"] == "pong"
    assert talk.say(text.ljust(longest + 1))[0]["code"] == "20027"
    assert talk.say(text, after=0.5)[0]["code"] == "20007"


def test_unknown_operation_is_refused() -> None:
    """Orders are none of a market-data exchange's business."""
    (refused,) = _Talk().say({"op": "placeorder", "tag": 123, "data": {}})
    assert (refused["event"], refused["tag"], refused["code"]) == ("placeorder", "123", "20003")
