from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from pipeline.redaction import Redaction

SECRET = 'p/"ä\\+'


@pytest.mark.parametrize(
    "text",
    [SECRET, json.dumps(SECRET), json.dumps(SECRET, ensure_ascii=False), quote(SECRET, safe="")],
)
def test_a_secret_is_hidden_however_it_is_spelled(text: str) -> None:
    """As it is, as JSON has it, as an address has it; the rest stays."""
    assert Redaction([SECRET]).text(f"before {text} after").strip('"') in {
        "before <key> after",
        'before "<key>" after',
    }


def test_a_secret_that_begins_another_leaves_nothing_of_it() -> None:
    """Of a key and a longer one that begins so, no end is left."""
    assert Redaction(["abc", "abcdef"]).text("abcdef abc") == "<key> <key>"


def test_a_secret_is_hidden_at_any_depth() -> None:
    """In names, lists and whatever is shown by its text; numbers and truth stay what they are."""
    value = {"k3y": [{"a": ("x k3y",)}, 1, 1.5, True, None, ValueError("k3y")]}
    found = Redaction(["k3y"]).value(value)
    assert found == {"<key>": [{"a": ["x <key>"]}, 1, 1.5, True, None, "<key>"]}
    assert found["<key>"][3] is True
