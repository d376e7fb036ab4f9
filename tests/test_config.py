from __future__ import annotations

import math
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.config import KEY_VARIABLES, LiveSettings, Settings, TardisSettings
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from .conftest import Cli

SECRET = "TD.a-key-that-must-not-show"


def load(text: str = "", *, at: Path, **environ: str) -> Settings:
    """Return the settings of a file's text and an environment."""
    path = at / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return Settings.load(config=path, environ=environ)


def test_defaults() -> None:
    """Nothing has to be set for a free day."""
    found = Settings.load(environ={})
    assert found == Settings(Path("data"), "coinflex", TardisSettings())
    assert (found.tardis.url, found.tardis.key) == ("https://api.tardis.dev", None)


def test_flags_over_environment_over_file(tmp_path: Path) -> None:
    """What is said last and nearest counts."""
    path = tmp_path / "settings.toml"
    path.write_text("""
        data = "of-file"
        exchange = "file"
        [tardis]
        url = "http://file"
        key = "file"
        attempts = 2
    """)
    of_file = Settings.load(config=path, environ={})
    assert (of_file.data, of_file.exchange) == (Path("of-file"), "file")
    assert of_file.tardis == TardisSettings(url="http://file", key="file", attempts=2)
    environ = {
        "COINFLEX_L2_CONFIG": str(path),
        "COINFLEX_L2_DATA": "of-environment",
        "COINFLEX_L2_EXCHANGE": "environment",
        "COINFLEX_L2_TARDIS_URL": "http://environment",
        "TARDIS_API_KEY": "environment",
    }
    over = Settings.load(environ=environ)
    assert (over.data, over.exchange) == (Path("of-environment"), "environment")
    assert over.tardis == TardisSettings(url="http://environment", key="environment", attempts=2)
    flags = Settings.load(data=Path("of-flag"), exchange="flag", environ=environ)
    assert (flags.data, flags.exchange) == (Path("of-flag"), "flag")
    assert flags.tardis == over.tardis


def test_settings_say_what_has_set_them(tmp_path: Path) -> None:
    """By its variable, its flag or its file; a default has no origin, and no value is in it."""
    found = load(
        f"exchange = 'a'\n[tardis]\nattempts = 2\nkey = '{SECRET}-of-file'",
        at=tmp_path, TM_API_KEY=SECRET, COINFLEX_L2_DATA="x",
    )  # fmt: skip
    path = str(tmp_path / "settings.toml")
    assert found.origins == {
        "exchange": path, "data": "COINFLEX_L2_DATA", "tardis.attempts": path,
        "tardis.key": "TM_API_KEY",
    }  # fmt: skip
    assert Settings.load(site="test", environ={}).origins == {"live.site": "--site"}
    with pytest.raises(UsageError, match="'origins'"):
        load("[origins]\nkey = 'x'", at=tmp_path)


def test_files_are_asked_of_the_service_that_has_the_slices() -> None:
    """Tardis's own address for CSV goes with its own for slices, unless one is named."""
    own = "https://datasets.tardis.dev"
    assert Settings.load(environ={}).tardis.datasets == own
    environ = {"COINFLEX_L2_TARDIS_URL": "http://127.0.0.1:1/v1"}
    assert Settings.load(environ=environ).tardis.datasets == "http://127.0.0.1:1"
    environ["COINFLEX_L2_TARDIS_DATASETS_URL"] = f"{own}/v1/"
    assert Settings.load(environ=environ).tardis.datasets == own
    with pytest.raises(UsageError, match=r"COINFLEX_L2_TARDIS_DATASETS_URL.*datasets\.tardis"):
        Settings.load(environ={"COINFLEX_L2_TARDIS_DATASETS_URL": "ftp://x"})


def test_config_flag_goes_over_its_variable(tmp_path: Path) -> None:
    """--config names the file, even where the environment names another."""
    (tmp_path / "a.toml").write_text("exchange = 'a'")
    found = Settings.load(
        config=tmp_path / "a.toml", environ={"COINFLEX_L2_CONFIG": str(tmp_path / "none.toml")}
    )
    assert found.exchange == "a"


def test_key_variables_that_users_have_already_set() -> None:
    """Each of the three known variables is taken, the first of them first; blanks are none."""
    environ: dict[str, str] = {}
    for name in reversed(KEY_VARIABLES):
        environ[name] = f" {name} \n"
        assert Settings.load(environ=environ).tardis.key == name
    assert Settings.load(environ=dict.fromkeys(KEY_VARIABLES, " ")).tardis.key is None


def test_empty_variables_count_as_unset() -> None:
    """`COINFLEX_L2_DATA= coinflex-l2 …` is the default, not the current folder."""
    empty = {"COINFLEX_L2_DATA": "", "COINFLEX_L2_EXCHANGE": " ", "COINFLEX_L2_CONFIG": ""}
    assert Settings.load(environ=empty) == Settings()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "exchnage = 'coinflex'",
            (
                "'exchnage'; what would work: one of exchange, data, live, log_format, retention, "
                "sync, tardis"
            ),
        ),
        ("[tardis]\nkeys = 'x'", "'keys'; what would work: one of key, "),
        ("[life]\nurl = 'x'", "'life'; what would work: one of "),
        ("[live]\nurl = 'x'", "'url'; what would work: one of "),
        ("live = 'us'", "[live] in "),
        ("[live]\nsite = 'staging'", "site was 'staging'; what would work: one of live, test"),
        ("[live]\nsite = 7", "site was 7; what would work: a value like 'live'"),
        ("[live]\nwebsocket = 7", "websocket was 7; what would work: a value like "),
        ("exchange = 7", "exchange was 7; what would work: a value like 'coinflex'"),
        ("data = ['a']", "data was ['a']; what would work: a value like "),
        ("[tardis]\nattempts = 0", "attempts was 0; what would work: a number above 0"),
        ("[tardis]\nattempts = true", "attempts was True; what would work: a value like 6"),
        ("[tardis]\nattempts = 1.5", "attempts was 1.5; what would work: a value like 6"),
        ("[tardis]\ntimeout = -1", "timeout was -1; what would work: a number above 0"),
        ("[tardis]\ntimeout = nan", "timeout was nan; what would work: a number above 0"),
        ("[tardis]\ntimeout = '60'", "timeout was '60'; what would work: a value like 60.0"),
        ("exchange = ", "what would work: a TOML file ("),
    ],
)
def test_setting_that_can_not_be_used_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    """A mistyped key or value stops the run and is named; it is never silently ignored."""
    with pytest.raises(UsageError) as refusal:
        load(text, at=tmp_path)
    assert sentence in str(refusal.value)


def test_seconds_may_be_whole(tmp_path: Path) -> None:
    """`timeout = 5` is as good as `5.0`."""
    assert load("[tardis]\ntimeout = 5", at=tmp_path).tardis.timeout == 5


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A config file that was asked for and can't be read is no reason to use the defaults."""
    with pytest.raises(UsageError, match=r"--config was .*none\.toml.*No such file"):
        Settings.load(config=tmp_path / "none.toml", environ={})
    with pytest.raises(UsageError, match=r"--config was .*Is a directory"):
        Settings.load(config=tmp_path, environ={})
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"--config was .*TOML"):
        Settings.load(config=tmp_path / "binary.toml", environ={})


@pytest.mark.parametrize(
    "exchange", ["../x", "a/b", ".", "..", "-x", "", "a b", "a'b", "coinflex\n", "ü", "x" * 65]
)
def test_exchange_that_is_no_id_is_refused(exchange: str) -> None:
    """The exchange becomes a folder and a piece of SQL: nothing but an id passes."""
    with pytest.raises(UsageError, match=r"^exchange was "):
        Settings.load(exchange=exchange, environ={})


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://api.tardis.dev", "https://api.tardis.dev"),
        ("https://api.tardis.dev/", "https://api.tardis.dev"),
        ("https://api.tardis.dev/v1", "https://api.tardis.dev"),
        ("https://api.tardis.dev/v1/", "https://api.tardis.dev"),
        ("http://127.0.0.1:8000/mirror/v1", "http://127.0.0.1:8000/mirror"),
    ],
)
def test_address_with_or_without_its_version(given: str, base: str) -> None:
    """Both ways to write the service's address lead to the same place."""
    assert Settings.load(environ={"COINFLEX_L2_TARDIS_URL": given}).tardis.url == base


@pytest.mark.parametrize(
    "url", ["api.tardis.dev", "ftp://x", "https://", "https://a b", "http://x/?k=1", "http://x#y"]
)
def test_address_that_is_none_is_refused(url: str) -> None:
    """A mistyped address is refused before anything is asked of it."""
    with pytest.raises(UsageError, match=r"what would work: an address like https://api\.tardis"):
        Settings.load(environ={"COINFLEX_L2_TARDIS_URL": url})


def test_home_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder in a TOML file may begin with `~`, which no shell expands there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load("data = '~/books'", at=tmp_path).data == tmp_path / "books"


def test_key_is_never_shown(tmp_path: Path) -> None:
    """The key is in no repr, so in no log and no traceback that shows settings."""
    found = load(f"[tardis]\nkey = '{SECRET}'", at=tmp_path)
    assert found.tardis.key == SECRET
    for shown in (repr(found), str(found), f"{found.tardis}", repr(vars(found))):
        assert SECRET not in shown


@pytest.mark.parametrize(
    "text",
    [
        f"tardis = '{SECRET}'",
        f"key = '{SECRET}'",
        f"[tardis]\nkey = ['{SECRET}']",
        f"[tardis]\nkey = {SECRET}",
        f"[tardis]\nkey = '{SECRET}'\nattempts = 0",
        f"[tardis]\nkey = '{SECRET}'\nurl = 'x'",
        f"[tardis]\nurl = 'https://user:{SECRET}@api.tardis.dev'",
    ],
)
def test_key_is_in_no_error(tmp_path: Path, text: str) -> None:
    """A config file with a mistake in it does not bring its key onto the screen."""
    with pytest.raises(UsageError) as refusal:
        load(text, at=tmp_path)
    assert SECRET not in "".join(traceback.format_exception(refusal.value))
    assert SECRET not in repr(vars(refusal.value))


def test_command_line_takes_flags_over_environment(cli: Cli, tmp_path: Path) -> None:
    """A folder named before or after the command's name goes over COINFLEX_L2_DATA."""
    for arguments in (("--data", str(tmp_path / "a"), "status"),
                      ("status", "--data", str(tmp_path / "a"))):  # fmt: skip
        done = cli(*arguments, env={"COINFLEX_L2_DATA": str(tmp_path / "b")})
        assert (done.returncode, "Traceback" in done.stderr) == (0, False)
        assert str(tmp_path / "a") in done.stdout


def test_command_line_names_a_bad_setting_in_one_line(cli: Cli) -> None:
    """A wrong setting is one sentence and exit code 1, never a traceback."""
    done = cli("status", env={"COINFLEX_L2_EXCHANGE": "../x"})
    assert done.returncode == 1
    assert done.stderr == (
        "coinflex-l2: exchange was '../x'; what would work: "
        "an id as Tardis spells it, for example coinflex\n"
    )


LIVE = """
    [live]
    dialect = "v2"
    site = "test"
    websocket = "wss://file/v2/websocket/"
    rest = "https://file/"
    key = "file-key"
    secret = "file-secret"
"""


def test_live_defaults() -> None:
    """CoinFLEX US, its live site, its own addresses, no key."""
    assert Settings.load(environ={}).live == LiveSettings("us", "live", None, None, None, None)


def test_live_flags_over_environment_over_file(tmp_path: Path) -> None:
    """As for everything else: what is said last and nearest counts."""
    path = tmp_path / "live.toml"
    path.write_text(LIVE)
    of_file = Settings.load(config=path, environ={}).live
    assert of_file == LiveSettings(
        "v2", "test", "wss://file/v2/websocket", "https://file", "file-key", "file-secret"
    )
    environ = {
        "COINFLEX_L2_WS_URL": "ws://127.0.0.1:8000/v1/websocket",
        "COINFLEX_L2_REST_URL": "http://localhost:8000",
        "COINFLEX_API_KEY": " key ",
        "COINFLEX_API_SECRET": " secret ",
    }
    over = Settings.load(config=path, environ=environ, site="live", dialect="ox")
    assert over.live == LiveSettings(
        "ox", "live", "ws://127.0.0.1:8000/v1/websocket", "http://localhost:8000", "key", "secret"
    )


@pytest.mark.parametrize(
    ("name", "plain"), [("COINFLEX_L2_WS_URL", "ws"), ("COINFLEX_L2_REST_URL", "http")]
)
@pytest.mark.parametrize(
    "url",
    [
        "api.coinflex.us",
        "ftp://api.coinflex.us",
        "{plain}s://",
        "{plain}s://a b",
        "{plain}s://api.coinflex.us/?k=1",
        "{plain}s://api.coinflex.us/#x",
        "{plain}s://user:{secret}@api.coinflex.us",
        "{plain}://api.coinflex.us",
        "{plain}://127.0.0.1.coinflex.us",
        "{plain}://localhost.coinflex.us",
        "{plain}://user:{secret}@localhost",
    ],
)
def test_live_address_that_is_none_is_refused(name: str, plain: str, url: str) -> None:
    """Nor is one that goes over a network in the clear; a password in it does not show."""
    with pytest.raises(UsageError) as refusal:
        Settings.load(environ={name: url.format(plain=plain, secret=SECRET)})
    assert refusal.value.parameter == name
    assert f"an address like {plain}s://api.coinflex.us" in str(refusal.value)
    assert SECRET not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize("missing", ["COINFLEX_API_KEY", "COINFLEX_API_SECRET"])
def test_a_key_has_its_secret(missing: str) -> None:
    """One without the other is a mistake that is named, and neither shows."""
    environ = {"COINFLEX_API_KEY": SECRET, "COINFLEX_API_SECRET": SECRET, missing: ""}
    with pytest.raises(UsageError) as refusal:
        Settings.load(environ=environ)
    assert missing in str(refusal.value)
    assert SECRET not in "".join(traceback.format_exception(refusal.value))


def test_live_key_is_never_shown(tmp_path: Path) -> None:
    """Neither key nor secret is in a repr; both are among what is never to be shown."""
    key, secret = f"{SECRET}-1", f"{SECRET}-2"
    found = load(f"[live]\nkey = '{key}'\nsecret = '{secret}'", at=tmp_path)
    assert found.secrets == [key, secret]
    for shown in (repr(found), f"{found.live}", repr(vars(found))):
        assert SECRET not in shown


def test_what_a_sync_wants_stands_in_the_file(tmp_path: Path) -> None:
    """A date may be TOML's own; from and to are called as on the command line."""
    found = load(
        """[sync]
        from = 2020-07-14
        to = "2020-08-01T12:00"
        instruments = "BTC-USD, ETH-USD"
        newest_first = true
        max_minutes = 240
        """,
        at=tmp_path,
    ).sync
    assert (found.start, found.end) == ("2020-07-14", "2020-08-01T12:00")
    assert (found.instruments, found.newest_first) == ("BTC-USD, ETH-USD", True)
    assert (found.max_minutes, found.max_requests) == (240, math.inf)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("start = '2020-07-14'", "from"),
        ("max_minutes = 0", "above 0"),
        ("max_minutes = true", "max_minutes"),
        ("newest_first = 1", "newest_first"),
        ("instruments = ['BTC-USD']", "instruments"),
    ],
)
def test_what_a_sync_can_not_want_is_refused(tmp_path: Path, line: str, named: str) -> None:
    """With its name, and what would work."""
    with pytest.raises(UsageError, match=named):
        load(f"[sync]\n{line}", at=tmp_path)
