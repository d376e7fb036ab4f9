"""Sentences and figures for people; what others wrote in them does nothing to the terminal."""

from __future__ import annotations

import click

from pipeline.visible import visible

__all__ = ["say"]


def say(text: str, *, err: bool = False) -> None:
    """Print a text, on stdout or stderr."""
    click.echo(visible(text), err=err)
