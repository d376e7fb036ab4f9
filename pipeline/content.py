"""What rows say, as a digest: the same wherever and by whichever library they were written.

A file's bytes depend on the version of pyarrow, and each row's `version` on the bytes of the gzip
slices. What is digested here are the values alone: of each column whether they are NULL, how long
lists and texts are, and what is in them, NULL as zero or nothing. Rows may come in pieces of any
size.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.schemas import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Content"]

_DIGITS: Final = 32
# What says how the slices were compressed, not what is in them; the latter two stand in `ingests`.
_OF_THE_BYTES: Final = frozenset({VERSION.name, "sha256", "bytes"})


class Content:
    """The digest of a table's rows, in order, whatever its slices were compressed by."""

    def __init__(self) -> None:
        self.rows = 0
        self._columns: dict[str, Any] = {}

    def add(self, rows: pa.Table) -> None:
        """Take the next rows, as they stand in the file."""
        self.rows += rows.num_rows
        for field in rows.schema:
            if field.name in _OF_THE_BYTES:
                continue
            digest = self._columns.get(field.name)
            if digest is None:
                digest = self._columns[field.name] = [hashlib.sha256() for _ in range(3)]
            for chunk in rows[field.name].chunks:
                for of, part in zip(digest, _parts(chunk), strict=False):
                    of.update(part)

    def digest(self) -> str:
        """Return the digest of all rows so far."""
        state = hashlib.sha256(f"{self.rows} rows\n".encode())
        for name in sorted(self._columns):
            parts = " ".join(of.hexdigest() for of in self._columns[name])
            state.update(f"{name} {parts}\n".encode())
        return state.hexdigest()[:_DIGITS]


def _parts(column: pa.Array) -> Iterator[memoryview]:
    """Yield what stands for a column: which are NULL, the values, and the lengths of these."""
    yield _bytes(column.is_null().cast(pa.uint8()))
    kind = column.type
    if pa.types.is_list(kind):
        yield _bytes(column.flatten())
        yield _bytes(pc.fill_null(pc.list_value_length(column), 0))
    elif pa.types.is_string(kind):
        texts = pc.fill_null(column, "")
        yield _text_of(texts)
        yield _bytes(pc.binary_length(texts))
    elif pa.types.is_boolean(kind):
        yield _bytes(pc.fill_null(column, False).cast(pa.uint8()))
    elif pa.types.is_floating(kind):
        yield _bytes(pc.fill_null(column, 0.0))
    else:
        width = pa.int32() if kind.bit_width == _NARROW else pa.int64()
        yield _bytes(pc.fill_null(column.cast(width), 0))


_NARROW: Final = 32


def _bytes(numbers: pa.Array) -> memoryview:
    return np.ascontiguousarray(numbers.to_numpy(zero_copy_only=False)).data.cast("B")


def _text_of(texts: pa.Array) -> memoryview:
    """Return the bytes of all texts, one after the other; none of them is NULL."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return memoryview(b"")
    bounds = np.frombuffer(offsets, np.int32, len(texts) + 1, texts.offset * 4)
    return memoryview(data)[bounds[0] : bounds[-1]]
