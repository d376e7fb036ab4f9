from __future__ import annotations

import base64
import hashlib

from pipeline.sources.coinflex.login import Login

KEY, SECRET = "a-key-that-must-not-show", "a-secret-that-must-not-show"


def test_signature_by_hand() -> None:
    """As RFC 2104 defines an HMAC: two hashes, of the secret and then of the time and the path."""
    block = SECRET.encode().ljust(64, b"\0")
    inner = hashlib.sha256(
        bytes(byte ^ 0x36 for byte in block) + b"1600000000123GET/auth/self/verify"
    )
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner.digest())
    assert Login(KEY, SECRET).command(7, 1_600_000_000_123) == {
        "op": "login",
        "tag": 7,
        "data": {
            "apiKey": KEY,
            "timestamp": "1600000000123",
            "signature": base64.b64encode(outer.digest()).decode(),
        },
    }


def test_the_secret_is_not_sent() -> None:
    """Only what it signs."""
    assert SECRET not in str(Login(KEY, SECRET).command(1, 0))


def test_neither_shows() -> None:
    """In no repr, so in no log and no traceback."""
    login = Login(KEY, SECRET)
    for shown in (repr(login), str(login), f"{[login]}"):
        assert KEY not in shown
        assert SECRET not in shown
