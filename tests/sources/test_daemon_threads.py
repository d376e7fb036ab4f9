from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap

import pytest

from pipeline.sources.daemon_threads import DaemonThreads
from tests.conftest import ROOT

HANGS = """
    import asyncio, threading
    from pipeline.sources.daemon_threads import DaemonThreads

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(DaemonThreads())
        begun = threading.Event()
        loop.run_in_executor(None, lambda: (begun.set(), threading.Event().wait()))
        assert await asyncio.to_thread(begun.wait, 30)

    asyncio.run(main())
    print("over")
"""


def test_a_call_that_never_returns_does_not_hold_up_the_end() -> None:
    """Neither the loop's end nor the process's waits for a resolver that does not answer."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(HANGS)], cwd=ROOT, capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("over\n", "")


def test_calls_return_and_raise_what_they_do() -> None:
    """As from any executor of a loop; two of them at once."""

    async def main() -> None:
        asyncio.get_running_loop().set_default_executor(DaemonThreads())
        found = await asyncio.gather(asyncio.to_thread(pow, 2, 5), asyncio.to_thread(pow, 2, 6))
        assert [*found] == [32, 64]
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(divmod, 1, 0)

    asyncio.run(main())
