from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.page.markup import Markup, element, joined, name, plain, text

from .looking import read


@given(st.text())
def test_text_is_read_as_it_was_given(value: str) -> None:
    """Whatever the text, as content and as an attribute: but for what no page can hold."""
    reader = read(f"<!DOCTYPE html>{element('p', value, title=value)}")
    ((tag, attributes),) = reader.elements
    kept = "".join(reader.words)
    assert (tag, attributes["title"] or "") == ("p", kept)
    assert len(kept) == len(value)
    assert all(one in {other, "\ufffd"} for one, other in zip(kept, value, strict=True))
    kept.encode("utf-8")


def test_what_no_page_can_hold_is_seen_to_be_lacking() -> None:
    """Half of a surrogate pair and NUL become the sign for that; tabs and lines stay."""
    assert text("a\0b\ud800c\td\n") == "a\ufffdb\ufffdc\td\n"


def test_markup_alone_is_not_escaped() -> None:
    """Also inside of lists, and None is nothing."""
    made = element("p", [element("b", "<"), "<"], None, Markup("&amp;"))
    assert made == "<p><b>&lt;</b>&lt;&amp;</p>"
    assert joined("a", None, ["<", element("br")]) == "a&lt;<br>"


def test_attributes_are_named_as_in_html() -> None:
    """A value of None or False leaves one out, True has no value."""
    made = element("th", class_="r", data_name="a", hidden=True, title=None, open=False, tabindex=0)
    assert made == '<th class="r" data-name="a" hidden tabindex="0"></th>'


def test_a_name_turns_nothing_around_it() -> None:
    """It is isolated from the direction of the text around it, and no override is left in it."""
    made = name("\u202eabc")
    assert made == "<bdi>\ufffdabc</bdi>"


def test_a_long_name_is_cut_where_names_do_not_differ() -> None:
    """Its end can be seen; one that just fits is whole."""
    assert plain("x" * 72) == "x" * 72
    cut = plain("x" * 500 + "-200925-LIN")
    assert len(cut) == 72
    assert cut.startswith("xxx")
    assert cut.endswith("x-200925-LIN")
    assert "…" in cut
