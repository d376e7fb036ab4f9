from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import logging
import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import LakeUnwritable, ServiceRefused
from pipeline.sources.coinflex import session
from pipeline.sources.coinflex.login import Login
from pipeline.sources.flood import Flood
from pipeline.sources.live import Feed
from pipeline.sources.live_retry import Pauses
from tests.sources.loopback import DEADLINE, WELCOME, Loopback, Taken, data, following, until

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from websockets.asyncio.server import ServerConnection

# So short that no log that shortens what it shows would cut them.
KEY, SECRET = "a-key", "a-secret"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is reached directly, whatever this machine's network is like."""
    monkeypatch.setenv("NO_PROXY", "*")


def acknowledged(name: str, tag: int = 1) -> bytes:
    """Return an acknowledgement as the loopback exchange sends it."""
    return b'{"event": "subscribe", "success": true, "tag": "%d", "channel": "%s"}' % (
        tag,
        name.encode(),
    )


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine."""
    asyncio.run(work)


def pauses_in(caplog: pytest.LogCaptureFixture) -> list[float]:
    """Return the pauses that were told, in seconds."""
    found = [record.args for record in caplog.records if "again in" in record.msg]
    return [float(args[-1]) for args in found if isinstance(args, tuple)]  # type: ignore[arg-type]


# --- what the sink is told ---


def test_frames_reach_the_sink_in_order() -> None:
    """All of them, as they are: the welcome, answers, data, and what can't be read."""
    sent = [data(1), b'{"event":"pong"}', b"no JSON \xc3\xbc", data(2), *map(data, range(3, 500))]

    async def then(socket: ServerConnection, _number: int) -> None:
        for frame in sent:
            await socket.send(frame, text=True)

    async def follow() -> None:
        exchange, sink = Loopback(then), Taken()
        async with exchange.running() as url, following(url, sink, "depth:A") as feed:
            await until(lambda: len(sink.lines) == len(sent) + 2)
            assert (feed.state.phase, feed.state.connections) == ("live", 1)
            assert (feed.state.frames["depth"], feed.state.unreadable) == (499, 1)
            assert feed.state.size == sum(map(len, sink.lines))
        assert sink.told == ["connect", WELCOME, acknowledged("depth:A"), *sent, "disconnect"]
        assert [command["args"] for command in exchange.commands] == [["depth:A"]]

    run(follow())


def test_what_came_before_all_stood_is_marked() -> None:
    """The first books come when not all subscriptions stand; a gap tells them from the rest."""
    answers = [acknowledged("depth:A"), data(1), acknowledged("trade:A")]

    async def then(socket: ServerConnection, _number: int) -> None:
        await socket.send(data(2), text=True)

    async def follow() -> None:
        exchange, sink = Loopback(then, answers={"subscribe": answers}), Taken()
        async with exchange.running() as url, following(url, sink, "depth:A", "trade:A"):
            await until(lambda: data(2) in sink.told)
        gap = ["disconnect", "connect"]
        assert sink.told == ["connect", WELCOME, *answers, *gap, data(2), "disconnect"]

    run(follow())


def test_a_disconnect_is_told_before_anything_that_follows() -> None:
    """However the connection ended: closed in order, or cut."""

    async def then(socket: ServerConnection, number: int) -> None:
        await socket.send(data(number), text=True)
        if number == 1:
            await socket.close()
        elif number == 2:
            socket.transport.abort()

    async def follow() -> None:
        exchange, sink = Loopback(then), Taken()
        async with exchange.running() as url, following(url, sink, "depth:A") as feed:
            await until(lambda: data(3) in sink.told)
            assert feed.state.connections == 3
            assert feed.state.last_loss
        one = [["connect", WELCOME, acknowledged("depth:A"), data(n), "disconnect"] for n in (1, 2)]
        assert sink.told[:10] == one[0] + one[1]

    run(follow())


def test_an_error_of_the_sink_ends_the_feed() -> None:
    """A disk that takes no more is no reason to connect again."""

    async def follow() -> None:
        exchange, sink = Loopback(), Taken()
        sink.error = LakeUnwritable("raw", "the disk is full")
        async with exchange.running() as url:
            with pytest.raises(LakeUnwritable):
                async with following(url, sink, "depth:A"):
                    await until(lambda: "disconnect" in sink.told)
        assert len(exchange.sockets) == 1

    run(follow())


# --- subscriptions ---


def test_what_is_wanted_later_is_subscribed_to() -> None:
    """At once, and on every later connection."""

    async def follow() -> None:
        exchange, sink = Loopback(), Taken()
        async with exchange.running() as url, following(url, sink, "depth:A") as feed:
            await until(lambda: feed.state.phase == "live")
            feed.want(["depth:A", "depth:B", "depth:B"])
            await until(lambda: feed.state.subscriptions == 2)
            await exchange.sockets[0].close()
            await until(lambda: len(exchange.commands) == 3 and feed.state.subscriptions == 2)
        asked = [command["args"] for command in exchange.commands]
        assert asked == [["depth:A"], ["depth:B"], ["depth:A", "depth:B"]]

    run(follow())


def test_what_is_not_answered_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is live all the same, though nothing but data comes; the state names what lacks."""
    monkeypatch.setattr(session, "_ANSWER", 0.05)

    async def follow() -> None:
        exchange, sink = Loopback(answers={"subscribe": [acknowledged("depth:A")]}), Taken()
        names = ("depth:A", "depth:B")
        async with exchange.running() as url, following(url, sink, *names) as feed:
            await until(lambda: feed.state.phase == "live")
            assert feed.state.refused == {"depth:B": "no answer in 3 tries"}
            assert feed.state.subscriptions == 1

    run(follow())


@pytest.mark.parametrize(
    "told",
    [
        b'{"event":"login","success":true,"tag":"1"}',
        b'{"event":"login","success":false,"code":"20025","message":"no key %s","tag":"1"}'
        % KEY.encode(),
        b'{"event":"error","success":false,"code":"20025","message":"%s"}' % SECRET.encode(),
    ],
    ids=range(3),
)
def test_nothing_of_the_login_is_kept(told: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the sink nor any log, however talkative, has a word of key, secret or answer."""

    async def follow() -> None:
        exchange, sink = Loopback(answers={"login": [told]}), Taken()
        login = Login(KEY, SECRET)
        async with exchange.running() as url, following(url, sink, "depth:A", login=login) as feed:
            await until(lambda: feed.state.phase == "live")
        assert [command["op"] for command in exchange.commands] == ["login", "subscribe"]
        assert sink.told == ["connect", WELCOME, acknowledged("depth:A", 2), "disconnect"]

    caplog.set_level(logging.INFO, "websockets.server")  # the exchange's own
    caplog.set_level(logging.DEBUG)
    run(follow())
    assert "going on without" in caplog.text or b"true" in told  # these are the logs
    assert KEY not in caplog.text
    assert SECRET not in caplog.text


# --- connections that are made again ---


def test_pauses_grow_while_nobody_is_there(caplog: pytest.LogCaptureFixture) -> None:
    """From failure to failure, up to the longest; and the sink is told nothing."""

    async def follow() -> None:
        async with Loopback().running() as url:
            pass
        sink = Taken()
        async with following(url, sink, first_pause=0.004, longest_pause=0.03):
            await until(lambda: len(pauses_in(caplog)) >= 8)
        assert sink.told == []

    run(follow())
    found = pauses_in(caplog)
    assert all(one <= two for one, two in itertools.pairwise(found[:3]))
    assert 0.002 <= found[0] <= 0.004
    assert all(0.015 <= pause <= 0.03 for pause in found[4:])


def test_pauses_begin_anew_after_a_steady_connection() -> None:
    """What has stood for a minute was no failure; the exchange's own limit holds always."""
    pauses = Pauses(first=1.0, longest=60.0, steady=60.0, least=0.5)
    assert [pauses.next(0.0) > n for n in (0.4, 0.9, 1.9, 3.9)] == [True] * 4
    assert 0.5 <= pauses.next(60.0) <= 1.0
    assert 1.0 <= pauses.next(59.0) <= 2.0
    assert Pauses(first=0.01, longest=1.0, steady=60.0, least=0.5).next(0.0) == 0.5


def test_a_stale_feed_leads_to_a_new_connection() -> None:
    """Though the connection stands, and other channels still speak."""

    async def then(socket: ServerConnection, number: int) -> None:
        await socket.send(data(number), text=True)
        while number == 1:
            await socket.send(b'{"table":"trade","data":[{"marketCode":"A"}]}', text=True)
            await asyncio.sleep(0.005)

    async def follow() -> None:
        exchange, sink, stale = Loopback(then), Taken(), {"depth": 0.1}
        names = ("depth:A", "trade:A")
        async with (
            exchange.running() as url,
            following(url, sink, *names, stale_after=stale) as feed,
        ):
            await until(lambda: data(2) in sink.told)
            assert feed.state.last_loss == "depth has been silent for too long"
        between = sink.told[sink.told.index(data(1)) : sink.told.index(data(2))]
        assert "disconnect" in between

    run(follow())


def test_an_oversized_frame_ends_its_connection() -> None:
    """With 1009 and a reason for the exchange to read; nothing of it is kept, and it goes on."""

    async def then(socket: ServerConnection, number: int) -> None:
        await socket.send(data(number), text=True)
        if number == 1:
            await socket.send(b" " * ((8 << 20) + 1), text=True)

    async def follow() -> None:
        exchange, sink = Loopback(then), Taken()
        async with exchange.running() as url, following(url, sink, "depth:A"):
            await until(lambda: data(2) in sink.told)
            socket = exchange.sockets[0]
            await socket.wait_closed()
            assert (socket.close_code, bool(socket.close_reason)) == (1009, True)
        assert max(map(len, sink.lines)) < 1000

    run(follow())


def test_a_message_in_pieces_without_an_end_ends_its_connection() -> None:
    """Pieces that are empty have no size that could be too large; some are a message."""

    async def then(socket: ServerConnection, number: int) -> None:
        whole = data(number)
        await socket.send([whole[:9], b"", whole[9:]], text=True)
        if number == 1:
            await socket.send((b"" for _ in range(20_000)), text=True)

    async def follow() -> None:
        exchange, sink = Loopback(then), Taken()
        async with exchange.running() as url, following(url, sink, "depth:A") as feed:
            await until(lambda: data(2) in sink.told)
            assert feed.state.last_loss == "a message in more than 1000 pieces"
            assert data(1) in sink.told

    run(follow())


def test_a_flood_ends_its_connection() -> None:
    """More than a minute can have is not taken; the gap is marked, and the reason told."""

    async def then(socket: ServerConnection, _number: int) -> None:
        for number in range(50):
            await socket.send(data(number), text=True)

    async def follow() -> None:
        exchange, sink = Loopback(then), Taken()
        flood = Flood(frames=20)
        async with exchange.running() as url, following(url, sink, "depth:A", flood=flood) as feed:
            await until(lambda: feed.state.last_loss)
            assert feed.state.last_loss == "more than 20 frames in a minute"
            await until(lambda: "disconnect" in sink.told)
            assert len(sink.lines) == 20

    run(follow())


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_who_is_never_let_in_is_told(status: int) -> None:
    """A plain no to the first who comes ends the feed; its sentence says what to look at."""

    async def follow() -> None:
        sink = Taken()
        async with Loopback(statuses=(status,) * 9).running() as url:
            feed = Feed(url, (), sink)
            with pytest.raises(ServiceRefused) as refusal:
                async with asyncio.timeout(DEADLINE):
                    await feed.run(asyncio.Event())
            assert (refusal.value.status, refusal.value.what) == (status, url)
            assert "COINFLEX_L2_WS_URL" in str(refusal.value)
            assert "TARDIS" not in str(refusal.value)
        assert sink.told == []

    run(follow())


@pytest.mark.parametrize("statuses", [(101, 403, 404, 101), (500, 503, 101), (302, 101)])
def test_who_was_let_in_once_comes_again(statuses: tuple[int, ...]) -> None:
    """A no that comes later may pass, as may a server's trouble."""

    async def then(socket: ServerConnection, _number: int) -> None:
        if exchange.requests < len(statuses):
            await socket.close()

    async def follow() -> None:
        async with exchange.running() as url, following(url, Taken(), "depth:A") as feed:
            await until(lambda: exchange.requests == len(statuses) and feed.state.phase == "live")
            assert feed.state.connections == statuses.count(101)

    exchange = Loopback(then, statuses=statuses)
    run(follow())


def test_too_many_requests_is_a_minute_s_pause(caplog: pytest.LogCaptureFixture) -> None:
    """429 is no reason to come again at once, and a stop does not wait for it."""

    async def follow() -> None:
        async with Loopback(statuses=(429,)).running() as url, following(url, Taken()) as feed:
            await until(lambda: feed.state.phase == "waiting")
            await until(lambda: pauses_in(caplog))

    run(follow())
    assert pauses_in(caplog) == [60.0]


def test_a_redirect_is_not_followed() -> None:
    """Where it leads are other books."""

    async def follow() -> None:
        other = Loopback()
        async with other.running() as elsewhere:
            exchange = Loopback(statuses=(302,) * 1000, location=elsewhere)
            async with exchange.running() as url, following(url, Taken()) as feed:
                await until(lambda: exchange.requests >= 2)
                assert feed.state.last_loss == "HTTP 302"
        assert other.requests == 0

    run(follow())


def certificate(folder: Path) -> Path:
    """Make a certificate for loopback that nobody has signed, and its key, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl here")
    key, path = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=loopback", "-addext",
            "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(path),
        ],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path


@pytest.mark.parametrize("is_known", [False, True])
def test_a_certificate_of_an_unknown_ca_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    """Nothing is said to who can't prove to be the exchange; one whose CA is known can."""
    path = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    if is_known:
        monkeypatch.setenv("SSL_CERT_FILE", str(path))

    async def follow() -> None:
        exchange = Loopback()
        async with exchange.running(ssl=context) as url, following(url, Taken(), "trade:A") as feed:
            await until(lambda: feed.state.phase == "live" or feed.state.last_loss)
            assert feed.state.connections == is_known
            if not is_known:
                assert "certificate" in str(feed.state.last_loss)
        assert bool(exchange.requests) == is_known

    run(follow())


# --- a disk that is too slow ---


def test_a_full_sink_holds_the_exchange_back() -> None:
    """Nothing is read, so the exchange can send no more; once there is room, nothing lacks."""
    frames = [data(n, size=1 << 20) for n in range(40)]

    async def then(socket: ServerConnection, _number: int) -> None:
        for frame in frames:
            sending = asyncio.create_task(socket.send(frame, text=True))
            done, _ = await asyncio.wait([sending], timeout=0.2)
            if not done:
                blocked.append(len(sink.lines))
                sink.is_full = False
            await sending

    async def follow() -> None:
        async with Loopback(then).running() as url, following(url, sink, "depth:A") as feed:
            await until(lambda: feed.state.phase == "live")
            sink.is_full = True
            feed.want(["depth:B"])
            await until(lambda: len(sink.lines) >= len(frames) + 3)
            assert not feed.state.dropped

    sink, blocked = Taken(), list[int]()
    run(follow())
    assert blocked
    assert [line for line in sink.lines if b"table" in line][: len(frames)] == frames


def test_what_does_not_fit_is_left_out_and_the_gap_is_marked() -> None:
    """Counted, with nothing taken for known until there is room, even over a new connection."""

    async def then(socket: ServerConnection, _number: int) -> None:
        for n in itertools.count(1):
            await socket.send(data(n), text=True)
            await asyncio.sleep(0.001)

    async def follow() -> None:
        exchange, sink = Loopback(then), Taken()
        async with (
            exchange.running() as url,
            following(url, sink, "depth:A", patience=0.01) as feed,
        ):
            await until(lambda: feed.state.frames["depth"] > 3)
            sink.is_full, sink.has_room = True, False
            await until(lambda: feed.state.dropped["depth"] > 3)
            left = len(sink.told)
            assert sink.told[-1] == "disconnect"
            await exchange.sockets[0].close()
            dropped = feed.state.dropped["depth"]
            await until(lambda: len(exchange.sockets) == 2)
            await until(lambda: feed.state.dropped["depth"] > dropped + 3)
            assert {*sink.told[left:]} <= {"disconnect"}
            sink.is_full, sink.has_room = False, True
            taken = len(sink.lines)
            await until(lambda: len(sink.lines) > taken + 3)
        found = itertools.dropwhile(lambda told: told == "disconnect", sink.told[left:])
        assert next(found) == "connect"
        assert next(found) in {data(n) for n in range(100_000)}

    run(follow())


def test_left_out_and_kept_are_all_there_was() -> None:
    """No frame is neither in the sink nor in the count."""
    count = 400

    async def then(socket: ServerConnection, _number: int) -> None:
        for n in range(count):
            sink.is_full = 100 <= n < 300
            sink.has_room = not sink.is_full
            await socket.send(data(n), text=True)
            await asyncio.sleep(0.001)

    async def follow() -> None:
        async with (
            Loopback(then).running() as url,
            following(url, sink, "depth:A", patience=0.01) as feed,
        ):
            await until(lambda: data(count - 1) in sink.told)
            assert feed.state.dropped["depth"] > 0
            assert feed.state.frames["depth"] + feed.state.dropped["depth"] == count
            kept = [line for line in sink.lines if b"table" in line]
            assert len(kept) == feed.state.frames["depth"]
            assert kept == [data(n) for n in range(count) if data(n) in {*kept}]

    sink = Taken()
    run(follow())


# --- the stop ---


def test_a_stop_ends_while_connecting() -> None:
    """Against a server that takes the connection and never says a word."""

    async def follow() -> None:
        met = asyncio.Event()

        async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            met.set()
            await _reader.read()
            writer.close()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with following(f"ws://127.0.0.1:{port}/", Taken(), open=600.0) as feed:
                await met.wait()
                assert feed.state.phase == "connecting"

    run(follow())


def test_a_stop_ends_while_waiting() -> None:
    """However long the pause would be."""

    async def follow() -> None:
        async with Loopback().running() as url:
            pass
        async with following(url, Taken(), first_pause=600.0, longest_pause=600.0) as feed:
            await until(lambda: feed.state.phase == "waiting")

    run(follow())


@pytest.mark.parametrize("is_flooding", [False, True])
def test_a_stop_ends_without_a_goodbye(is_flooding: bool) -> None:
    """Against a server that never answers the close handshake, and one that sends on and on."""

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:-2])
        key = {name.lower(): value for name, value in fields.items()}[b"sec-websocket-key"]
        accept = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %s\r\n\r\n" % base64.b64encode(accept)
        )
        writer.write(b"\x81%c%s" % (len(WELCOME), WELCOME))
        try:
            while is_flooding:
                writer.write(b"\x81\x7e\x4e\x20" + b" " * 20_000)  # as long as a book
                await writer.drain()
            await gone.wait()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def follow() -> None:
        async with await asyncio.start_server(rude, "127.0.0.1", 0) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            sink = Taken()
            async with following(url, sink, "depth:A"):
                await until(lambda: len(sink.lines) > 100 * is_flooding)
            assert sink.told[-1] == "disconnect"
            gone.set()

    gone = asyncio.Event()
    run(follow())
