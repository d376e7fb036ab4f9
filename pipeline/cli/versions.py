"""`coinflex-l2 versions`: which versions a lake has had, and how two of them differ."""

from __future__ import annotations

import click

from pipeline.cli.options import as_json, settings, shared_options
from pipeline.cli.saying import say

__all__ = ["versions"]


@click.command(
    short_help="The versions of the lake, to be cited; how two differ.",
    epilog="""\b
Examples:
  coinflex-l2 versions                                                   all that there were
  coinflex-l2 versions coinflex-5-0.1.0-3f2a0c5d7e91                     that one, and the last
  coinflex-l2 versions 3f2a0c5d7e91 b07e12d4a6c8                         two of them
A Parquet file and a picture say of which version they are; of other files FILE.meta.json does.""",
)
@click.argument("old", required=False)
@click.argument("new", required=False)
@shared_options
def versions(old: str | None, new: str | None) -> None:
    """List the versions that the lake has had, or say how two of them differ.

    A version is a digest of what all rows say, of the release that made them and of the schema.
    """
    from msgspec import structs, to_builtins

    from pipeline import lake_version
    from pipeline.cli.output import print_facts, print_json

    found = settings()
    if old is None:
        known = lake_version.versions(found.data, found.exchange)
        if as_json():
            print_json(to_builtins(known))
            return
        for of in known:
            say(f"{of.since:%Y-%m-%d %H:%M:%S}Z  {of.version}  {len(of.changed)} days changed")
        return
    comparison = lake_version.compare(found.data, found.exchange, old, new)
    if as_json():
        print_json(to_builtins(comparison) | {"is_same": comparison.is_same})
        return
    facts = structs.asdict(comparison)
    print_facts({
        name: ", ".join(value) or "none" if isinstance(value, list) else _told(value)
        for name, value in facts.items()
    })  # fmt: skip


def _told(value: object) -> object:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
