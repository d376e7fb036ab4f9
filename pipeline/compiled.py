"""Compiled functions: numba on the first call, from its cache on every later one.

The machine code lies beside the source (`make install` puts it there) or, where that folder can't
be written, in the user's cache folder; NUMBA_CACHE_DIR goes before both. Where nothing can be
written, each process compiles for itself.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import numba
from numba.core import caching

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Kept", "compiled", "kept"]

log = logging.getLogger(__name__)

_F = TypeVar("_F", bound="Callable[..., Any]")


class _OfItsFolder:
    """What was compiled is stale as soon as any module in its folder says something else.

    numba asks only the function's own file, though what it calls is compiled into it.
    """

    def get_source_stamp(self) -> str:
        """Return a digest of all modules in the function's folder, and of this one."""
        state = hashlib.sha256(Path(__file__).read_bytes())
        for path in sorted(Path(self._py_file).parent.glob("*.py")):  # type: ignore[attr-defined]
            state.update(path.read_bytes())
        return state.hexdigest()


class Named(_OfItsFolder, caching.UserProvidedCacheLocator):
    """The folder that NUMBA_CACHE_DIR names."""


class Beside(_OfItsFolder, caching.InTreeCacheLocator):
    """`__pycache__` beside the source, if it can be written."""


class OfTheUser(_OfItsFolder, caching.UserWideCacheLocator):
    """The user's cache folder."""


class _Places(caching.CompileResultCacheImpl):
    """Where compiled functions are kept: the first of these that can be written."""

    _locator_classes = [Named, Beside, OfTheUser]  # noqa: RUF012 - as in its base


class _Cache(caching.FunctionCache):
    """A cache that is never a reason to fail: what it can't give or take is compiled again."""

    _impl_class = _Places

    def load_overload(self, *about: object) -> object:
        """Return what was compiled before; None if there is nothing that can be read."""
        try:
            return super().load_overload(*about)  # type: ignore[no-untyped-call] # numba's
        except Exception as error:  # noqa: BLE001 - a torn pickle raises whatever it likes
            log.warning("the cache of compiled code in %s is damaged (%s)", self.cache_path, error)
            return None

    def save_overload(self, *about: object) -> None:
        """Keep what was compiled, if there is room for it."""
        try:
            super().save_overload(*about)  # type: ignore[no-untyped-call] # numba's
        except Exception as error:  # noqa: BLE001 - a full disk, or the torn index of before
            log.warning("compiled code can't be kept in %s (%s)", self.cache_path, error)


_OPTIONS: Final[dict[str, Any]] = {
    "nogil": True,  # other threads may run meanwhile
    "error_model": "numpy",  # division by zero is no exception to look out for
    # References to arrays are not counted, which by atomic steps took half of the time. So nothing
    # that is compiled may make an array (numba refuses to compile it) or keep one: all belong to
    # the caller, who holds them meanwhile.
    "_nrt": False,
}


class Kept(NamedTuple):
    """The folder in which a function's machine code is kept, and how many files there are of it."""

    folder: Path
    files: int


def kept(function: Callable[..., Any]) -> Kept | None:
    """Return where a compiled function is kept; None where no folder for it can be written.

    Nothing is compiled for this.
    """
    cache = getattr(function, "_cache", None)
    if not isinstance(cache, _Cache):
        return None
    folder = Path(cache.cache_path)
    return Kept(folder, sum(1 for _ in folder.glob(f"*.{function.__name__}-*.nbc")))


def compiled(function: _F) -> _F:
    """Return a function that is compiled when it is first called with arguments of some types."""
    made: Any = numba.njit(**_OPTIONS)(function)
    with suppress(RuntimeError):  # no folder for a cache can be written
        made._cache = _Cache(function)  # type: ignore[no-untyped-call] # noqa: SLF001 - for cache=True
    return made  # type: ignore[no-any-return] # to its callers it is what it was
