"""`python -m notebooks [NAME …]`: executes notebooks and writes their outputs where they lie."""

from __future__ import annotations

import sys

from notebooks.canonical import canonical, read, text_of
from notebooks.comparing import differences, with_kept_pictures
from notebooks.executing import NOTEBOOKS, executed


def main(names: list[str]) -> None:
    """Execute the notebooks of these names, or all, and say which have changed."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if names and path.stem not in names:
            continue
        kept = read(path)
        new = canonical(executed(kept))
        changed = differences(kept, new)
        path.write_text(text_of(with_kept_pictures(kept, new)), encoding="utf-8")
        print(f"{path.name}: {'changed' if changed else 'as before'}")


if __name__ == "__main__":
    main(sys.argv[1:])
