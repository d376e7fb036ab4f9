"""Pages of two lakes: the sample's, and one in which every name means harm."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

import pipeline
from pipeline.page import page_of
from tests.lakes import bring_in, minute_of, put
from tests.making import at

from .looking import read

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.page import Page

    from .looking import Reader

MADE = datetime(2020, 8, 3, 12, tzinfo=UTC)
# Nothing in them may come through: not as elements, not as attributes, not in SQL.
HOSTILE = (
    "<script>document.title='harm'</script>",
    "\"><img src=x onerror=\"document.title='harm'\">",
    "' or 1=1 --",
    "&lt;i&gt;&amp;",
    "\u202egnp.exe \u0627\u0644\u062f\u0631\u0647\u0645",
    "N" * 1500 + "-END",
)  # fmt: skip


@pytest.fixture(scope="session")
def sample_page(sample_lake: Path) -> Page:
    """Return the page of the sample."""
    with pipeline.open(sample_lake) as lake:
        return page_of(lake, made=MADE)


@pytest.fixture(scope="session")
def sample_seen(sample_page: Page) -> Reader:
    """Return the page of the sample, read."""
    return read(sample_page.html)


@pytest.fixture(scope="session")
def hostile_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder of hostile names: two minutes with a disconnect each, one between."""
    data = tmp_path_factory.mktemp("hostile") / "<b>data"
    for minute in (0, 2):
        put(data, at(minute), minute_of(at(minute), HOSTILE))
    bring_in(data)
    return data


@pytest.fixture(scope="session")
def hostile_page(hostile_data: Path) -> Page:
    """Return the page of hostile names."""
    with pipeline.open(hostile_data) as lake:
        return page_of(lake, made=MADE)
