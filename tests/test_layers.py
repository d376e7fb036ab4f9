from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = ROOT / "pipeline"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

# Down the flow: a module imports from lines above its own, or from its own line, never from below.
LAYERS = [
    ["pipeline.errors"],
    [
        "pipeline.channels",
        "pipeline.times",
        "pipeline.config",
        "pipeline.digest",
        "pipeline.progress",
        "pipeline.redaction",
        "pipeline.rest_schemas",
        "pipeline.schemas",
        "pipeline.service_schemas",
        "pipeline.signals",
        "pipeline.sql_objects",
        "pipeline.table",
        "pipeline.visible",
    ],
    ["pipeline.logs"],
    ["pipeline.derived_tables"],
    ["pipeline.view_columns"],
    ["pipeline.answer_line", "pipeline.stamp"],
    ["pipeline.durable"],
    ["pipeline.lock", "pipeline.workers"],
    ["pipeline.capture_file"],
    ["pipeline.thinned_file"],
    ["pipeline.slice_file"],
    ["pipeline.slices"],
    ["pipeline.exchange_details"],
    ["pipeline.recording"],
    ["pipeline.arrivals"],
    ["pipeline.compiled"],
    ["pipeline.normalize.scan", "pipeline.replay"],
    ["pipeline.normalize"],
    ["pipeline.parquet"],
    ["pipeline.content"],
    ["pipeline.lake", "pipeline.versions"],
    ["pipeline.manifest"],
    ["pipeline.drafts", "pipeline.partition_writer"],
    ["pipeline.filing", "pipeline.listings"],
    ["pipeline.day_writer", "pipeline.live_writer"],
    ["pipeline.catalogue"],
    ["pipeline.lake_version"],
    ["pipeline.views"],
    ["pipeline.confined", "pipeline.dictionary"],
    ["pipeline.query"],
    ["pipeline.snapshots"],
    ["pipeline.plots", "pipeline.research"],
    ["pipeline"],
    ["pipeline.scanning"],
    ["pipeline.filling"],
    ["pipeline.day_sources"],
    ["pipeline.answer_reading", "pipeline.reading"],
    ["pipeline.day_ingest"],
    ["pipeline.live_day"],
    ["pipeline.ingest", "pipeline.checks", "pipeline.sizes", "pipeline.status"],
    ["pipeline.page"],
    ["pipeline.day_derive"],
    ["pipeline.derive"],
    ["pipeline.live_following"],
    ["pipeline.sources"],
    ["pipeline.live_lake"],
    ["pipeline.capture_recording", "pipeline.capture_report"],
    ["pipeline.exposition"],
    ["pipeline.backfill", "pipeline.capture"],
    ["pipeline.verifying"],
    ["pipeline.retention"],
    ["pipeline.doctor", "pipeline.sync"],
    ["pipeline.simulator"],
    ["pipeline.cli"],
    ["pipeline.__main__"],
]

NETWORK = {
    "aiohttp", "ftplib", "http", "httpx", "requests", "smtplib", "socket", "socketserver", "ssl",
    "tardis_client", "urllib.error", "urllib.request", "urllib3", "websockets", "xmlrpc",
}  # fmt: skip
MAY_USE_THE_NETWORK = ("pipeline.sources", "pipeline.simulator")
# What would make a normalized day depend on anything but its lines.
NOT_IN_NORMALIZE = NETWORK | {
    "asyncio", "glob", "io", "multiprocessing", "os", "pathlib", "random", "secrets", "shutil",
    "subprocess", "sys", "tempfile", "threading", "time", "uuid",
    "pipeline.config", "pipeline.durable", "pipeline.ingest", "pipeline.lake", "pipeline.lock",
    "pipeline.parquet", "pipeline.reading", "pipeline.slice_file", "pipeline.slices",
    "pipeline.sources", "pipeline.views",
}  # fmt: skip


@cache
def tree(module: str) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imports(module: str) -> Iterator[str]:
    """Yield what a module imports, inside functions and for type checkers too."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else str(node.module)


def under(name: str, packages: Iterator[str] | set[str] | tuple[str, ...]) -> bool:
    """Say whether a name is one of some packages or lies in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def layer(module: str) -> int:
    """Return the number of a module's layer: the most precise line that names it."""
    named = [
        (len(name), number)
        for number, names in enumerate(LAYERS)
        for name in names
        if name == module or (name != "pipeline" and module.startswith(f"{name}."))
    ]
    assert named, f"{module} stands in no layer; where in the flow is its place?"
    return max(named)[1]


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_one_way(module: str) -> None:
    """Whoever reads a module needs to know only what lies before it in the flow."""
    mine = layer(module)
    upward = [name for name in imports(module) if name in MODULES and layer(name) > mine]
    assert not upward


def test_no_import_leads_back() -> None:
    """No two modules need each other, not even within a layer or in a function."""
    needs = {module: {name for name in imports(module) if name in MODULES} for module in MODULES}
    while ready := [module for module in needs if not needs[module] & needs.keys()]:
        for module in ready:
            del needs[module]
    assert not needs, "these modules import each other in a ring"


@pytest.mark.parametrize("module", MODULES)
def test_only_sources_and_simulator_touch_the_network(module: str) -> None:
    """Whoever asks what leaves this machine has one folder to read."""
    if not under(module, MAY_USE_THE_NETWORK):
        assert not [name for name in imports(module) if under(name, NETWORK)]


@pytest.mark.parametrize("module", [name for name in MODULES if "normalize" in name])
def test_normalize_is_pure(module: str) -> None:
    """The same lines give the same rows: no disk, no network, no clock, no chance."""
    assert not [name for name in imports(module) if under(name, NOT_IN_NORMALIZE)]
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"now", "utcnow", "today", "read_parquet", "scan_parquet"}
        elif isinstance(node, ast.Name):
            assert node.id not in {"open", "input", "print", "__import__", "eval", "exec"}


@pytest.mark.parametrize("module", MODULES)
def test_only_config_reads_the_environment(module: str) -> None:
    """Every variable that changes what a run does is listed in one docstring."""
    if module == "pipeline.config":
        return
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"environ", "environb", "getenv", "getenvb"}
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            assert not {alias.name for alias in node.names} & {"environ", "getenv"}


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        (
            "pipeline.cli",
            {"aiohttp", "duckdb", "matplotlib", "polars", "pyarrow", "rich", "tardis_client"},
        ),
        ("pipeline.sources.tardis", {"duckdb", "polars", "pyarrow"}),
        ("pipeline.status", {"aiohttp", "duckdb", "pandas"}),
        ("pipeline.capture", {"duckdb", "numba", "pandas", "polars", "pyarrow"}),
        ("pipeline.research", {"matplotlib", "numba"}),
        ("pipeline.plots", {"matplotlib"}),
    ],
)
def test_a_command_waits_only_for_what_it_needs(module: str, unneeded: set[str]) -> None:
    """`--help`, a plan and `status` load none of the heavy packages that others need."""
    script = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not unneeded & set(done.stdout.split())


@pytest.mark.parametrize("module", MODULES)
def test_module_can_be_read_in_one_sitting(module: str) -> None:
    """No module grows beyond 400 lines; what does has a second purpose that wants a name."""
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("module", MODULES)
def test_public_names_exist(module: str) -> None:
    """`__all__` names what a module defines or brings in, sorted into the order of the linter."""
    defined: set[str] = set()
    listed: list[str] | None = None
    for node in tree(module).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            defined |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [name for target in targets for name in ast.walk(target)]
            defined |= {name.id for name in names if isinstance(name, ast.Name)}
            if "__all__" in {getattr(target, "id", None) for target in targets} and node.value:
                listed = ast.literal_eval(node.value)
    assert not set(listed or ()) - defined


def test_every_module_is_looked_at() -> None:
    """These tests see the whole package, not an empty folder."""
    assert {"pipeline.normalize.day", "pipeline.cli.query", "pipeline.slices"} <= MODULES.keys()
    assert Path(PACKAGE / "slices.py") in MODULES.values()
