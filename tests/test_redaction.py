from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from pipeline.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = 'p/"ä\\+'


@pytest.mark.parametrize("before", ["", "a", "user:", "Bearer "])
@pytest.mark.parametrize("after", ["", "z", ":pass", "zz"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_a_secret_is_hidden_in_base64(
    before: str, after: str, encode: Callable[[bytes], bytes]
) -> None:
    """Whatever stands before it and after it: what is left tells of no whole byte of it."""
    secret = "TD.long-enough+/key"
    found = Redaction([secret]).text(encode(f"{before}{secret}{after}".encode()).decode())
    head, tail = found.split("<key>")
    assert len(head) <= -(-len(before) * 8 // 6)
    assert len(tail.rstrip("=")) <= -(-(len(after) + 1) * 8 // 6)


def test_nothing_is_hidden_where_there_is_no_secret() -> None:
    """Nor by an empty one."""
    assert Redaction([]).text("all of it") == Redaction([""]).text("all of it") == "all of it"


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
