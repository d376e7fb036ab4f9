"""Has the doctor look, against services on loopback alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.config import LiveSettings
from pipeline.doctor import check_all
from tests.world import settings

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.config import Settings
    from pipeline.doctor import Finding

# Where nobody listens: the port of a service that is long gone.
CLOSED = "http://127.0.0.1:9"
NOBODY = LiveSettings(websocket="ws://127.0.0.1:9/v1/websocket", rest=CLOSED)


def of(data: Path, url: str = CLOSED, live: LiveSettings = NOBODY, **tardis: Any) -> Settings:
    """Return settings in which nothing leads off this machine."""
    return replace(settings(data, url, **tardis), live=live)


def found(given: Settings, *, offline: bool = False) -> dict[str, Finding]:
    """Return what is found, by name; no name is there twice."""
    findings = list(check_all(given, offline=offline))
    by_name = {finding.name: finding for finding in findings}
    assert len(by_name) == len(findings)
    return by_name
