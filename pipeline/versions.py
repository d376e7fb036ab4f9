"""The version of a day: one number, in every row that is made of its slices.

Whoever reads two files of a day, or one twice, knows by it whether both readings were of one
making. It is a digest of all that the day is made of, so it is known when the last slice has been
read, after most rows were written. Until then its place in each row group holds `UNSTAMPED`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import pyarrow.parquet as pq

from pipeline.schemas import VERSION

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["UNSTAMPED", "put_into", "version_of"]

# Below zero, so no version.
UNSTAMPED: Final = -0x5EED_0F_A_DA1
_BYTES: Final = 8


def version_of(source: str, release: str) -> int:
    """Return the version of what a release of this project makes of a day's slices."""
    digest = hashlib.sha256(f"{source} {release}".encode()).digest()
    return int.from_bytes(digest[:_BYTES], "little") >> 1


def put_into(path: Path, version: int) -> None:
    """Write a day's version into every row of a finished file, in place.

    The column is a dictionary of one number in each row group, neither compressed nor counted in
    statistics (see parquet.parquet_options), so that number is all there is to change.
    """
    metadata = pq.read_metadata(path)
    column = metadata.schema.names.index(VERSION.name)
    unstamped, stamped = (
        number.to_bytes(_BYTES, "little", signed=True) for number in (UNSTAMPED, version)
    )
    with path.open("r+b") as file:
        for group in range(metadata.num_row_groups):
            # The dictionary ends where the first page of rows begins.
            end_of_dictionary = metadata.row_group(group).column(column).data_page_offset
            file.seek(end_of_dictionary - _BYTES)
            if file.read(_BYTES) != unstamped:
                raise AssertionError(f"{path} has no place for its version in row group {group}")
            file.seek(end_of_dictionary - _BYTES)
            file.write(stamped)
