"""The page in a real Chromium: what is drawn, what is heard, what can be reached by keyboard."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from matplotlib.image import imread

import pipeline

from .browser import chromium, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.page import Page

    from .browser import Tab

_PROGRAM = chromium()
pytestmark = pytest.mark.skipif(_PROGRAM is None, reason="there is no Chromium")

_ETH = "ETH-USD-SWAP-LIN"
_PHONE = 360
_TAB = 9
_ENTER = 13

_NUMBERS = """
Object.fromEntries([...document.querySelectorAll('[data-name][data-value]')]
  .map(one => [one.dataset.name, one.dataset.value]))"""
# What reaches beyond the page's width, but for what scrolls by itself.
_BEYOND = """
[...document.querySelectorAll('body *')].filter(one => {
  if (one.closest('.wide, pre, svg, .skip')) return one.matches('.wide, pre')
    && one.getBoundingClientRect().right > innerWidth + 0.5;
  return one.getBoundingClientRect().right > innerWidth + 0.5;
}).map(one => one.outerHTML.slice(0, 80))"""
# The least contrast of any text with the ground that it stands on, as WCAG reckons it.
_CONTRAST = """
(() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(c => c / 255)
      .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = one => {
    for (; one; one = one.parentElement) {
      const found = parts(getComputedStyle(one).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let least = [99, ''];
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || one.closest('svg')) continue;
    const [a, b] = [light(parts(getComputedStyle(one).color)), light(ground(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least[0]) least = [ratio, one.outerHTML.slice(0, 80)];
  }
  return least;
})()"""


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    """Return a tab of a browser, for all of these tests."""
    assert _PROGRAM is not None
    with opened(_PROGRAM) as found:
        yield found


@pytest.fixture(scope="module")
def sample_file(tmp_path_factory: pytest.TempPathFactory, sample_page: Page) -> Path:
    """Return the file of the sample's page."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(sample_page.html, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def hostile_file(tmp_path_factory: pytest.TempPathFactory, hostile_page: Page) -> Path:
    """Return the file of the page of hostile names."""
    path = tmp_path_factory.mktemp("page") / "hostile #1?.html"
    path.write_text(hostile_page.html, encoding="utf-8")
    return path


@pytest.fixture(params=["sample", "hostile"])
def file(request: pytest.FixtureRequest, sample_file: Path, hostile_file: Path) -> Path:
    """Return either page."""
    return sample_file if request.param == "sample" else hostile_file


def test_it_renders_without_a_word_of_complaint(tab: Tab, file: Path) -> None:
    """No message, no error, no dialogue; nothing is asked for but the file and what is in it."""
    tab.look(1200)
    tab.go(file)
    assert tab.of("Runtime.consoleAPICalled") == []
    assert tab.of("Runtime.exceptionThrown") == []
    assert tab.of("Log.entryAdded") == []
    assert tab.of("Page.javascriptDialogOpening") == []
    asked = [event["request"]["url"] for event in tab.of("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    assert tab.js("document.scripts.length + document.images.length") == 0
    assert tab.js("document.title").startswith("coinflex: order books in ")
    assert tab.js("document.compatMode") == "CSS1Compat"


def test_its_numbers_are_sql_s(tab: Tab, sample_file: Path, sample_lake: Path) -> None:
    """What the browser has of it against what SQL says, in other words than the page's own."""
    tab.go(sample_file)
    seen = tab.js(_NUMBERS)
    day = f"'{_ETH}', '2020-08-01', '2020-08-02'"
    with pipeline.open(sample_lake) as lake, lake.cursor() as cursor:

        def sql(query: str) -> list[float]:
            return [float(value) for value in cursor.execute(query).fetchall()[0]]

        def on_page(*names: str) -> list[float]:
            return [float(seen[name]) for name in names]

        assert on_page("totals.depth_messages", "totals.trades", "totals.bytes") == sql(
            "select sum(depth_messages), sum(trades), sum(bytes) from instruments"
        )
        assert on_page("quality.0.depth_messages", "quality.0.crossed") == sql(
            f"select count(*), count(*) filter (bid_price >= ask_price) from quotes({day})"
        )
        assert on_page("quality.0.missed_snapshots", "quality.0.duplicates") == sql(
            f"select sum(missed), count(*) filter (duplicate) from depth_messages({day})"
        )
        assert on_page("gaps.0.gaps", "gaps.0.seconds") == pytest.approx(
            sql("select count(*), sum(epoch(stop - start)) from gaps where is_unknown")
        )
        assert on_page("hours.23.buys", "hours.23.sells") == pytest.approx(
            sql(f"""select sum(amount) filter (side = 'buy'), sum(amount) filter (side = 'sell')
                from trades({day})""")
        )
        assert on_page("timing.1.lowest", "timing.1.highest") == sql(
            f"""select min(late) / 1000, max(late) / 1000 from (
                select date_diff('us', timestamp, local_timestamp) as late from quotes({day}))"""
        )
        assert on_page("disk.1.files", "disk.1.bytes", "lines.0.lines") == sql(
            "select count(distinct slice), sum(bytes), sum(lines) from ingests"
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_can_be_read(tab: Tab, file: Path, scheme: str) -> None:
    """Its contrast is 4.5 at least; dark is dark, light is light."""
    tab.look(1200, prefers_color_scheme=scheme)
    tab.go(file)
    ratio, words = tab.js(_CONTRAST)
    assert ratio >= 4.5, words
    (paper,) = {
        tab.js(f"getComputedStyle(document.{one}).backgroundColor") for one in ("body",)
    }  # fmt: skip
    assert (int(paper[4:].split(",")[0]) < 64) == (scheme == "dark")


@pytest.mark.parametrize("width", [320, _PHONE, 768, 1200])
def test_nothing_is_wider_than_the_page(tab: Tab, file: Path, width: int) -> None:
    """Also with all that opens open; tables and code scroll by themselves."""
    tab.look(width)
    tab.go(file)
    tab.js("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert tab.js("document.documentElement.scrollWidth") <= width
    assert tab.js(_BEYOND) == []


def test_the_heatmap_is_drawn_all_over(tab: Tab, sample_file: Path) -> None:
    """Many colours in each third of it, where books are known; few where none is."""
    tab.look(1200)
    tab.go(sample_file)
    dots = _shot(tab, "#heatmap svg")
    wide = dots.shape[1]
    thirds = [dots[:, wide * part // 3 : wide * (part + 1) // 3] for part in range(3)]
    assert [_colours(third) > 60 for third in thirds] == [True] * 3
    # The first book came after 15.4 of 360 seconds.
    assert _colours(dots[:, : wide * 15 // 360 - 2]) < 40


def _shot(tab: Tab, selector: str) -> NDArray[np.uint8]:
    """Return the dots of an element as they are on the screen."""
    box = tab.js(f"""(() => {{
      const one = document.querySelector('{selector}').getBoundingClientRect();
      return {{x: one.x + scrollX, y: one.y + scrollY, width: one.width, height: one.height,
        scale: 1}};
    }})()""")
    found = tab.do("Page.captureScreenshot", clip=box, captureBeyondViewport=True)["data"]
    return np.asarray(imread(io.BytesIO(base64.b64decode(found))) * 255, np.uint8)


def _colours(dots: NDArray[np.uint8]) -> int:
    return len(np.unique(dots.reshape(-1, dots.shape[2]), axis=0))


def test_the_keyboard_reaches_everything(tab: Tab, sample_file: Path) -> None:
    """First what skips the way, then the way, then what opens or scrolls, in the page's order."""
    tab.look(1200)
    tab.go(sample_file)
    first = "Skip to the report"
    reached: list[str] = []
    tables = set()
    while not reached or reached[-1] != first or len(reached) == 1:
        tab.key("Tab", _TAB)
        reached.append(tab.js("document.activeElement.textContent.slice(0, 40)"))
        tables.add(tab.js("document.activeElement.getAttribute('aria-labelledby')"))
        assert len(reached) < 200, "it goes in a ring that leaves out the beginning"
    assert reached[0] == first
    links = tab.js("[...document.querySelectorAll('nav a')].map(one => one.textContent)")
    assert len(links) == 9
    assert [word for word in reached if word in links] == links
    closed = tab.js(
        "[...document.querySelectorAll('summary')].map(one => one.textContent.slice(0, 40))"
    )
    assert [word for word in reached if word in closed] == closed
    assert {"gaps-caption", "quality-caption", "disk-caption", "timing-caption"} <= tables


def test_what_opens_opens_by_the_keyboard(tab: Tab, sample_file: Path) -> None:
    """The first stop leads to the report, and Enter opens a table."""
    tab.look(1200)
    tab.go(sample_file)
    tab.key("Tab", _TAB)
    tab.key("Enter", _ENTER, text="\r")
    assert tab.js("location.hash") == "#report"
    tab.key("Tab", _TAB)
    assert tab.js("document.activeElement.textContent").startswith("Table: minutes fetched")
    assert tab.js("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.key("Enter", _ENTER, text="\r")
    assert tab.js("document.activeElement.parentElement.open") is True


def test_what_a_screen_reader_is_told(tab: Tab, file: Path) -> None:
    """Pictures, tables, parts and the way have names; headings go down one by one."""
    tab.look(1200)
    tab.go(file)
    tab.js("document.querySelectorAll('details').forEach(one => one.open = true)")
    told = _told(tab)
    for role in ("image", "table", "region", "navigation"):
        names = [name for found, name, _ in told if found == role]
        assert names
        assert all(names), role
    levels = [level for role, _, level in told if role == "heading"]
    assert levels == [1] + [2] * 9
    tables = tab.js("document.querySelectorAll('table').length")
    assert len([role for role, *_ in told if role == "table"]) == tables
    assert {"columnheader", "rowheader", "main", "banner", "contentinfo"} <= {
        one[0] for one in told
    }


def _told(tab: Tab) -> list[tuple[str, str, Any]]:
    """Return role, name and level of all that is told."""
    nodes = tab.do("Accessibility.getFullAXTree")["nodes"]
    return [
        (
            {"img": "image"}.get(node["role"]["value"], node["role"]["value"]),
            node.get("name", {}).get("value", ""),
            next(
                (
                    one["value"]["value"]
                    for one in node.get("properties", [])
                    if one["name"] == "level"
                ),
                None,
            ),
        )
        for node in nodes
        if not node.get("ignored")
    ]


def test_on_paper_and_in_forced_colours_it_is_whole(tab: Tab, sample_file: Path) -> None:
    """The way is not printed; colours that are forced leave words to be read."""
    tab.look(1200)
    tab.go(sample_file)
    tab.do("Emulation.setEmulatedMedia", media="print")
    assert tab.js("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert tab.js("getComputedStyle(document.querySelector('main')).display") == "block"
    tab.do("Emulation.setEmulatedMedia", media="")
    tab.look(1200, forced_colors="active")
    tab.go(sample_file)
    assert tab.js("matchMedia('(forced-colors: active)').matches")
    assert tab.js(_CONTRAST)[0] >= 4.5
