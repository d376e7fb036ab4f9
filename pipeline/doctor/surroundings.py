"""What the program runs in: Python, the packages it needs, and its own machine code."""

from __future__ import annotations

import platform
import re
from importlib import metadata
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from pipeline import compiled
from pipeline.doctor.finding import note, ok, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.doctor.finding import Finding

__all__ = ["is_satisfied", "surroundings"]

_ITSELF: Final = "coinflex-l2"
_REINSTALL: Final = "install the project again, as README.md says, in an environment of its own"
_REQUIRED: Final = re.compile(r"([\w.-]+)\s*([^;]*)(;.*)?")
_BOUND: Final = re.compile(r"(>=|<=|==|!=|<|>)\s*([\w.]+)")


def surroundings() -> Iterator[Finding]:
    """Yield what is found of Python, of each package that lacks or does not fit, of the cache."""
    yield _python()
    yield from _packages()
    yield _machine_code()


def is_satisfied(version: str, bounds: str) -> bool:
    """Say whether a version lies within bounds like ">=2.0,<3"; what has no number in it does."""
    for relation, bound in _BOUND.findall(bounds):
        order = _compared(version, bound)
        if not {
            ">=": order >= 0, "<=": order <= 0, "==": order == 0, "!=": order != 0,
            "<": order < 0, ">": order > 0,
        }[relation]:  # fmt: skip
            return False
    return True


def _compared(one: str, other: str) -> int:
    """Return -1, 0 or 1 as the first version is before, like or after the other."""
    for mine, its in zip_longest(_numbers(one), _numbers(other), fillvalue=0):
        if mine != its:
            return 1 if mine > its else -1
    return 0


def _numbers(version: str) -> list[int]:
    """Return the numbers that a version begins with: 2.1.0rc1 is 2, 1, 0."""
    found = re.match(r"\d+(\.\d+)*", version)
    return [int(part) for part in found[0].split(".")] if found else []


def _python() -> Finding:
    have, system = platform.python_version(), f"{platform.system()} {platform.machine()}"
    found = f"{platform.python_implementation()} {have} on {system}"
    needed = _metadata("Requires-Python") or ">=3.11"
    if not is_satisfied(have, needed):
        return wrong("python", found, f"use Python {needed}")
    return ok("python", found)


def _packages() -> Iterator[Finding]:
    """Yield those packages that are not as needed, and one finding for all others."""
    try:
        required = metadata.requires(_ITSELF) or []
    except metadata.PackageNotFoundError:
        yield note(
            "packages", f"{_ITSELF} is not installed, so its needs are not known", _REINSTALL
        )
        return
    fitting = []
    for text in required:
        parts = _REQUIRED.fullmatch(text)
        if parts is None or (parts[3] and "extra" in parts[3]):
            continue
        name, bounds = parts[1], parts[2].strip()
        try:
            have = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield wrong(f"package {name}", "it is not installed", _REINSTALL)
            continue
        if is_satisfied(have, bounds):
            fitting.append(f"{name} {have}")
        else:
            yield wrong(f"package {name}", f"{have}, and {bounds} is needed", _REINSTALL)
    yield ok("packages", ", ".join(sorted(fitting)))


def _metadata(field: str) -> str | None:
    try:
        return str(metadata.metadata(_ITSELF)[field] or "") or None
    except (metadata.PackageNotFoundError, KeyError):
        return None


def _machine_code() -> Finding:
    """Return whether what reads books is compiled already, or would be kept once it is."""
    from pipeline.normalize.scan import scan_books  # noqa: PLC0415 - numba takes a second
    from pipeline.replay import changed_tops  # noqa: PLC0415 - likewise

    name = "machine code"
    places = [compiled.kept(function) for function in (scan_books, changed_tops)]
    known = [place for place in places if place is not None]
    if len(known) < len(places):
        advice = "name a folder that can be written in NUMBA_CACHE_DIR"
        return note(name, "it can't be kept: each process compiles for itself, for seconds", advice)
    folders = ", ".join(sorted({str(place.folder) for place in known}))
    if not any(place.files for place in known):
        return note(name, f"not compiled yet: the first run does, once, into {folders}")
    if not all(place.files for place in known):
        return ok(name, f"compiled as far as it was used so far, in {folders}")
    return ok(name, f"compiled, in {folders}")
