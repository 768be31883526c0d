"""The command line: a table of commands; each one reads the settings, calls a part, and shows what came of it.

A ConfigError is one clear line a mistake and exit code 2. Commands import the parts that they call when they run: with
Matrix and X behind them that takes a second, which nobody should wait for at ``--help``.
"""

import os
import sys
from collections.abc import Callable

import typer

from bridge.cli import beginning, reading, running, tending

app = typer.Typer(
    name="kantter",
    help="Post to X from the chat you already live in.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
key = typer.Typer(help="The key that seals every token.", no_args_is_help=True)

COMMANDS: dict[str, Callable[..., None]] = {
    "init": beginning.init,
    "run": running.run,
    "doctor": running.check,
    "demo": running.demo,
    "backup": tending.backup,
    "log": reading.show_log,
    "accounts": reading.show_accounts,
    "outbox": reading.show_outbox,
    "trust": running.trust,
}
for name, work in COMMANDS.items():
    app.command(name=name)(work)
app.add_typer(key, name="key")
key.command(name="new")(tending.new_key)
key.command(name="rotate")(tending.rotate)


def main() -> None:
    """The entry point of ``kantter`` and of ``python -m bridge``."""
    try:
        app()
    except BrokenPipeError:  # the reader of our output has gone, as in `kantter doctor | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
