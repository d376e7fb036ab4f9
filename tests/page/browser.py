"""A real Chromium without a window, driven by its DevTools protocol: one page at a time.

It has a profile of its own, which goes with it, and is asked for nothing but files.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection

__all__ = ["Tab", "chromium", "opened"]

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS: Final = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-extensions", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--metrics-recording-only", "--mute-audio",
    "--hide-scrollbars", "--remote-debugging-port=0",
)  # fmt: skip
_PATIENCE: Final = 60.0  # seconds, of anything that is waited for


def chromium() -> str | None:
    """Return the path of a Chromium; None if this machine has none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Tab:
    """A tab: commands are answered in order, events are kept."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility", "DOM"):
            self.do(f"{domain}.enable")

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the result of a command."""
        self._number += 1
        self._connection.send(
            json.dumps({"id": self._number, "method": method, "params": parameters})
        )
        while (message := self._next()).get("id") != self._number:
            self.events.append(message)
        assert "error" not in message, message["error"]
        result: dict[str, Any] = message["result"]
        return result

    def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._connection.recv(timeout=_PATIENCE))
        return message

    def go(self, path: Path) -> None:
        """Open a file, and wait until all of it is there."""
        self.events.clear()
        self.do("Page.navigate", url=path.as_uri())
        while not self.of("Page.loadEventFired"):
            self.events.append(self._next())

    def of(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of all events of a kind, since the page was opened."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def js(self, expression: str) -> Any:
        """Return the value of an expression, as JSON can hold it."""
        found = self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def look(self, width: int, height: int = 900, **features: str) -> None:
        """Let the page be so wide, with features of media such as prefers_color_scheme."""
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        given = [{"name": key.replace("_", "-"), "value": value} for key, value in features.items()]
        self.do("Emulation.setEmulatedMedia", features=given)

    def key(self, name: str, code: int, **more: Any) -> None:
        """Press a key and let it go; `text` is what it writes, if anything."""
        for kind in ("keyDown" if "text" in more else "rawKeyDown", "keyUp"):
            self.do(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name,
                windowsVirtualKeyCode=code, **more,
            )  # fmt: skip


@contextmanager
def opened(program: str) -> Iterator[Tab]:
    """Yield a tab of a browser, which ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            with connect(_tab_of(_address(process, Path(profile))), max_size=None) as connection:
                yield Tab(connection)
        finally:
            process.kill()
            process.wait(_PATIENCE)


def _address(process: subprocess.Popen[bytes], profile: Path) -> str:
    """Return where the browser is to be asked, which it writes into its profile."""
    file = profile / "DevToolsActivePort"
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        assert process.poll() is None, f"the browser ended with {process.returncode}"
        lines = file.read_text().splitlines() if file.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise AssertionError("the browser does not say where it is to be asked")


def _tab_of(browser: str) -> str:
    """Return where the tab that a browser begins with is to be asked."""
    with connect(browser) as connection:
        connection.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
        found = json.loads(connection.recv(timeout=_PATIENCE))["result"]["targetInfos"]
    (tab,) = (target["targetId"] for target in found if target["type"] == "page")
    return f"{browser.partition('/devtools/')[0]}/devtools/page/{tab}"
