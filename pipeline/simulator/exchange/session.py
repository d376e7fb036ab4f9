"""One client's visit, from its upgrade to the end: the listening side of a WebSocket."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from aiohttp import WSMsgType, web

from pipeline.simulator.exchange.journal import Command, Frame
from pipeline.simulator.exchange.subscriptions import ALL
from pipeline.simulator.exchange.wire import market_data, welcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.simulator.exchange.connection import Connection
    from pipeline.simulator.exchange.conversation import Conversation, Reply
    from pipeline.simulator.exchange.subscriptions import Subscriptions
    from pipeline.simulator.feed import Market

__all__ = ["Session", "new_socket"]

# What is longer than a command may be is answered; beyond this the frame is not even read through.
_LARGEST_FRAME: Final = 4 << 20


def new_socket() -> web.WebSocketResponse:
    """Return a WebSocket that leaves pings to the session, so that they are noted."""
    return web.WebSocketResponse(autoping=False, compress=False, max_msg_size=_LARGEST_FRAME)


class Session:
    """Hears a client out, command by command, and has the answers sent."""

    def __init__(
        self,
        connection: Connection,
        conversation: Conversation,
        subscriptions: Subscriptions[Connection],
        markets: Sequence[Market],
        *,
        clock: Callable[[], float],
        playing_time: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._conversation = conversation
        self._subscriptions = subscriptions
        self._markets = markets
        self._clock = clock
        self._playing_time = playing_time

    async def run(self, socket: web.WebSocketResponse, timestamp: int) -> None:
        """Welcome the client, and listen until one side ends the connection."""
        self._connection.put(Frame(0.0, "welcome", welcome(secrets.token_hex(4), timestamp)))
        self._connection.start()
        try:
            while await self._hear(socket):
                pass
        finally:
            self._subscriptions.drop(self._connection)
            await self._connection.wait_closed()

    async def _hear(self, socket: web.WebSocketResponse) -> bool:
        """Take in one message; tell whether there may be another."""
        message = await socket.receive()
        log = self._connection.log
        if message.type is WSMsgType.TEXT:
            self._take(message.data.encode())
        elif message.type is WSMsgType.BINARY:
            self._take(message.data)
        elif message.type is WSMsgType.PING:
            log.add_ping(self._clock())
            self._connection.put(Frame(0.0, "pong", message.data))
        elif message.type is not WSMsgType.PONG:
            how = "by the client" if message.type is WSMsgType.CLOSE else "lost"
            log.end(self._clock(), f"{how} ({socket.close_code})")
            return False
        return True

    def _take(self, text: bytes) -> None:
        now = self._clock()
        op, replies = self._conversation.receive(text)
        codes = tuple(reply.code for reply in replies if reply.code)
        self._connection.log.add_command(Command(now, op, text, codes))
        if op == "ping" and not codes:
            self._connection.log.add_ping(now)
        for reply in replies:
            self._carry_out(reply)

    def _carry_out(self, reply: Reply) -> None:
        self._connection.put(Frame(0.0, "answer", reply.payload))
        if reply.begins is not None:
            self._subscriptions.add(self._connection, reply.begins, reply.name)
            if reply.begins[0] == "market":
                self._send_markets(reply.begins[1])
        if reply.ends is not None:
            self._subscriptions.remove(self._connection, reply.ends)

    def _send_markets(self, code: str) -> None:
        markets = [market for market in self._markets if code in {ALL, market.code}]
        payload = market_data(markets)
        self._connection.deliver(Frame(0.0, "data", payload, "market", code, self._playing_time()))
