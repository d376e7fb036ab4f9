from __future__ import annotations

import inspect
import pickle
import re
from datetime import date
from pathlib import Path

import pytest

from pipeline import errors
from pipeline.errors import (
    DiskNearlyFull,
    KeyOpensNothing,
    KeyRequired,
    LakeDamaged,
    LakeDiffers,
    LakeDisagrees,
    LakeEmpty,
    LakeError,
    LakeForbidden,
    LakeInconsistent,
    LakeOutdated,
    LakeUnwritable,
    LockHeld,
    MinutesLacking,
    PipelineError,
    QueryRefused,
    RawDropped,
    ServiceRefused,
    ServiceUnreachable,
    SliceCorrupt,
    Unfit,
    UsageError,
    WorkerLost,
)

DAYS = [f"2020-07-{day}" for day in range(14, 24)]

# Error → its exit code and the sentence that a user reads.
SENTENCES: list[tuple[PipelineError, int, str]] = [
    (
        UsageError("--to", "2020", "a time after --from"),
        1,
        "--to was '2020'; what would work: a time after --from",
    ),
    (
        UsageError.not_among("instrument", "BTC-USDT", ["FLEX-USD", "ETH-USD", "BTC-USD"]),
        1,
        "instrument was 'BTC-USDT'; what would work: one of BTC-USD, ETH-USD, FLEX-USD",
    ),
    (
        UsageError.not_among("instrument", "x", []),
        1,
        "instrument was 'x'; what would work: nothing: none",
    ),
    (
        KeyRequired(DAYS, "TARDIS_API_KEY"),
        1,
        (
            "10 of the days asked for need a Tardis.dev API key (2020-07-14, 2020-07-15, "
            "2020-07-16, 2020-07-17, 2020-07-18, 2020-07-19, 2020-07-20, 2020-07-21 and 2 more), "
            "and none is set. Set the environment variable TARDIS_API_KEY. The first day of each "
            "month is free without a key, for example --from 2020-08-01 --to 2020-08-02. Nothing "
            "was fetched."
        ),
    ),
    (
        ServiceRefused("2020-07-14T00:00Z", 401, "Unauthorized"),
        1,
        (
            "2020-07-14T00:00Z: the service refused with 401: Unauthorized; check the key in "
            "TARDIS_API_KEY and what it covers"
        ),
    ),
    (
        ServiceRefused("exchange x", 404, "no such exchange"),
        1,
        "exchange x: the service refused with 404: no such exchange",
    ),
    (
        Unfit(["room", "key"]),
        1,
        "2 things are wrong: room, key; what to do stands beside each",
    ),
    (Unfit(["room"]), 1, "1 thing is wrong: room; what to do stands beside each"),
    (
        QueryRefused("from nowhere", "Catalog Error: no such table"),
        1,
        "DuckDB refuses the query: Catalog Error: no such table",
    ),
    (
        LakeEmpty(Path("data"), "coinflex"),
        1,
        (
            "there is nothing of coinflex in the lake of data yet: run coinflex-l2 backfill first, "
            "or name another folder with --data or another exchange with --exchange"
        ),
    ),
    (
        LakeEmpty(Path("data"), "coinflex", has_raw=True),
        1,
        (
            "there is nothing of coinflex in the lake of data yet, but slices of it: run "
            "coinflex-l2 ingest (a running capture brings in each minute that is over by itself)"
        ),
    ),
    (LakeForbidden(Path("lake/x")), 2, "lake/x can't be read: there is no permission to"),
    (
        LakeOutdated(Path("data")),
        2,
        (
            "the lake of data has its days as another version of this program wrote them; make "
            "them anew from the raw slices, without downloading: coinflex-l2 ingest"
        ),
    ),
    (
        KeyRequired(DAYS[:1], "TARDIS_API_KEY"),
        1,
        (
            "1 of the days asked for needs a Tardis.dev API key (2020-07-14), and none is set. "
            "Set the environment variable TARDIS_API_KEY. The first day of each month is free "
            "without a key, for example --from 2020-08-01 --to 2020-08-02. Nothing was fetched."
        ),
    ),
    (
        MinutesLacking({"a": "503"}),
        3,
        (
            "1 minute is lacking: a (503). What did arrive stays; run the same command again to "
            "fetch the rest."
        ),
    ),
    (
        ServiceUnreachable("details of exchange coinflex", 6, "connection reset"),
        3,
        (
            "details of exchange coinflex: no whole answer after 6 attempts; the last: "
            "connection reset. Check the network, and COINFLEX_L2_TARDIS_URL if it is set."
        ),
    ),
    (
        MinutesLacking({"a": "503", "b": "404", "c": "503"}),
        3,
        (
            "3 minutes are lacking: a, c (503); b (404). What did arrive stays; run the same "
            "command again to fetch the rest."
        ),
    ),
    (
        LakeUnwritable(Path("data/lake"), "the disk is full"),
        2,
        (
            "can't write data/lake: the disk is full. What is there is whole; free space or give "
            "the permission, or name another folder with --data, and run it again."
        ),
    ),
    (
        LakeDamaged("depth/data.parquet", "no Parquet"),
        2,
        (
            "depth/data.parquet is damaged: no Parquet. Raw slices are not touched by this; make "
            "the day again with: coinflex-l2 ingest --rebuild"
        ),
    ),
    (
        KeyOpensNothing("coinflex", 1_200),
        1,
        (
            "the Tardis.dev API key that is set opens no day of coinflex: 1200 days that are not "
            "free were left out. Check TARDIS_API_KEY, or unset it to have the free days alone."
        ),
    ),
    (
        DiskNearlyFull(Path("data"), 1_440_000_000, 2_000_000_000),
        2,
        (
            "the disk of data has 1.4 GB left, less than the 2.0 GB that are to stay free "
            "(min_free_gb): the rest is left to do. What is there is whole; free space, and run it "
            "again."
        ),
    ),
    (
        LakeDisagrees(1_000, 2, "BTC-USD line 7"),
        2,
        (
            "2 of 1000 books differ from raw, the first: BTC-USD line 7. "
            "Rebuild with: coinflex-l2 ingest --rebuild"
        ),
    ),
    (
        LakeDiffers(1_200, "2020-08-01: it has no manifest"),
        2,
        (
            "1,200 things differ, the first: 2020-08-01: it has no manifest. "
            "Repair with: coinflex-l2 verify --repair"
        ),
    ),
    (
        LakeInconsistent({"keyframes": 1_200, "rows": 1, "catalogue": 0}),
        2,
        (
            "the lake disagrees with itself: keyframes (1,200 bad rows), rows (1 bad row), "
            "catalogue (unreadable). Rebuild with: coinflex-l2 ingest --rebuild"
        ),
    ),
    (
        WorkerLost(),
        2,
        (
            "a process that worked on a day was killed, perhaps because memory ran out. The days "
            "that were done are in the lake; run it again, with fewer --jobs for less memory."
        ),
    ),
    (
        SliceCorrupt("23/54.json.gz", "it ends early"),
        3,
        "23/54.json.gz is no whole slice: it ends early",
    ),
    (
        RawDropped([date(2020, 8, 3), date(2020, 8, 1)]),
        3,
        (
            "2020-08-01, 2020-08-03 are to be made again, and raw of it was dropped; the lake is "
            "left as it is. Fetch it again with: coinflex-l2 backfill --from 2020-08-01 "
            "--to 2020-08-04 --dropped"
        ),
    ),
    (
        LockHeld(Path("data/.lock"), "process 7"),
        75,
        "another run works on this data folder: process 7 (lock data/.lock)",
    ),
]
IDS = [f"{type(error).__name__}-{ordinal}" for ordinal, (error, *_) in enumerate(SENTENCES)]


@pytest.mark.parametrize(("error", "code", "sentence"), SENTENCES, ids=IDS)
def test_sentence_and_exit_code(error: PipelineError, code: int, sentence: str) -> None:
    """Scripts rely on the exit code, people on the sentence: what happened and the way out."""
    assert (error.exit_code, str(error)) == (code, sentence)


@pytest.mark.parametrize(("error", "code", "sentence"), SENTENCES, ids=IDS)
def test_error_crosses_a_process(error: PipelineError, code: int, sentence: str) -> None:
    """What goes wrong in a worker process reaches the user with all of its facts."""
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert vars(copy) == vars(error)
    assert (copy.exit_code, str(copy)) == (code, sentence)


def _classes() -> dict[str, type[PipelineError]]:
    members: list[tuple[str, type[PipelineError]]] = inspect.getmembers(errors, inspect.isclass)
    return {name: found for name, found in members if found.__module__.startswith(errors.__name__)}


def test_every_error_has_its_sentence_here() -> None:
    """No error is added without its sentence and exit code being held by a test."""
    bases = {PipelineError, LakeError}
    assert {type(error) for error, *_ in SENTENCES} | bases == set(_classes().values())


def test_public_names_are_the_classes() -> None:
    """Whatever can be raised can be imported by its name, and nothing else is public."""
    assert sorted(errors.__all__) == sorted(_classes())
    assert all(issubclass(found, PipelineError) for found in _classes().values())


def test_tree_in_the_docstring_is_the_tree() -> None:
    """The tree that people read has every class, below its parent, with its exit code."""
    classes = _classes()
    parents: list[str] = []
    drawn = {}
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"((?:│   |    )+)?(?:[├└]── )?([A-Z]\w+) {2,}(\d+|exit code)", line)
        if match and match[2] in classes:
            depth = line.index(match[2]) // 4 - 1
            parents[depth:] = [match[2]]
            drawn[match[2]] = (parents[depth - 1] if depth else "Exception", match[3])
    root = drawn.pop("PipelineError")
    assert root == ("Exception", "exit code")
    assert drawn == {
        name: (found.__bases__[0].__name__, str(found.exit_code))
        for name, found in classes.items()
        if found is not PipelineError
    }


def test_nearest_name_comes_first() -> None:
    """A mistyped instrument is answered with the one that was meant, however many there are."""
    known = [f"X{number}-USD" for number in range(50)] + ["BTC-USD-SWAP-LIN"]
    sentence = str(UsageError.not_among("instrument", "BTC-USD-SWAP", known))
    assert "one of BTC-USD-SWAP-LIN, " in sentence
    assert sentence.endswith("and 43 more")


def test_nearest_name_is_found_whatever_its_case() -> None:
    """An instrument typed in lower case is answered with the one that was meant first."""
    known = ["ADA-USD", "BTC-USD", "BTC-USD-SWAP-LIN", "ETH-USD-SWAP-LIN"]
    sentence = str(UsageError.not_among("instrument", "btc-usd-swap-lin", known))
    assert "one of BTC-USD-SWAP-LIN, " in sentence


def test_long_values_are_cut() -> None:
    """A value of a megabyte (a query, say) does not fill the terminal."""
    assert len(str(UsageError("QUERY", "x" * 1_000_000, "less"))) < 200
