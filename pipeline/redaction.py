"""Keeps secrets out of whatever is shown: a log line, a file, an answer, whoever wrote its text."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Redaction"]

_SHOWN: Final = "<key>"
# What is shorter, encoded, may be part of any word.
_LONG: Final = 8


class Redaction:
    """Hides some secrets: as they are, and as others spell them, in upper and lower case.

    That is JSON, an address, HTML, Python's repr, base64 of what they are a part of, and hex.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        # A longer one first: what is left of it would not be found.
        longest_first = sorted(forms, key=len, reverse=True)
        # Nothing is found by what is never there.
        pattern = "|".join(map(re.escape, longest_first)) or r"(?!)"
        self._forms = re.compile(pattern, re.IGNORECASE)

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        return self._forms.sub(_SHOWN, text)

    def value(self, value: object) -> Any:  # noqa: ANN401 - what JSON can hold
        """Return what JSON can hold of a value, at any depth without the secrets."""
        if isinstance(value, bool | int | float) or value is None:
            return value
        if isinstance(value, dict):
            return {self.text(str(name)): self.value(item) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return self.text(str(value))


def _forms(secret: str) -> Iterator[str]:
    yield secret
    for ascii_only in (True, False):
        in_json = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield in_json
        yield in_json.replace("/", "\\/")
    yield quote(secret, safe="")
    yield quote(secret, safe="/")
    yield quote_plus(secret)
    yield html.escape(secret)
    yield repr(secret)[1:-1]
    if len(secret) >= _LONG:
        yield from _encoded(secret.encode())


def _encoded(secret: bytes) -> Iterator[str]:
    """Yield a secret as base64 and hex have it."""
    yield secret.hex()
    # Three bytes are four characters, so there are three ways to be in the midst of others; at both
    # ends are characters that tell of the others too.
    for before in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            text = encode(bytes(before) + secret).decode()
            first = -(-before * 8 // 6)
            last = (before + len(secret)) * 8 // 6
            yield text[first:last]
