"""The files of deploy/: systemd takes them, Kubernetes would, and what they start is there."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import msgspec
import pytest

from pipeline.cli import cli

from .conftest import ROOT
from .kubernetes import CronJob

if TYPE_CHECKING:
    from pathlib import Path

DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "coinflex-l2-capture@.service"
VERIFY = DEPLOY / "coinflex-l2-verify@.service"
VERIFY_TIMER = DEPLOY / "coinflex-l2-verify@.timer"
SYNC, TIMER = DEPLOY / "coinflex-l2-sync@.service", DEPLOY / "coinflex-l2-sync@.timer"
CRONTAB, CRONJOB = DEPLOY / "coinflex-l2.crontab", DEPLOY / "cronjob.yaml"
DAG = DEPLOY / "airflow_dag.py"
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze")


def unit(path: Path = UNIT) -> dict[str, list[str]]:
    """Return the values of each setting of a unit."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if match := re.fullmatch(r"(\w+)=(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


def installed(folder: Path, unit: Path = UNIT) -> Path:
    """Return a unit with a command that is there, so that only the unit is looked at."""
    command = folder / "coinflex-l2"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    copy = folder / unit.name.replace("@", "@coinflex")
    copy.write_text(unit.read_text().replace("ExecStart=/usr/local/bin/", f"ExecStart={folder}/"))
    return copy


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze."""
    assert ANALYZE is not None
    return subprocess.run(
        [ANALYZE, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


@needs_systemd
@pytest.mark.parametrize("units", [[UNIT], [SYNC, TIMER], [VERIFY, VERIFY_TIMER]],
                         ids=["capture", "sync", "verify"])  # fmt: skip
def test_systemd_takes_the_units(tmp_path: Path, units: list[Path]) -> None:
    """Without a word: no setting is unknown, misspelled or in the wrong section."""
    paths = [str(installed(tmp_path, unit)) for unit in units]
    done = analyze("verify", "--man=no", "--recursive-errors=no", *paths)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
def test_systemd_would_notice(tmp_path: Path) -> None:
    """A misspelled setting is told, so silence means something."""
    path = installed(tmp_path)
    path.write_text(path.read_text().replace("NoNewPrivileges", "NoNewPriviledges"))
    assert "NoNewPriviledges" in analyze("verify", "--man=no", str(path)).stderr


@needs_systemd
@pytest.mark.parametrize("service", [UNIT, SYNC, VERIFY], ids=["capture", "sync", "verify"])
def test_the_service_is_shut_in(tmp_path: Path, service: Path) -> None:
    """Systemd's own measure of what a service may do, from 0 to 10: 2 is what it calls ok."""
    path = str(installed(tmp_path, service))
    done = analyze("security", "--offline=true", "--threshold=20", "--no-pager", path)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_systemd
def test_the_timer_comes_each_night_and_after_an_outage() -> None:
    """At three by UTC, as systemd reads it, whatever the machine's zone; and it starts the job."""
    (when,) = unit(TIMER)["OnCalendar"]
    told = analyze("calendar", "--iterations=2", when).stdout
    times = re.findall(r"\w{3} (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC", told)
    assert {time for _, time in times} == {"03:00:00"}
    assert unit(TIMER)["Persistent"] == ["yes"]
    assert TIMER.stem == SYNC.stem, "a timer starts the service of its name"
    assert "RemainAfterExit" not in unit(SYNC)


def options_in(text: str) -> set[str]:
    """Return the options that a command line names."""
    return {word for word in text.split() if word.startswith("--")}


def test_every_option_is_one_of_the_command_line() -> None:
    """What the unit, the example of its environment and the README name exists."""
    (start,) = unit()["ExecStart"]
    before, after = map(options_in, start.split(" capture "))
    known = {name for one in cli.params for name in one.opts}
    of_capture = {name for one in cli.commands["capture"].params for name in one.opts}
    assert before
    assert before <= known
    example = (DEPLOY / "coinflex-l2.env.example").read_text()
    (more,) = re.findall(r"^OPTIONS=(.*)$", example, re.MULTILINE)
    assert after
    assert after | options_in(more) <= of_capture


def test_the_command_of_the_unit_is_understood() -> None:
    """With the example's values each option takes what stands behind it, and nothing is left."""
    (start,) = unit()["ExecStart"]
    line = start.replace("${INSTRUMENTS}", "all").replace("$OPTIONS", "--listen 9464")
    words = line.replace("%i", "coinflex").replace("%S", "state").split()[1:]
    place = words.index("capture")
    with cli.make_context("coinflex-l2", words[:place], resilient_parsing=True) as context:
        command = cli.commands["capture"]
        with command.make_context("capture", words[place + 1 :], parent=context) as made:
            assert made.args == []
            assert made.params["instruments"] == "all"
            assert made.params["log_format"] == "json"
            assert made.params["listen"] == "9464"


def test_it_is_started_again_whatever_happens() -> None:
    """No number of failures is the last, and a stop has more time than a capture takes."""
    settings = unit()
    assert settings["Restart"] == ["always"]
    assert settings["StartLimitIntervalSec"] == ["0"]
    assert int(settings["TimeoutStopSec"][0]) > 5
    assert settings["Type"] == ["exec"]


def test_what_is_compiled_may_run() -> None:
    """The one hardening that a capture's lake could not live with is not there."""
    assert "MemoryDenyWriteExecute" not in unit()


def test_every_variable_of_the_example_is_read() -> None:
    """By the unit, or by the settings."""
    text = (DEPLOY / "coinflex-l2.env.example").read_text()
    read = (
        UNIT.read_text()
        + SYNC.read_text()
        + VERIFY.read_text()
        + (ROOT / "pipeline" / "config.py").read_text()
    )
    names = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE)
    assert len(names) == 11
    assert [name for name in names if name not in read] == []


# --- the scheduled job -------------------------------------------------------------------------


def assert_is_a_sync(line: str, name: str = "sync") -> None:
    """Check that the command line takes a line, each option with its value, as `sync`."""
    words = shlex.split(line)
    place = words.index(name)
    assert words[0].endswith("coinflex-l2")
    with cli.make_context("coinflex-l2", words[1:place], resilient_parsing=True) as context:
        command = cli.commands[name]
        with command.make_context(name, words[place + 1 :], parent=context) as made:
            assert made.args == []


def test_what_the_weekly_unit_starts_is_a_verify() -> None:
    """With options and with none; once a week, by a timer of its name."""
    (start,) = unit(VERIFY)["ExecStart"]
    line = start.replace("%i", "coinflex").replace("%S", "state")
    for given in ("", "--textfile FILE.prom --repair"):
        assert_is_a_sync(line.replace("$VERIFY_OPTIONS", given), "verify")
    assert VERIFY_TIMER.stem == VERIFY.stem
    assert unit(VERIFY_TIMER)["OnCalendar"] == ["Sun *-*-* 12:00:00 UTC"]


def test_what_the_units_start_is_a_sync() -> None:
    """With the options of the example, and with none."""
    (start,) = unit(SYNC)["ExecStart"]
    line = start.replace("%i", "coinflex").replace("%S", "state")
    example = (DEPLOY / "coinflex-l2.env.example").read_text()
    (options,) = re.findall(r"^SYNC_OPTIONS=(.*)$", example, re.MULTILINE)
    for given in ("", options):
        assert_is_a_sync(line.replace("$SYNC_OPTIONS", given))


def test_a_second_run_is_no_failure_of_the_service() -> None:
    """It ends with 75 when another is at work, and with 130 when it is stopped."""
    assert unit(SYNC)["SuccessExitStatus"] == ["75 130"]
    assert unit(SYNC)["Type"] == ["oneshot"]


def test_cron_starts_a_sync() -> None:
    """Five fields of time, a user, and a command that is understood; the key is in none of it."""
    lines = [line for line in CRONTAB.read_text().splitlines() if line and line[0] != "#"]
    settings, entries = lines[:-2], lines[-2:]
    assert "CRON_TZ=UTC" in settings
    for entry, name in zip(entries, ("sync", "verify"), strict=True):
        minute, hour, day, month, _, user, command = entry.split(maxsplit=6)
        assert (0 <= int(minute) < 60, 0 <= int(hour) < 24, day, month) == (True, True, "*", "*")
        assert user == "coinflex-l2"
        assert "%" not in command, "cron takes it for the end of the line"
        start = command.index("/usr/local/bin/")
        assert_is_a_sync(re.split("; }| 2>&1", command[start:])[0], name)


def test_cron_needs_no_key(tmp_path: Path) -> None:
    """Without the file the job runs without one; with it, with that."""
    entry = next(line for line in CRONTAB.read_text().splitlines() if line.startswith("17 "))
    command = entry.split(maxsplit=6)[6].partition(" 2>&1")[0]
    command = command.replace("/etc/coinflex-l2", str(tmp_path)).replace(
        "/usr/local/bin/coinflex-l2", "echo key=$TARDIS_API_KEY"
    )
    shell = ["/bin/sh", "-c", command]
    without = subprocess.run(shell, capture_output=True, text=True, check=True, env={})
    assert without.stdout.startswith("key= --data")
    (tmp_path / "key.sh").write_text("export TARDIS_API_KEY=it")
    given = subprocess.run(shell, capture_output=True, text=True, check=True, env={})
    assert given.stdout.startswith("key=it --data")


def test_kubernetes_would_take_the_manifest() -> None:
    """Each field is one of batch/v1 and of its kind, and what it starts is a sync."""
    job = msgspec.yaml.decode(CRONJOB.read_bytes(), type=CronJob, strict=True)
    assert (job.apiVersion, job.kind) == ("batch/v1", "CronJob")
    assert job.spec.concurrencyPolicy == "Forbid"
    assert job.spec.timeZone == "Etc/UTC"
    pod = job.spec.jobTemplate.spec.template.spec
    (container,) = pod.containers
    assert_is_a_sync(shlex.join(container.command))
    assert {mount.name for mount in container.volumeMounts} == {of.name for of in pod.volumes}
    (rule,) = job.spec.jobTemplate.spec.podFailurePolicy.rules
    assert rule.onExitCodes.containerName == container.name
    assert pod.restartPolicy == "Never", "podFailurePolicy needs it"
    assert 3 not in rule.onExitCodes.values, "what lacks may come: it is tried again"
    assert {of.name for of in container.env} >= {"TARDIS_API_KEY"}
    assert all(of.value is None or "KEY" not in of.name for of in container.env)


@pytest.mark.parametrize("spoiled", ["concurrencyPolicy: Forbit", "shedule: '0 3 * * *'"])
def test_a_slip_in_the_manifest_is_seen(spoiled: str) -> None:
    """A word that Kubernetes does not know is none of the schema here."""
    name = spoiled.partition(":")[0]
    right = "concurrencyPolicy: Forbid" if name == "concurrencyPolicy" else 'schedule: "0 3 * * *"'
    text = CRONJOB.read_text()
    assert right in text
    with pytest.raises(msgspec.ValidationError):
        msgspec.yaml.decode(text.replace(right, spoiled), type=CronJob, strict=True)


def test_the_dag_starts_a_sync() -> None:
    """Its command is understood, no key stands in it, and a run beside another one is skipped."""
    tree = ast.parse(DAG.read_text())
    (command,) = re.findall(r'^COMMAND = "(.*)"$', DAG.read_text(), re.MULTILINE)
    assert_is_a_sync(command)
    (operator,) = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "BashOperator"
    ]
    given = {of.arg: ast.unparse(of.value) for of in operator.keywords}
    assert (given["bash_command"], given["skip_on_exit_code"]) == ("COMMAND", "75")


def test_airflow_takes_the_dag() -> None:
    """Where Airflow is there, it finds one DAG of one task in the file."""
    models = pytest.importorskip("airflow.models.dagbag")
    bag = models.DagBag(dag_folder=str(DAG), include_examples=False)
    assert bag.import_errors == {}
    assert [task.task_id for task in bag.dags["coinflex_l2_sync"].tasks] == ["sync"]
