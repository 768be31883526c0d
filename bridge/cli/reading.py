"""``kantter log``, ``accounts``, ``outbox``: what the operator reads, as a table, as lines or as JSON."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from bridge import config, ledger
from bridge.cli.screen import ConfigOption, plain_errors, screen
from bridge.interfaces import Store

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]


def _data(settings: config.Settings) -> AbstractAsyncContextManager[Store]:
    from bridge import app

    return app.look_into(settings)


def _show(head: Sequence[str], rows: Sequence[ledger.Row], *, as_json: bool) -> None:
    """A table on a terminal; else a line a row, its cells parted by tabs."""
    if as_json:
        for row in rows:
            sys.stdout.write(json.dumps(row.fields, ensure_ascii=False) + "\n")
    elif screen.is_terminal:
        table = Table(header_style="bold", box=None, pad_edge=False)
        for title in head:
            table.add_column(title, no_wrap="(UTC)" in title or title == "row")
        for row in rows:
            table.add_row(*map(Text, row.cells))
        screen.print(table, soft_wrap=False)
    else:
        for row in rows:
            sys.stdout.write("\t".join(row.cells) + "\n")


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
    with plain_errors():
        settings = config.load(config.find(config_file))
        if verify:
            raise typer.Exit(asyncio.run(_verify(settings, as_json=as_json)))
        asyncio.run(_log(settings, account, last if as_json or last else 50, as_json=as_json))


async def _log(settings: config.Settings, account: str | None, last: int | None, *, as_json: bool) -> None:
    async with _data(settings) as store:
        async for page in ledger.log(store, account, last):
            _show(ledger.LOG, page, as_json=as_json)


async def _verify(settings: config.Settings, *, as_json: bool) -> int:
    """Say whether the log is whole; give the exit code."""
    async with _data(settings) as store:
        with screen.status("reading the log", spinner="line") as status:  # nothing when piped
            async for checked in ledger.verify(store):
                status.update(f"reading the log: {checked.id} rows")
    whole = checked.broken is None
    if as_json:
        told = {"whole": whole, "rows": checked.id, "hash": checked.hash.hex(), "broken_row": checked.broken}
        sys.stdout.write(json.dumps(told) + "\n")
    elif whole:
        screen.print(f"ok: {checked.id} rows, each seals the one before; the newest hash is {checked.hash.hex()}")
        screen.print("Keep that hash elsewhere: then not even a whole new log could take the place of this one.")
    else:
        screen.print(
            f"FAIL: row {checked.broken} was changed, inserted or removed; the {checked.id} rows before it are whole"
        )
    return 0 if whole else 1


def show_accounts(config_file: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Every account: its health, its team, what it spent this month."""
    with plain_errors():
        settings = config.load(config.find(config_file))
        asyncio.run(_accounts(settings, as_json=as_json))


async def _accounts(settings: config.Settings, *, as_json: bool) -> None:
    async with _data(settings) as store:
        _show(ledger.ACCOUNTS, await ledger.accounts(store, time.time()), as_json=as_json)


def show_outbox(config_file: ConfigOption = None, as_json: JsonOption = False) -> None:
    """What waits to be sent, approved or decided, and why."""
    with plain_errors():
        settings = config.load(config.find(config_file))
        asyncio.run(_outbox(settings, as_json=as_json))


async def _outbox(settings: config.Settings, *, as_json: bool) -> None:
    async with _data(settings) as store:
        _show(ledger.OUTBOX, await ledger.outbox(store), as_json=as_json)
