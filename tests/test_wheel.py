"""The wheel is whole: outside the checkout, with nothing but itself, SQL answers."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

from tests.conftest import ROOT, clean_environment

if TYPE_CHECKING:
    from pathlib import Path


def test_a_wheel_works_outside_the_checkout(tmp_path: Path) -> None:
    """The command runs from the wheel alone, and finds its SQL inside."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--disable-pip-version-check", "--wheel-dir", str(tmp_path / "dist"), str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = (tmp_path / "dist").glob("coinflex_l2-*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    assert (tmp_path / "installed" / "pipeline" / "page" / "page.css").is_file()
    script = (
        "import pipeline.sql_objects as o; assert o.__file__.startswith(%r); "
        "print(len(o.sql_objects()))"
    )
    for command, expected in [
        (
            ["-m", "pipeline", "sql", "select count(*) as n from depth_changes", "--json"],
            '{"n": 0}',
        ),
        (["-c", script % str(tmp_path)], str(len(list((ROOT / "sql").glob("**/*.sql"))))),
    ]:
        result = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, check=True, capture_output=True, text=True,
            env=clean_environment(PYTHONPATH=str(tmp_path / "installed")),
        )  # fmt: skip
        assert expected in result.stdout
