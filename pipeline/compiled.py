"""Compiled functions: numba on the first call, from its cache on every later one.

The machine code lies beside the source (`make install` puts it there) or, where that folder can't
be written, in the user's cache folder; NUMBA_CACHE_DIR goes before both. Where nothing can be
written, each process compiles for itself.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numba
from numba.core import caching

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compiled"]

_F = TypeVar("_F", bound="Callable[..., Any]")


class _OfItsFolder:
    """What was compiled is stale as soon as any module in its folder says something else.

    numba asks only the function's own file, though what it calls is compiled into it.
    """

    def get_source_stamp(self) -> str:
        """Return a digest of all modules in the function's folder."""
        state = hashlib.sha256()
        for path in sorted(Path(self._py_file).parent.glob("*.py")):  # type: ignore[attr-defined]
            state.update(path.read_bytes())
        return state.hexdigest()


class Named(_OfItsFolder, caching.UserProvidedCacheLocator):
    """The folder that NUMBA_CACHE_DIR names."""


class Beside(_OfItsFolder, caching.InTreeCacheLocator):
    """`__pycache__` beside the source, if it can be written."""


class OfTheUser(_OfItsFolder, caching.UserWideCacheLocator):
    """The user's cache folder."""


_NUMBA: Final[Any] = numba.config  # its settings are made from the environment; no type knows them
_LOCATORS: Final = ",".join(f"{__name__}.{kind.__name__}" for kind in (Named, Beside, OfTheUser))
# nogil: other threads may run meanwhile. numpy: division by zero is no exception to look out for.
_OPTIONS: Final[dict[str, Any]] = {"nogil": True, "error_model": "numpy"}


def compiled(function: _F) -> _F:
    """Return a function that is compiled when it is first called with arguments of some types."""
    before = _NUMBA.CACHE_LOCATOR_CLASSES
    _NUMBA.CACHE_LOCATOR_CLASSES = _LOCATORS
    try:
        made: Any = numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # no folder for a cache can be written
        made = numba.njit(**_OPTIONS)(function)
    finally:
        _NUMBA.CACHE_LOCATOR_CLASSES = before
    return made  # type: ignore[no-any-return] # to its callers it is what it was
