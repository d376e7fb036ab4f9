"""Runs a notebook from top to bottom, in a folder of its own, with the Python that runs this."""

from __future__ import annotations

import asyncio
import os
import sys
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from matplotlib import font_manager
from nbclient import NotebookClient

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["NOTEBOOKS", "executed"]

NOTEBOOKS: Final = Path(__file__).parent
_ROOT: Final = NOTEBOOKS.parent
_SAMPLE: Final = _ROOT / "data" / "sample"

# Long, since a machine may be slow; a cell that never ends is found by whoever runs the tests.
_TIMEOUT: Final = 600

# What would make a run depend on who runs it: settings of this project, keys, how frames and
# figures are shown; and the tracing of processes, which makes loops slow.
_NOT_OURS: Final = (
    "COINFLEX_", "TARDIS_", "TM_API_KEY", "POLARS_", "MPLBACKEND", "COVERAGE_PROCESS",
)  # fmt: skip

# Pictures of exactly the size that the code says, small enough to be committed.
_KERNEL_CONFIG: Final = """\
c.InlineBackend.print_figure_kwargs = {"bbox_inches": None}
c.InlineBackend.rc = {"figure.dpi": 80}
c.HistoryManager.enabled = False
c.InteractiveShell.colors = "nocolor"
"""


class _ThisPython(KernelSpecManager):
    """Knows one kernel: the Python that runs this, whatever is installed for Jupyter here."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002 - there is one
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=command, display_name="Python 3", language="python")


def executed(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of a notebook with the outputs of a run on the sample, in an empty lake.

    It finds the sample where a checkout has it, at ../data/sample, and may write to ../data.
    Raises nbclient.exceptions.CellExecutionError where a cell fails.
    """
    copy = deepcopy(notebook)
    # Not pytest's folder: the path of a socket may have a hundred characters.
    with TemporaryDirectory(prefix="notebook-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        asyncio.run(_run(copy, folder, _environment(folder)))
    return copy


async def _run(notebook: NotebookNode, folder: Path, environment: dict[str, str]) -> None:
    manager = AsyncKernelManager(
        kernel_spec_manager=_ThisPython(),
        # Sockets in this folder, since of two kernels that look for a free port one may lose.
        transport="ipc", ip=os.fspath(folder / "kernel"),
        connection_file=os.fspath(folder / "kernel.json"),
    )  # fmt: skip
    client: Any = NotebookClient(
        notebook, km=manager, timeout=_TIMEOUT, startup_timeout=_TIMEOUT, record_timing=False,
        resources={"metadata": {"path": os.fspath(folder / "notebooks")}},
    )  # fmt: skip
    # The kernel is ended here, also where a cell fails: nbclient leaves one that it was given.
    await client.async_execute(env=environment, cleanup_kc=True)


def _environment(folder: Path) -> dict[str, str]:
    """Lay out a folder as a checkout, and return an environment that keeps all in it."""
    (folder / "notebooks").mkdir()
    (folder / "data").mkdir()
    (folder / "data" / "sample").symlink_to(_SAMPLE)
    profile = folder / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text(_KERNEL_CONFIG)
    _make_font_cache()
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_NOT_OURS)}
    path = [os.fspath(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return kept | {
        "IPYTHONDIR": os.fspath(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": os.fspath(folder / "jupyter"),
        "JUPYTER_DATA_DIR": os.fspath(folder / "jupyter"),
        "JUPYTER_RUNTIME_DIR": os.fspath(folder / "jupyter"),
        "MATPLOTLIBRC": os.fspath(Path(mpl.get_data_path()) / "matplotlibrc"),
        "PYTHONPATH": os.pathsep.join(path),
    }


def _make_font_cache() -> None:
    """Let matplotlib look for fonts here: in a kernel it would say in a cell that it does."""
    font_manager.findfont("DejaVu Sans")
