"""Threads for what may never come back, as the look-up of a name: nobody waits for them at the end.

asyncio asks the system for names in threads of its default executor, and waits for those before it
ends; a resolver that does not answer would hold a process up for as long as it likes.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DaemonThreads"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class DaemonThreads(ThreadPoolExecutor):
    """An executor for a loop that calls it now and then: a new thread for each call.

    It is what it inherits from because asyncio takes nothing else.
    """

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Call a function in a thread that ends with the process at the latest."""
        future: Future[_T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=work, name="now-and-then", daemon=True).start()
        return future

    def shutdown(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - whatever it is asked for
        """Wait for nothing."""
