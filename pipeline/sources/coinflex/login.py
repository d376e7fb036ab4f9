"""The optional login with a read-only key. It lifts the limit of commands; no data needs it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Login"]


@dataclass(frozen=True)
class Login:
    """A key and its secret, neither of which ever shows."""

    key: str = field(repr=False)
    secret: str = field(repr=False)

    def command(self, tag: int, utc_ms: int) -> dict[str, Any]:
        """Return the command that logs in, signed for a time (milliseconds UTC)."""
        signed = f"{utc_ms}GET/auth/self/verify".encode()
        digest = hmac.new(self.secret.encode(), signed, hashlib.sha256).digest()
        data = {
            "apiKey": self.key,
            "timestamp": str(utc_ms),
            "signature": base64.b64encode(digest).decode("ascii"),
        }
        return {"op": "login", "tag": tag, "data": data}
