"""``kantter key new``, ``key rotate``, ``backup``: what the operator does to the key and the data."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bridge import config
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
    from bridge import rotating

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


def backup(
    path: Annotated[
        Path, typer.Argument(help="The file to write, or a folder to put it into. Nothing is overwritten.")
    ],
    config_file: ConfigOption = None,
) -> None:
    """Copy the data while Kantter runs, as one file to start from again. The key file is not in it."""
    from bridge import backing_up

    with plain_errors():
        settings = config.load(config.find(config_file))
        with bar("copying") as step:
            made = backing_up.back_up(settings, path, step)
    say(f"made {made} ({made.stat().st_size // 1024} KiB), and looked through it: it is whole")
    say(f"The key is not in it: without {settings.vault.key_file} no token in it opens. Keep that apart from it.")
    say(
        "To restore: stop Kantter, put the file as kantter.db (chmod 600) into a new, empty data_dir (chmod 700), then:"
        " kantter doctor, kantter run. The bot becomes a new device, which takes matrix.password. What waited in the"
        " backup is looked for on X and asked about; what was said or decided since is forgotten (README, Restore)."
    )
