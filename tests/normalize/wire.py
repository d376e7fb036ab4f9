"""Makes lines of the wire: of every era, of none, and broken in every way."""

from __future__ import annotations

import json
import random
import zlib
from typing import Final

STAMP: Final = b"2020-08-01T23:54:"

_INSTRUMENTS: Final = ("BTC-USD-SWAP-LIN", "ETH-USD", "FLEX-USD", "BTC-USD-REPO-LIN")
_TABLES: Final = ("futures/depth", "depth", "depthL5", "depthL10", "depthL25", "depthUpdate")
# What may be put where it does not belong.
_ODD: Final = (
    b",", b"]", b"[", b"}", b"{", b'"', b":", b" ", b"\\", b"\n", b"\r", b"\t", b"0", b"9", b"-",
    b".", b"e", b"E5", b"+", b"null", b"true", b"[]", b"]]", b"[[", b",0,0", b"00", b"-0", b"0.0",
    b"\xff", b"\xc3\xa9", b"\\u0041", b"1e400", b"12345678901234567890", b"0.1234567890123456789",
    b'"asks":[]', b'"bids":[]', b'"seqNum":1', b'"table":"trade"', b'"marketCode":"X"',
)  # fmt: skip


class Wire:
    """A source of lines: books that move from line to line, trades, and the rest."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self._time = 0
        self._books: dict[str, tuple[dict[float, float], dict[float, float]]] = {}
        self._seq = 1594613594001171264
        self._last = b""

    def line(self) -> bytes:
        """Return the next line, without its LF."""
        kind = self.rng.random()
        if kind < 0.02:
            return b""
        line = self._stamped(self._trade() if kind < 0.2 else self._depth())
        if kind > 0.7:
            for _ in range(self.rng.choice((1, 1, 1, 2, 5))):
                line = self._broken(line)
        self._last = line
        return line.replace(b"\n", b" ") if self.rng.random() < 0.9 else line

    def _stamped(self, text: str) -> bytes:
        self._time = min(self._time + self.rng.choice((0, 0, 1, 7, 100_003)), 599_999_999)
        seconds, fraction = divmod(self._time, 10_000_000)
        return STAMP + f"{seconds:02}.{fraction:07}Z {text}".encode()

    # --- what the exchange sends ---------------------------------------------------------------

    def _depth(self) -> str:
        rng, name = self.rng, self.rng.choice(_INSTRUMENTS)
        bids, asks = self._moved(name)
        form = rng.choice((2, 2, 4, 4, 4, 3)) if rng.random() < 0.1 else rng.choice((2, 4))
        texts = {"asks": self._side(sorted(asks.items()), form)}
        texts["bids"] = self._side(sorted(bids.items(), reverse=True), form)
        self._seq += rng.choice((0, 1, 1, 1, 1, 2, 10**9, -7))
        fields = {
            rng.choice(("instrumentId", "instrumentId", "marketCode")): json.dumps(name),
            "seqNum": self._maybe_quoted(self._seq),
            **texts,
            "checksum": self._checksum(texts),
            "timestamp": self._maybe_quoted(1596326056322 + self._time // 10_000),
        }
        for absent in ("seqNum", "checksum", "timestamp", "instrumentId"):
            if rng.random() < 0.03:
                fields.pop(absent, None)
        table = rng.choice(_TABLES) if rng.random() < 0.3 else "futures/depth"
        action = rng.choice(("increment", "", "partial ")) if rng.random() < 0.02 else "partial"
        return self._message(fields, table, action if rng.random() < 0.8 else None)

    def _moved(self, name: str) -> tuple[dict[float, float], dict[float, float]]:
        """Return a book after some of its levels changed."""
        rng = self.rng
        levels = rng.choice((0, 1, 2, 5, 12))
        if name not in self._books:
            self._books[name] = ({}, {})
        for side, sign in zip(self._books[name], (-1, 1), strict=True):
            for _ in range(rng.choice((0, 0, 1, 1, 3, levels))):
                price = sign * rng.randrange(1, 40) * rng.choice((0.5, 0.5, 0.01, 1e-05))
                side[price if "REPO" in name else 100 + price] = self._amount()
            while len(side) > levels + 8 or (side and rng.random() < 0.3):
                del side[rng.choice(list(side))]
        return self._books[name]

    def _amount(self) -> float:
        rng = self.rng
        if rng.random() < 0.01:
            return rng.choice((0.0, -1.0, 1e300, 5e-324, 0.1 + 0.2, 2.0**53 + 2))
        return rng.choice((rng.randrange(1, 50), round(rng.uniform(0.001, 20), 3), 54701490.0))

    def _side(self, levels: list[tuple[float, float]], form: int) -> str:
        texts = []
        for level in levels:
            numbers = [self._number(number) for number in level] + ["0"] * (form - 2)
            texts.append(f"[{','.join(numbers)}]")
        if texts and self.rng.random() < 0.02:
            self.rng.shuffle(texts)
        return f"[{','.join(texts)}]"

    def _number(self, number: float) -> str:
        rng = self.rng.random()
        if number == int(number) and abs(number) < 1e15 and rng < 0.7:
            return str(int(number))
        return f"{number:.12f}" if rng < 0.72 else f"{number:e}" if rng < 0.74 else repr(number)

    def _checksum(self, texts: dict[str, str]) -> str:
        rng = self.rng.random()
        if rng < 0.4:
            return "0"
        crc = zlib.crc32((texts["asks"] + texts["bids"]).encode()) if rng < 0.9 else 12345
        return str(crc - 2**32 if rng < 0.6 and crc >= 2**31 else crc)

    def _trade(self) -> str:
        rng = self.rng
        fields = {
            "side": json.dumps(rng.choice(("BUY", "SELL", "buy", "sell", "Buy", "hold"))),
            "quantity": json.dumps(f"{rng.uniform(0.001, 5):.9f}"),
            "price": rng.choice((json.dumps("61800.300000000000"), "2681.62", "-0.0001", "7")),
            "marketCode": json.dumps(rng.choice(_INSTRUMENTS)),
            "tradeId": rng.choice((json.dumps(str(rng.randrange(10**18))), "17", "null", '"é"')),
            "timestamp": self._maybe_quoted(1596326056322),
        }
        for absent in ("tradeId", "timestamp", "price"):
            if rng.random() < 0.05:
                del fields[absent]
        return self._message(fields, "trade", None)

    def _maybe_quoted(self, number: int) -> str:
        return json.dumps(str(number)) if self.rng.random() < 0.5 else str(number)

    def _message(self, fields: dict[str, str], table: str, action: str | None) -> str:
        rng = self.rng
        names = list(fields)
        if rng.random() < 0.3:
            rng.shuffle(names)
        body = "{" + ",".join(f'"{name}":{fields[name]}' for name in names) + "}"
        data = rng.choice((f"[{body}]", f"[{body}]", f"[{body}]", body))
        if rng.random() < 0.01:
            data = rng.choice(("[]", f"[{body},{body}]", "null"))
        members = [f'"table":"{table}"', f'"data":{data}']
        if action is not None:
            members.append(f'"action":"{action}"')
        if rng.random() < 0.5:
            rng.shuffle(members)
        return "{" + ",".join(members) + "}"

    # --- what can happen to it -----------------------------------------------------------------

    def _broken(self, line: bytes) -> bytes:
        rng = self.rng
        at = rng.randrange(len(line) + 1)
        to = min(len(line), at + rng.choice((0, 1, 1, 2, 9)))
        what = rng.random()
        if what < 0.4:
            return line[:at] + rng.choice(_ODD) + line[to:]
        if what < 0.6:
            return line[:at] + line[to:]
        if what < 0.7:
            return line[:at]
        if what < 0.85:  # a piece of the line before, or of this one again
            piece = rng.choice((line, self._last or line))
            begin = rng.randrange(len(piece) + 1)
            return line[:at] + piece[begin : begin + rng.choice((1, 3, 12, 40))] + line[to:]
        return line[:at] + bytes([rng.randrange(256)]) + line[to:]
