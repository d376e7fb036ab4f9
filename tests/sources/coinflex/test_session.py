from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.coinflex.dialects import LIMITS
from pipeline.sources.coinflex.events import (
    Acknowledged,
    Control,
    Data,
    LoginRefused,
    Refused,
    Unreadable,
)
from pipeline.sources.coinflex.login import Login
from pipeline.sources.coinflex.session import Session
from tests.sources.coinflex.exchange import Conversation, Exchange, frame

if TYPE_CHECKING:
    from random import Random

    from pipeline.sources.coinflex.events import Event

KEY, SECRET = "a-key-that-must-not-show", "a-secret-that-must-not-show"
WELCOME = b'{"event":"Welcome","nonce":"253ae705","timestamp":"1652711966653"}'
NAMES = [f"{channel}:M{n}-USD" for n in range(3) for channel in ("depth", "trade")]


def welcomed(*names: str, login: Login | None = None, began: float = 0.0) -> Session:
    """Return a session that has had its welcome."""
    session = Session(began, names, login)
    session.receive(WELCOME, began)
    return session


def asked(session: Session, now: float) -> list[str]:
    """Return what is subscribed to now; nothing else may be sent."""
    text = session.poll(now, 0)
    if text is None:
        return []
    command = json.loads(text)
    assert command["op"] == "subscribe"
    return list(command["args"])


def answer(session: Session, now: float, **fields: Any) -> Event:
    """Have the session receive a frame of these fields."""
    return session.receive(frame(**fields), now)


def acknowledge(session: Session, name: str, now: float = 0.0) -> Event:
    """Have the session receive an acknowledgement."""
    return answer(session, now, event="subscribe", channel=name, success=True)


# --- what frames mean ---


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (b'{"table":"depth","data":[{"instrumentId":"B-USD"}]}', Data("depth", "B-USD")),
        (b'{"data":{"marketCode" : "B"},"table":"futures/depth"}', Data("futures/depth", "B")),
        (b'{"table":"trade","data":[]}', Data("trade", None)),
        (b'{"table":"market","event":"subscribe","data":7}', Data("market", None)),
        (WELCOME, Control("welcome")),
        (b'{"nonce":7}', Control("welcome")),
        (b'{"event":"pong","timestamp":"1"}', Control("pong")),
        (b'{"event":"unsubscribe","channel":"depth:B","success":true}', Control("unsubscribe")),
        (b'{"success":true}', Control("answer")),
        (b'{"event":"error","success":false,"message":"x"}', Control("refused", "x")),
    ],
)
def test_what_a_frame_means(text: bytes, meaning: Event) -> None:
    """Data are told from what is said about them, however the frame is spelled and ordered."""
    assert Session(0.0, ()).receive(text, 0.0) == meaning


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"table":',
        b'{"table":7}',
        b'{"table":"\xff"}',
        b'{"other":1}',
        b'{"other":' + b"[" * 100_000,
    ],
    ids=range(9),
)
def test_what_is_no_message(text: bytes) -> None:
    """It is said to be none, with a reason, and nothing else happens."""
    session = Session(0.0, ["depth:B"])
    event = session.receive(text, 0.0)
    assert isinstance(event, Unreadable)
    assert event.reason
    assert session.poll(0.0, 0) is None


# --- when commands are sent ---


@pytest.mark.parametrize("login", [None, Login(KEY, SECRET)])
def test_nothing_is_sent_before_the_welcome(login: Login | None) -> None:
    """Commands begin with the welcome."""
    session = Session(100.0, NAMES, login)
    session.receive(b'{"table":"depth","data":[]}', 101.0)
    assert session.poll(104.9, 0) is None
    assert session.next_poll(104.9) == 105.0
    session.receive(WELCOME, 104.9)
    assert session.next_poll(104.9) == 104.9
    assert session.poll(104.9, 0) is not None


def test_without_a_welcome_it_goes_on_after_5_s() -> None:
    """An exchange that forgot its manners is asked all the same."""
    session = Session(100.0, NAMES)
    assert asked(session, 105.0) == NAMES


def test_subscriptions_go_out_in_few_commands() -> None:
    """In order, each once, in commands no longer than the limit."""
    names = [f"depth:MARKET-{n}-USD" for n in range(500)]
    session = welcomed(*names, *names)
    texts = []
    for n in itertools.count():
        text = session.poll(n * LIMITS.between_commands, 0)
        if text is None:
            break
        texts.append(text)
    assert max(map(len, texts)) <= LIMITS.command_bytes
    assert len(texts) <= 4
    commands = [json.loads(text) for text in texts]
    assert [name for command in commands for name in command["args"]] == names
    assert len({command["tag"] for command in commands}) == len(commands)


def test_a_name_that_is_too_long_goes_alone() -> None:
    """It is for the exchange to refuse it."""
    long = "depth:" + "X" * LIMITS.command_bytes
    session = welcomed("depth:A", long, "depth:B")
    found = [asked(session, n * 2.0) for n in range(3)]
    assert found == [["depth:A"], [long], ["depth:B"]]


def test_commands_keep_their_distance() -> None:
    """A second command waits, and it is said for how long."""
    session = welcomed("depth:A")
    assert asked(session, 0.0) == ["depth:A"]
    session.want(["depth:B"])
    assert asked(session, 1.0) == []
    assert session.next_poll(1.0) == LIMITS.between_commands
    assert asked(session, LIMITS.between_commands) == ["depth:B"]


def test_what_is_wanted_again_is_not_asked_again() -> None:
    """Whether it stands, was refused or waits: once is enough."""
    session = welcomed("depth:A", "depth:B", "depth:C")
    assert len(asked(session, 0.0)) == 3
    acknowledge(session, "depth:A")
    answer(session, 0.0, event="subscribe", channel="depth:B", success=False, code="20015")
    session.want(["depth:A", "depth:B", "depth:C", "depth:D", "depth:D"])
    assert asked(session, 2.0) == ["depth:D"]


# --- what becomes of them ---


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("depth:B-USD", "depth:B-USD"),
        ("depth:B-USD", "futures/depth:B-USD"),
        ("futures/depth:B-USD", "depth:B-USD"),
        ("futures/depth:B-USD", "futures/depth:B-USD"),
    ],
)
def test_depth_is_acknowledged_in_either_spelling(wanted: str, told: str) -> None:
    """It stands under the name by which it was asked for."""
    session = welcomed(wanted, "depthL5:B-USD", "trade:B-USD")
    asked(session, 0.0)
    assert acknowledge(session, told) == Acknowledged(wanted)
    assert session.acknowledged == {wanted}
    assert not session.is_settled
    acknowledge(session, "depthL5:B-USD")
    acknowledge(session, "trade:B-USD")
    assert session.is_settled


def test_a_refused_market_leaves_the_others() -> None:
    """One argument's refusal is no other's."""
    session = welcomed("depth:A", "depth:B")
    asked(session, 0.0)
    refusal = {"event": "subscribe", "success": False, "code": "20015", "message": "no such"}
    assert answer(session, 0.1, channel="futures/depth:A", **refusal) == Refused(
        "depth:A", 20015, "no such"
    )
    assert acknowledge(session, "depth:B") == Acknowledged("depth:B")
    assert session.is_settled
    assert session.refused == {"depth:A": "no such"}
    assert session.poll(1000.0, 0) is None


def test_a_refusal_that_names_nothing_is_believed_when_it_comes_again() -> None:
    """It may be about another command, or a second word about one that was taken back."""
    session = welcomed("depth:A")
    for now in (0.0, 2.0):
        assert asked(session, now) == ["depth:A"]
        told = answer(session, now + 0.1, event="subscribe", success=False, code=20027)
        assert told == Control("refused", "no reason given")
    assert asked(session, 4.0) == ["depth:A"]
    told = answer(session, 4.1, event="subscribe", success=False, code=20027)
    assert told == Refused("depth:A", 20027, "no reason given")
    assert session.is_settled


@pytest.mark.parametrize("tag", [{"tag": "1"}, {"tag": 1}])
def test_a_refused_command_is_asked_for_one_by_one(tag: dict[str, Any]) -> None:
    """Where it is not said which argument is wrong, only that one ends up refused."""
    session = welcomed("depth:A", "depth:B")
    asked(session, 0.0)
    told = answer(session, 0.1, event="subscribe", success=False, code=20015, message="no", **tag)
    assert told == Control("refused", "20015: no")
    assert asked(session, 2.0) == ["depth:A"]
    last = {name: str(int(value) + 1) for name, value in tag.items()}
    refused = answer(session, 2.1, event="subscribe", success=False, code=20015, **last)
    assert refused == Refused("depth:A", 20015, "no reason given")
    assert asked(session, 4.0) == ["depth:B"]


@pytest.mark.parametrize("about", [{"tag": "1"}, {"channel": "depth:A"}, {}])
def test_too_rapid_is_asked_again_after_a_pause(about: dict[str, str]) -> None:
    """20007 refuses nothing for good, not even a single subscription, however often it comes."""
    session, now = welcomed("depth:A"), 0.0
    for number in range(1, 7):
        assert asked(session, now) == ["depth:A"]
        told = about | ({"tag": str(number)} if "tag" in about else {})
        answer(session, now + 0.5, event="subscribe", success=False, code="20007", **told)
        assert not session.is_settled
        assert asked(session, now + 2.4) == []
        now = session.next_poll(now + 2.4)
    assert session.refused == {}


def test_too_long_is_asked_again_in_shorter_commands() -> None:
    """20027 halves commands until the exchange takes them; nothing is left out."""
    names = [f"depth:MARKET-{n}" for n in range(100)]
    session, now, taken = welcomed(*names), 0.0, set()
    while not session.is_settled:
        now = session.next_poll(now)
        text = session.poll(now, 0)
        assert text is not None
        if len(text) > 200:
            answer(session, now, event="subscribe", success=False, code="20027")
            continue
        for name in json.loads(text)["args"]:
            taken.add(name)
            acknowledge(session, name, now)
    assert taken == session.acknowledged == {*names}


def test_no_answer_is_asked_again_twice() -> None:
    """After 10 s each; then it counts as refused, and all is settled."""
    session, times = welcomed("depth:A", "depth:B"), []
    acknowledged = False
    now = 0.0
    while not session.is_settled:
        if names := asked(session, now):
            times.append((now, names))
            if not acknowledged:
                acknowledged = acknowledge(session, "depth:B") == Acknowledged("depth:B")
        now = session.next_poll(now)
        if now >= 30.0:
            asked(session, now)
    assert times == [(0.0, ["depth:A", "depth:B"]), (10.0, ["depth:A"]), (20.0, ["depth:A"])]
    assert session.refused == {"depth:A": "no answer in 3 tries"}


def test_an_answer_that_comes_late_counts() -> None:
    """What has been given up stands after all; what waits to be asked again need not be."""
    session = welcomed("depth:A", "depth:B", "depth:C")
    asked(session, 0.0)
    session.want(["trade:A"])
    assert asked(session, 10.0) == ["trade:A", "depth:A", "depth:B", "depth:C"]
    session = welcomed("depth:A", "depth:B", "depth:C")
    asked(session, 9.5)
    session.want(["trade:A"])
    assert asked(session, 19.0) == ["trade:A"]
    assert session.poll(19.5, 0) is None  # now they wait, for the distance alone
    assert acknowledge(session, "depth:A", 19.6) == Acknowledged("depth:A")
    late = answer(session, 19.6, event="subscribe", channel="depth:B", success=False, code=20015)
    assert late == Refused("depth:B", 20015, "no reason given")
    assert asked(session, 21.0) == ["depth:C"]


def test_after_three_tries_an_acknowledgement_still_counts() -> None:
    """Refused is only what does not stand."""
    session = welcomed("depth:A")
    for now in (0.0, 10.0, 20.0, 30.0):
        asked(session, now)
    assert session.refused
    acknowledge(session, "depth:A", 40.0)
    assert (session.acknowledged, session.refused) == ({"depth:A"}, {})


@pytest.mark.parametrize("code", ["20007", "20015"])
def test_what_stands_is_not_refused_later(code: str) -> None:
    """The answer to a question asked twice does not undo the first one's, nor is it asked again."""
    session = welcomed("depth:A")
    asked(session, 0.0)
    acknowledge(session, "depth:A")
    acknowledge(session, "depth:A")
    told = answer(session, 1.0, event="subscribe", channel="depth:A", success=False, code=code)
    assert isinstance(told, Control)
    assert (session.acknowledged, session.refused) == ({"depth:A"}, {})
    assert session.poll(100.0, 0) is None


def test_what_was_not_asked_for_does_not_stand() -> None:
    """An acknowledgement of something else is only something said."""
    session = welcomed("depth:A")
    assert acknowledge(session, "depth:A") == Control("subscribe")  # not asked for yet
    asked(session, 0.0)
    assert acknowledge(session, "depth:B") == Control("subscribe")
    assert session.acknowledged == set()
    assert not session.is_settled


# --- login ---


def logging_in() -> Session:
    """Return a session that has sent its login at 0."""
    session = welcomed(*NAMES, login=Login(KEY, SECRET))
    text = session.poll(0.0, 1_600_000_000_000)
    assert text is not None
    assert json.loads(text) == Login(KEY, SECRET).command(1, 1_600_000_000_000)
    return session


def test_login_comes_first_and_lifts_the_limit() -> None:
    """Nothing is sent before its answer; then commands may follow quickly."""
    session = logging_in()
    assert session.poll(5.0, 0) is None
    told = answer(session, 5.0, event="login", success=True, tag="1")
    assert isinstance(told, Control)
    assert told.is_private
    assert asked(session, 5.0) == NAMES
    session.want(["depth:X"])
    assert asked(session, 5.021) == []
    assert asked(session, 5.023) == ["depth:X"]


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "login", "tag": "1"},
        {"event": "login"},
        {"event": "error", "tag": "1"},
        {"event": "error", "tag": 1},
        {"tag": "1"},
        {"event": "error"},
    ],
    ids=str,
)
def test_a_refused_login_is_done_without(fields: dict[str, Any]) -> None:
    """However the refusal is told, the subscriptions follow, as slowly as without a key."""
    session = logging_in()
    told = answer(session, 0.2, success=False, code="20025", message="bad key", **fields)
    assert told == LoginRefused(20025, "bad key")
    assert asked(session, 1.0) == []
    assert asked(session, 1.1) == NAMES
    session.want(["depth:X"])
    assert asked(session, 2.1) == []
    assert asked(session, 2.2) == ["depth:X"]


def test_a_login_that_came_too_rapidly_keeps_what_follows_away() -> None:
    """20007 is a reason to wait, whichever command it answers."""
    session = logging_in()
    answer(session, 0.5, event="login", success=False, code="20007")
    assert asked(session, 2.4) == []
    assert asked(session, 2.5) == NAMES


def test_a_login_without_an_answer_is_done_without() -> None:
    """After 10 s."""
    session = logging_in()
    assert session.next_poll(0.0) == 10.0
    assert session.poll(9.9, 0) is None
    assert asked(session, 10.0) == NAMES


def test_a_login_granted_late_keeps_the_distance() -> None:
    """Nor does one that is granted twice let commands follow each other at once."""
    session = logging_in()
    assert asked(session, 10.0) == NAMES
    session.want(["depth:X"])
    for _ in range(2):
        answer(session, 10.001, event="login", success=True, tag="1")
    assert asked(session, 10.02) == []
    assert asked(session, 10.03) == ["depth:X"]
    session.want(["depth:Y"])
    answer(session, 10.031, event="subscribe", tag="3", success=False, code="20007")
    answer(session, 10.032, event="login", success=True, tag="1")
    assert asked(session, 12.0) == []


def test_a_login_that_nobody_asked_for_lifts_no_limit() -> None:
    """Without a key, commands stay a second apart whatever the exchange says."""
    session = welcomed("depth:A")
    assert asked(session, 0.0) == ["depth:A"]
    answer(session, 0.0, event="login", success=True)
    session.want(["depth:B"])
    assert asked(session, 1.0) == []


def test_the_key_shows_nowhere() -> None:
    """Neither in a repr nor in what is told of the exchange's words, which may repeat it."""
    session = logging_in()
    shown = [repr(session), str(session), repr(vars(session)["login"])]
    words = f"no such key: {KEY} ({SECRET})"
    shown.append(repr(answer(session, 0.1, event="login", success=False, message=words)))
    asked(session, 2.0)
    channel = {"channel": NAMES[0]}
    for fields in ({}, channel, {"success": True}):
        told = {"event": "error", "success": False, "message": words, "code": "20009"} | fields
        shown.append(repr(answer(session, 2.1, **told)))
    shown.append(repr(session))
    assert not [text for text in shown if KEY in text or SECRET in text]
    assert "no such key: … (…)" in shown[3]


# --- any history ---


@settings(max_examples=250, deadline=None)
@given(chance=st.randoms(use_true_random=True))
def test_any_conversation_ends_well(chance: Random) -> None:
    """Every subscription ends acknowledged or refused, and no command breaks the limit.

    Whatever the exchange does: greets late or never, spells names its own way, refuses arguments or
    whole commands with and without a tag, finds them too rapid or too long, answers late, twice or
    never, grants or refuses the login or forgets it, while more and more is wanted.
    """
    names = [f"{chance.choice(['depth', 'trade'])}:M{n}" for n in range(chance.randrange(30))]
    first = chance.randrange(len(names) + 1)
    unknown = {name for name in names if chance.random() < 0.2}
    mood = chance.choice([None, "ok", "refused", "unanswered", "late"])
    session = Session(0.0, names[:first], Login(KEY, SECRET) if mood else None)
    exchange = Exchange(chance, unknown, mood or "", is_silent=chance.random() < 0.5)
    talk = Conversation(session, exchange)
    welcome = chance.choice([0.0, 0.5, 3.0, float("inf")])
    if welcome < 5.0:
        talk.later(welcome, WELCOME)
    for name in names[first:]:
        talk.later(chance.uniform(0.0, 20.0), [name, chance.choice(names)])
    for noise in (b'{"table":"depth","data":[]}', b"{", b'{"event":"pong"}'):
        talk.later(chance.uniform(0.0, 60.0), noise)
    talk.go_on(900.0)

    assert all(at >= min(welcome, 5.0) for at, _ in talk.sent)
    for (one, _), (two, _) in itertools.pairwise(talk.sent):
        fast = two >= exchange.granted
        least = LIMITS.between_commands_logged_in if fast else LIMITS.between_commands
        assert two - one >= least - 1e-9
    assert session.is_settled
    assert session.acknowledged | session.refused.keys() == {*names}
    assert not session.acknowledged & session.refused.keys()
    assert session.acknowledged == exchange.acknowledged.keys()
    for name in session.refused.keys() - unknown:
        assert exchange.is_silent
        assert session.refused[name] == "no answer in 3 tries"
