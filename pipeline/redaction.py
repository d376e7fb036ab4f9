"""Keeps secrets out of whatever is shown: a log line, a file, an answer, whoever wrote its text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Redaction"]

_SHOWN: Final = "<key>"


class Redaction:
    """Hides some secrets: as they are, and as JSON or an address spells them."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        # A longer one first: what is left of it would not be found.
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        for form in self._forms:
            text = text.replace(form, _SHOWN)
        return text

    def value(self, value: object) -> Any:  # noqa: ANN401 - what JSON can hold
        """Return what JSON can hold of a value, at any depth without the secrets."""
        if isinstance(value, bool | int | float) or value is None:
            return value
        if isinstance(value, dict):
            return {self.text(str(name)): self.value(item) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return self.text(str(value))


def _forms(secret: str) -> set[str]:
    in_json = {json.dumps(secret, ensure_ascii=of)[1:-1] for of in (True, False)}
    return {secret, quote(secret, safe=""), *in_json}
