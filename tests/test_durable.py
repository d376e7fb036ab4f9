from __future__ import annotations

import errno
import resource
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import durable
from pipeline.errors import LakeUnwritable

from .conftest import ROOT, Cli, clean_environment
from .making import at, depth, trade, write_minute

FULL = Path("/dev/full")


def names(folder: Path) -> list[str]:
    """Return every file below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def full(draft: Path) -> Path:
    """Return a draft that lies on a full disk."""
    draft.symlink_to(FULL)
    return draft


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        env=clean_environment(), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    """Until the last byte is written the old content is what a reader gets."""
    path, drafts = tmp_path / "deep" / "er" / "file", tmp_path / "drafts"
    with durable.replacing(path, drafts) as draft:
        draft.write_text("one")
        assert not path.exists()
    with durable.replacing(path, drafts) as draft:
        draft.write_text("tw")
        assert path.read_text() == "one"
    assert path.read_text() == "tw"
    assert names(tmp_path) == ["deep/er/file"]


def test_what_is_removed_leaves_no_folder(tmp_path: Path) -> None:
    """But what others have put beside it stays."""
    for name in ("alone/file", "shared/file", "shared/other"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    durable.remove(tmp_path / "alone" / "file")
    durable.remove(tmp_path / "shared" / "file")
    assert names(tmp_path) == ["shared/other"]
    assert not (tmp_path / "alone").exists()


def test_reader_keeps_the_file_that_it_opened(tmp_path: Path) -> None:
    """A file that is being read is replaced beside its reader, not under it."""
    path = tmp_path / "file"
    with durable.replacing(path, tmp_path / "drafts") as draft:
        draft.write_text("old " * 1000)
    with path.open() as reader:
        begun = reader.read(4)
        with durable.replacing(path, tmp_path / "drafts") as draft:
            draft.write_text("new " * 1000)
        assert begun + reader.read() == "old " * 1000


def test_error_in_the_writer_leaves_the_old_file(tmp_path: Path) -> None:
    """Whatever goes wrong while a file is written, the old one stays and the draft goes."""
    path = tmp_path / "file"
    path.write_text("old")
    with (
        pytest.raises(ZeroDivisionError),
        durable.replacing(path, tmp_path / "drafts") as draft,
    ):
        _ = draft.write_text("half") / 0
    assert names(tmp_path) == ["file"]
    assert path.read_text() == "old"


def test_drafts_never_share_a_name(tmp_path: Path) -> None:
    """Several writers, in one process or in many, do not write into each other's drafts."""
    assert len({durable.new_draft(tmp_path / "drafts") for _ in range(1000)}) == 1000


def test_clear_removes_what_killed_runs_left(tmp_path: Path) -> None:
    """Drafts of a killed run do not fill the disk for ever."""
    drafts = tmp_path / "drafts"
    durable.new_draft(drafts).write_text("left")
    (drafts / "7-x.wal").write_text("left")
    durable.clear(drafts)
    assert names(tmp_path) == []
    durable.clear(drafts)


@pytest.mark.skipif(not FULL.is_char_device(), reason="needs /dev/full")
def test_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    """When the disk refuses a byte, the error says so and the old file is still whole."""
    path = tmp_path / "file"
    path.write_text("old")
    with (
        pytest.raises(LakeUnwritable, match="the disk is full") as refusal,
        durable.replacing(path, tmp_path / "drafts") as draft,
    ):
        full(draft).write_text("new")
    assert isinstance(refusal.value.__cause__, OSError)
    assert names(tmp_path) == ["file"]
    assert path.read_text() == "old"


@pytest.mark.skipif(not FULL.is_char_device(), reason="needs /dev/full")
def test_full_disk_under_parquet_is_said(tmp_path: Path) -> None:
    """The Parquet writer's own error for a full disk becomes the same sentence."""
    with (
        pytest.raises(LakeUnwritable, match="the disk is full"),
        durable.replacing(tmp_path / "file", tmp_path / "drafts") as draft,
    ):
        pq.write_table(pa.table({"a": list(range(1000))}), full(draft))
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("blocked", "reason"),
    [
        ("a", "a part of the path is a file, not a folder"),
        ("a/b", "a file stands where a folder should be"),
        ("a/b/c/", "a folder stands where a file should be"),
        ("drafts", "a file stands where a folder should be"),
    ],
)
def test_path_that_is_taken_is_said(tmp_path: Path, blocked: str, reason: str) -> None:
    """A file where a folder should be, or the other way round, is named, with its place."""
    taken = tmp_path / blocked
    if blocked.endswith("/"):
        taken.mkdir(parents=True)
    else:
        taken.parent.mkdir(parents=True, exist_ok=True)
        taken.write_text("mine")
    with (
        pytest.raises(LakeUnwritable) as refusal,
        durable.replacing(tmp_path / "a" / "b" / "c", tmp_path / "drafts") as draft,
    ):
        draft.write_text("new")
    known = {reason, "a part of the path is a file, not a folder"}
    assert refusal.value.reason in known
    assert str(tmp_path) in str(refusal.value.path)
    assert names(tmp_path) == ([] if blocked.endswith("/") else [blocked])


def test_no_permission_is_said(tmp_path: Path) -> None:
    """A folder of someone else's is refused with the reason. Root is nobody here: it may write."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o500)
    script = """
        import os, sys
        from pathlib import Path
        from pipeline import durable
        from pipeline.errors import LakeUnwritable

        os.chdir(sys.argv[1])
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        try:
            with durable.replacing(Path("file"), Path("drafts")) as draft:
                draft.write_text("new")
        except LakeUnwritable as error:
            print(error.reason)
    """
    assert run(script, folder).stdout == "no permission\n"
    assert names(folder) == []


def test_limit_on_file_size_is_said(tmp_path: Path) -> None:
    """A file system or a limit that takes no larger file is no traceback."""
    script = """
        import resource, sys
        from pathlib import Path
        from pipeline import durable
        from pipeline.errors import LakeUnwritable

        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        path = Path(sys.argv[1])
        try:
            with durable.replacing(path / "file", path / "drafts") as draft:
                draft.write_bytes(bytes(2000))
        except LakeUnwritable as error:
            print(error.reason)
    """
    assert "larger than the file system or a limit allows" in run(script, tmp_path).stdout
    assert names(tmp_path) == []


def test_unknown_refusal_is_not_dressed_up(tmp_path: Path) -> None:
    """A mistake of the program (a name that is not there) is no advice to free space."""
    with pytest.raises(FileNotFoundError), durable.writing(tmp_path):
        (tmp_path / "none").read_text()
    with pytest.raises(OSError, match="x") as error, durable.writing(tmp_path):
        raise OSError(errno.ENOTCONN, "x")
    assert error.value.errno == errno.ENOTCONN


# --- the command line on a disk that refuses ---------------------------------------------------


@pytest.fixture(name="imported")
def _imported(tmp_path: Path, cli: Cli) -> Path:
    """Return a data folder with two days of slices, nothing ingested."""
    for day in (1, 2):
        midnight = at(1440 * (day - 1))
        lines = [
            depth(
                at(0, second, midnight),
                [[100 - level, second + 1 + level] for level in range(50)],
                [[101 + level, second + 1] for level in range(50)],
                instrument=name,
                seq=second,
            )
            for second in range(50)
            for name in ("A", "B")
        ]
        lines.append(trade(at(0, 51, midnight), "1", "2", instrument="A"))
        write_minute(tmp_path / "source", midnight, lines)
    assert cli("import-slices", str(tmp_path / "source")).returncode == 0
    return tmp_path / "data"


def test_ingest_without_room_for_its_files_exits_2(imported: Path) -> None:
    """A run that can't write says so in a sentence with exit code 2; what is there is whole."""
    limit = 3_000  # bytes: enough for an empty table, not for a day of depth
    # Nor for what coverage would write of that process.
    measuring = ("COVERAGE", "COV_")
    unmeasured = {k: v for k, v in clean_environment().items() if not k.startswith(measuring)}
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "--data", str(imported), "ingest", "--jobs", "1"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        env=unmeasured, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"coinflex-l2: can't write {imported}")
    for name in names(imported / "lake"):
        assert not name.startswith("_drafts"), "a draft was left"
        pq.read_table(imported / "lake" / name, partitioning=None)


def _can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "none", "/mnt"],
        capture_output=True, check=False,
    )  # fmt: skip
    return tried.returncode == 0


# In a mount namespace of its own: fills a small file system, once for each room that is left.
FILL = """
    import os, shutil, subprocess, sys
    from pathlib import Path
    from pipeline.errors import LakeUnwritable
    from pipeline.ingest import ingest_range
    from pipeline.catalogue import Catalogue
    from pipeline.lake import Lake

    disk, source = Path(sys.argv[1]), Path(sys.argv[2])
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=50m", "none", disk], check=True)
    data = disk / "data"
    for spare in map(int, sys.argv[3:]):
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(source, data)
        room = os.statvfs(disk)
        used = (room.f_blocks - room.f_bfree) * room.f_frsize // 1024
        subprocess.run(["mount", "-o", f"remount,size={used + spare}k", disk], check=True)
        try:
            ingest_range(data, "coinflex", None, None, jobs=1)
            said = "no need"
        except LakeUnwritable as error:
            said = error.reason
        left = [path for path in data.rglob("*") if "_drafts" in path.parts and path.is_file()]
        subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
        ingest_range(data, "coinflex", None, None, jobs=1)
        rows = Catalogue(Lake(data, "coinflex")).rows
        print(said, len(left), rows["depth_messages"].sum(), rows["trades"].sum(), sep=" | ")
"""


@pytest.mark.skipif(not _can_mount(), reason="needs a mount namespace of its own")
def test_full_disk_then_room_again(imported: Path, tmp_path: Path) -> None:
    """Wherever on its way a run fills the disk, it says so; with room, the next run is whole."""
    (tmp_path / "full").mkdir()
    spares = [8, 80, 160, 400, 20_000]  # KiB: before the first day to enough
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", sys.executable, "-c", textwrap.dedent(FILL),
         str(tmp_path / "full"), str(imported), *map(str, spares)],
        env=clean_environment(), cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outcomes = done.stdout.splitlines()
    assert len(outcomes) == len(spares)
    assert outcomes[-1] == "no need | 0 | 200 | 2"
    assert outcomes.count("the disk is full | 0 | 200 | 2") >= 3
    assert set(outcomes) == {"the disk is full | 0 | 200 | 2", "no need | 0 | 200 | 2"}
