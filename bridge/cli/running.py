"""``kantter run``, ``doctor``, ``demo``, ``trust``."""

import asyncio
import os
from typing import Annotated

import typer
import uvloop

from bridge import config, logs
from bridge.cli.screen import ConfigOption, plain_errors, screen


def run(config_file: ConfigOption = None) -> None:
    """Run in the foreground until SIGTERM or Ctrl-C."""
    from bridge import app

    with plain_errors():
        settings = config.load(config.find(config_file))
        logs.set_up(settings.bot.log_level)
        os.umask(0o077)
        uvloop.run(app.run(settings))


def check(config_file: ConfigOption = None) -> None:
    """Check everything that `kantter run` needs, one line a check. Exit code 1 if one fails."""
    from bridge import doctor

    with plain_errors():
        path = config.find(config_file)
    logs.set_up("error")
    failed = False
    for finding in asyncio.run(doctor.examine(path)):
        mark, colour = {True: ("ok", "green"), False: ("FAIL", "red"), None: ("warn", "yellow")}[finding.ok]
        screen.print(f"[{colour}]{mark:<4}[/] ", end="")
        screen.print(f"{finding.what}: {finding.said}", markup=False)
        failed = failed or finding.ok is False
    raise typer.Exit(1 if failed else 0)


def demo(
    person: Annotated[str, typer.Option("--as", help="Who you are at first.")] = "ana",
    port: Annotated[int, typer.Option(help="The sandbox's port on 127.0.0.1. Default: a free one.")] = 0,
) -> None:
    """The whole product on this machine, with no account anywhere: a console chat, and a stand-in for X."""
    from bridge.demo import play  # only here: nothing else in the product knows the sandbox

    with plain_errors():
        uvloop.run(play(person=person, port=port, show=lambda text: screen.print(text, markup=False)))


def trust(
    user: Annotated[str, typer.Argument(help="The Matrix user, such as @ana:example.org")],
    config_file: ConfigOption = None,
) -> None:
    """Accept the new cross-signing identity of somebody who has reset theirs. Ask them first, in another way."""
    from bridge import app

    with plain_errors():
        settings = config.load(config.find(config_file))
        if asyncio.run(app.trust_anew(settings, user)):
            screen.print(f"the next identity that {user} shows is the one that counts", markup=False)
        else:
            screen.print(f"no identity of {user} is known here; there was nothing to do", markup=False)
