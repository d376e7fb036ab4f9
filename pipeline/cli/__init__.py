"""The command `coinflex-l2`: one module per command group; parse, call one function, print.

Data go to stdout, logs to stderr. Whatever is heavy is imported inside the commands, so that
`--help` and a mistyped option answer at once.
"""

from __future__ import annotations

import logging
import os
import sys

import click

from pipeline import logs
from pipeline.cli import (
    backfill,
    capture,
    check,
    demo,
    derive,
    doctor,
    ingest,
    plot,
    prune,
    query,
    report,
    simulate,
    status,
    sync,
    verify,
    versions,
)
from pipeline.cli.options import shared_options
from pipeline.cli.saying import say
from pipeline.errors import PipelineError, UsageError
from pipeline.redaction import Redaction

__all__ = ["cli", "main"]

_INTERRUPTED = 130
_HELP = """CoinFLEX order-book history: Tardis slices to Parquet, order books in SQL.

\b
coinflex-l2 backfill --from 2020-08-01 --to 2020-08-02    a free day, download and ingest
coinflex-l2 sync                                          the same for all days, each night
coinflex-l2 status                                        what is there, what is lacking
coinflex-l2 book BTC-USD-SWAP-LIN --at 2020-08-01T12:00   the order book at noon
coinflex-l2 sql "from coverage"                           anything else
"""


@click.group(
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done · 1 usage or configuration · 2 the lake disagrees with raw or with "
    "itself, or can't be written · 3 minutes that were asked for are lacking · 75 another run "
    "holds the lock.",
)
@shared_options
@click.version_option(package_name="coinflex-l2", message="%(version)s")
def cli() -> None:
    """Run a command; see `_HELP`."""


for command in (
    backfill.backfill,
    sync.sync,
    capture.capture,
    ingest.ingest,
    ingest.import_slices,
    derive.derive,
    query.sql,
    query.book,
    plot.plot,
    report.report,
    check.check,
    verify.verify,
    prune.prune,
    status.status,
    status.instruments,
    versions.versions,
    doctor.doctor,
    simulate.simulate,
    demo.demo,
):
    cli.add_command(command)


def _not_text(error: UnicodeEncodeError) -> UsageError:
    """Return the error for an argument that is no UTF-8, or an output that can't be all of it."""
    if error.encoding == "utf-8":
        return UsageError("an argument", error.object, "text in UTF-8")
    return UsageError("the output's encoding", error.encoding, "UTF-8: PYTHONIOENCODING=utf-8")


def _fail(error: PipelineError) -> int:
    _say(str(error))
    return error.exit_code


def _say(sentence: str) -> None:
    """Say how it ended: for people, or as a line of a log for programs."""
    setup = logs.in_force()
    if setup and setup.as_json:
        logging.getLogger(__name__).error("%s", sentence)
    else:
        hide = Redaction(setup.secrets if setup else ()).text
        say(f"coinflex-l2: {hide(sentence)}", err=True)


def main() -> None:
    """Run the command line and exit with one of the documented codes."""
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = 1
    except PipelineError as error:
        code = _fail(error)
    except UnicodeEncodeError as error:
        code = _fail(_not_text(error))
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted; what is there is whole")
        code = _INTERRUPTED
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code if isinstance(code, int) else 0)
