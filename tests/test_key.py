"""A Tardis that repeats the key wherever it can: it is printed nowhere, and written nowhere."""

from __future__ import annotations

import gzip
import html
import json
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pyarrow.parquet as pq
import pytest
from aiohttp import web

from tests.world import config_file, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli

KEY = 'TD.zqKey/with+signs="and"%more&ä'
FORMS = [
    KEY,
    KEY.lower(),
    KEY.upper(),
    f"Bearer {KEY}",
    quote(KEY, safe=""),
    quote(KEY, safe="").lower(),
    quote(KEY),
    quote_plus(KEY),
    html.escape(KEY),
    json.dumps(KEY)[1:-1],
    json.dumps(KEY, ensure_ascii=False)[1:-1],
    repr(KEY),
    KEY.encode().hex(),
    b64encode(KEY.encode()).decode(),
    b64encode(f"Bearer {KEY}".encode()).decode(),
    b64encode(f"user:{KEY}".encode()).decode(),
]
# What would be left of each form, were only a part of it hidden.
PARTS = [
    "zqKey",
    KEY.encode().hex()[8:30],
    *(b64encode(bytes(n) + KEY.encode()).decode()[8:24] for n in range(3)),
]


def say(number: int) -> str:
    """Return words with the key in some form, and in all of them."""
    return f"{FORMS[number % len(FORMS)]} | {' | '.join(FORMS)}"


async def echo(request: web.Request) -> web.StreamResponse:
    """Answer with the key: in details, errors, redirects, headers and reasons."""
    path = request.path
    everywhere = {"X-Key": quote(KEY), "Set-Cookie": f"key={quote(KEY)}"}
    if path.endswith("/exchanges/coinflex"):
        details = {
            "id": "coinflex",
            "availableSince": "2020-08-01",
            "availableTo": "2020-08-02",
            "availableChannels": ["futures/depth", "trade", "ticker", say(1)],
            "availableSymbols": [{"id": say(2), "type": say(3), "availableSince": "2020-08-01"}],
            "incidentReports": [
                {"from": "2020-08-01", "to": "2020-08-02", "status": say(4), "details": say(5)}
            ],
        }
        return web.json_response(details, headers=everywhere)
    if path.endswith("/api-key-info"):
        plan = {"exchange": "coinflex", "accessType": say(6), "dataPlan": say(7),
                "from": "2020-08-01", "to": "2020-08-03"}  # fmt: skip
        return web.json_response([plan], headers=everywhere)
    if not path.startswith("/v1/data-feeds"):
        return web.Response(status=404, text=say(8), headers=everywhere)
    minute = int(request.query["from"][14:16])
    error = json.dumps({"code": 400, "message": say(minute)})
    return [
        web.Response(status=400, text=error, headers=everywhere),
        web.Response(status=418, text=f"<html>{say(minute)}", headers=everywhere),
        web.Response(status=302, headers={"Location": f"ftp://{quote(KEY)}@x/{quote(KEY)}"}),
        web.Response(status=302, headers={"Location": f"http://127.0.0.1:1/{quote(KEY)}"}),
        web.Response(body=b"", headers=everywhere),
    ][minute % 5]


@pytest.fixture(name="env")
def _env(tmp_path: Path) -> Iterator[dict[str, str]]:
    config = config_file(tmp_path, attempts=1)
    with serving(echo) as url:
        yield {
            "COINFLEX_L2_TARDIS_URL": url,
            "COINFLEX_L2_CONFIG": str(config),
            "COINFLEX_L2_DATA": str(tmp_path / "data"),
            "TARDIS_API_KEY": KEY,
        }


def found(text: str) -> list[str]:
    """Return what of the key stands in a text, in whatever case."""
    return [part for part in PARTS if part.lower() in text.lower()]


def written(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file below a folder, its name and what it says."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".gz" and content:
                content = gzip.decompress(content)
            text = content.decode("utf-8", "backslashreplace")
            if path.suffix == ".parquet":
                text += str(pq.ParquetFile(path).read().to_pylist())
            yield path, f"{path} {text}"


def test_forms_are_found() -> None:
    """Were a form shown, this would notice."""
    assert all(found(form) for form in FORMS)


def test_the_key_is_nowhere(env: dict[str, str], tmp_path: Path, cli: Cli) -> None:
    """Not on the terminal at its most talkative, in no file, in no file's name."""
    wanted = ("--from", "2020-08-01", "--to", "2020-08-01T00:20")
    for arguments in [
        ("-vv", "backfill", *wanted, "--dry-run"),
        ("-vv", "backfill", *wanted),
        ("-vv", "backfill", *wanted, "--instruments", "none"),
        ("-vv", "sync", "--max-requests", "20"),
        ("-vv", "doctor"),
        ("doctor", "--json"),
        ("status", "--json"),
        ("sql", "from incidents", "--json"),
    ]:
        done = cli(*arguments, env=env)
        printed = f"{done.stdout} {done.stderr}"
        assert done.returncode in (0, 1, 3), printed
        assert not found(printed), arguments
    assert {path: found(text) for path, text in written(tmp_path / "data") if found(text)} == {}
