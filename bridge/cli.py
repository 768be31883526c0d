"""The command line: ``kantter run``, ``doctor``, ``demo``, ``key new``, ``log``, ``accounts``, ``outbox``.

It reads the settings, calls ``app``, and turns a ConfigError into one clear line a mistake and exit code 2.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import uvloop
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge import app as house
from bridge import config, doctor, ledger, logs
from bridge.errors import ConfigError, StoreError
from bridge.vault import write_key_file

app = typer.Typer(
    name="kantter",
    help="Post to X from the chat you already live in.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
key = typer.Typer(help="The key that seals every token.", no_args_is_help=True)
app.add_typer(key, name="key")

_screen = Console(highlight=False, soft_wrap=True)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The config file. Default: ./kantter.toml, then /etc/kantter/kantter.toml"),
]


def _refuse(error: ConfigError | StoreError) -> NoReturn:
    problems = error.problems if isinstance(error, ConfigError) else (str(error),)
    for problem in problems:
        _errors.print(f"kantter: {problem}", markup=False)
    raise typer.Exit(2)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """One clear line a mistake and exit code 2, never a traceback, for what the operator can mend."""
    try:
        yield
    except (ConfigError, StoreError) as error:
        _refuse(error)


@app.command()
def run(config_file: ConfigOption = None) -> None:
    """Run in the foreground until SIGTERM or Ctrl-C."""
    with _plain_errors():
        settings = config.load(config.find(config_file))
        logs.set_up(settings.bot.log_level)
        os.umask(0o077)
        uvloop.run(house.run(settings))


@app.command(name="doctor")
def check(config_file: ConfigOption = None) -> None:
    """Check everything that `kantter run` needs, one line a check. Exit code 1 if one fails."""
    with _plain_errors():
        path = config.find(config_file)
    logs.set_up("error")
    failed = False
    for finding in asyncio.run(doctor.examine(path)):
        mark, colour = {True: ("ok", "green"), False: ("FAIL", "red"), None: ("warn", "yellow")}[finding.ok]
        _screen.print(f"[{colour}]{mark:<4}[/] ", end="")
        _screen.print(f"{finding.what}: {finding.said}", markup=False)
        failed = failed or finding.ok is False
    raise typer.Exit(1 if failed else 0)


@app.command()
def demo(
    person: Annotated[str, typer.Option("--as", help="Who you are at first.")] = "ana",
    port: Annotated[int, typer.Option(help="The sandbox's port on 127.0.0.1. Default: a free one.")] = 0,
) -> None:
    """The whole product on this machine, with no account anywhere: a console chat, and a stand-in for X."""
    from bridge.demo import play  # only here: nothing else in the product knows the sandbox

    with _plain_errors():
        uvloop.run(play(person=person, port=port, show=lambda text: _screen.print(text, markup=False)))


@app.command()
def trust(
    user: Annotated[str, typer.Argument(help="The Matrix user, such as @ana:example.org")],
    config_file: ConfigOption = None,
) -> None:
    """Accept the new cross-signing identity of somebody who has reset theirs. Ask them first, in another way."""
    with _plain_errors():
        settings = config.load(config.find(config_file))
        if asyncio.run(house.trust_anew(settings, user)):
            _screen.print(f"the next identity that {user} shows is the one that counts", markup=False)
        else:
            _screen.print(f"no identity of {user} is known here; there was nothing to do", markup=False)


# ---------------------------------------------------------------- what the operator reads

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]


def _show(head: Sequence[str], rows: Sequence[ledger.Row], *, as_json: bool) -> None:
    """A table on a terminal; else a line a row, its cells parted by tabs."""
    if as_json:
        for row in rows:
            sys.stdout.write(json.dumps(row.fields, ensure_ascii=False) + "\n")
    elif _screen.is_terminal:
        table = Table(header_style="bold", box=None, pad_edge=False)
        for title in head:
            table.add_column(title, no_wrap="(UTC)" in title or title == "row")
        for row in rows:
            table.add_row(*map(Text, row.cells))
        _screen.print(table, soft_wrap=False)
    else:
        for row in rows:
            sys.stdout.write("\t".join(row.cells) + "\n")


@app.command(name="log")
def show_log(
    config_file: ConfigOption = None,
    as_json: JsonOption = False,
    account: Annotated[str | None, typer.Option("--account", help="Only this account, such as @acme")] = None,
    last: Annotated[
        int | None,
        typer.Option("--last", "-n", min=1, help="Only so many of the newest. Default: 50; with --json all."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hold every row against its hash; exit 1 if one fails.")
    ] = False,
) -> None:
    """Who did what, when, and how it ended. Each row seals the one before it."""
    with _plain_errors():
        settings = config.load(config.find(config_file))
        if verify:
            raise typer.Exit(asyncio.run(_verify(settings, as_json=as_json)))
        asyncio.run(_log(settings, account, last if as_json or last else 50, as_json=as_json))


async def _log(settings: config.Settings, account: str | None, last: int | None, *, as_json: bool) -> None:
    async with house.look_into(settings) as store:
        async for page in ledger.log(store, account, last):
            _show(ledger.LOG, page, as_json=as_json)


async def _verify(settings: config.Settings, *, as_json: bool) -> int:
    """Say whether the log is whole; give the exit code."""
    async with house.look_into(settings) as store:
        with _screen.status("reading the log", spinner="line") as status:  # nothing when piped
            async for checked in ledger.verify(store):
                status.update(f"reading the log: {checked.id} rows")
    whole = checked.broken is None
    if as_json:
        told = {"whole": whole, "rows": checked.id, "hash": checked.hash.hex(), "broken_row": checked.broken}
        sys.stdout.write(json.dumps(told) + "\n")
    elif whole:
        _screen.print(f"ok: {checked.id} rows, each seals the one before; the newest hash is {checked.hash.hex()}")
        _screen.print("Keep that hash elsewhere: then not even a whole new log could take the place of this one.")
    else:
        _screen.print(
            f"FAIL: row {checked.broken} was changed, inserted or removed; the {checked.id} rows before it are whole"
        )
    return 0 if whole else 1


@app.command(name="accounts")
def show_accounts(config_file: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Every account: its health, its team, what it spent this month."""
    with _plain_errors():
        settings = config.load(config.find(config_file))
        asyncio.run(_accounts(settings, as_json=as_json))


async def _accounts(settings: config.Settings, *, as_json: bool) -> None:
    async with house.look_into(settings) as store:
        _show(ledger.ACCOUNTS, await ledger.accounts(store, time.time()), as_json=as_json)


@app.command(name="outbox")
def show_outbox(config_file: ConfigOption = None, as_json: JsonOption = False) -> None:
    """What waits to be sent, approved or decided, and why."""
    with _plain_errors():
        settings = config.load(config.find(config_file))
        asyncio.run(_outbox(settings, as_json=as_json))


async def _outbox(settings: config.Settings, *, as_json: bool) -> None:
    async with house.look_into(settings) as store:
        _show(ledger.OUTBOX, await ledger.outbox(store), as_json=as_json)


@key.command()
def new(
    path: Annotated[
        Path | None, typer.Argument(help="Where to write it. Default: vault.key_file of the config.")
    ] = None,
    config_file: ConfigOption = None,
) -> None:
    """Make a key file where there is none. A key is never overwritten."""
    with _plain_errors():
        place = path or config.load_key_path(config_file)
        write_key_file(place)
        _screen.print(f"made {place}; keep a copy of it apart from the data: without it no token opens", markup=False)


def main() -> None:
    """The entry point of ``kantter`` and of ``python -m bridge``."""
    try:
        app()
    except BrokenPipeError:  # the reader of our output has gone, as in `kantter doctor | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
