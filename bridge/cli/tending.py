"""``kantter key new``, ``key rotate``, ``backup``: what the operator does to the key and the data."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bridge import config, rotating
from bridge.cli.screen import ConfigOption, bar, plain_errors, say
from bridge.vault import write_key_file


def new_key(
    path: Annotated[
        Path | None, typer.Argument(help="Where to write it. Default: vault.key_file of the config.")
    ] = None,
    config_file: ConfigOption = None,
) -> None:
    """Make a key file where there is none. A key is never overwritten."""
    with plain_errors():
        place = path or config.load_key_path(config_file)
        write_key_file(place)
        say(f"made {place}; keep a copy of it apart from the data: without it no token opens")


def rotate(
    config_file: ConfigOption = None,
    forget_old: Annotated[
        bool,
        typer.Option(
            "--forget-old",
            help="Make no new key; seal everything with the first one and take the others out of the file.",
        ),
    ] = False,
) -> None:
    """Put a new key first in the key file and seal everything anew with it. Kantter must not be running.

    The old keys stay in the file until --forget-old. Cut off at any moment, nothing is lost: the same again goes on.
    Exit code 1 if a sealed value does not open.
    """
    with plain_errors():
        settings = config.load(config.find(config_file))
        with bar("sealing anew") as step:
            work = rotating.rotate(
                settings, forget=forget_old, show=say, step=lambda total: lambda done: step(done, total)
            )
            whole = asyncio.run(work)
        if whole and not forget_old:
            say("Copy the key file to where you keep its copy. Then old keys may go: kantter key rotate --forget-old")
        raise typer.Exit(0 if whole else 1)
