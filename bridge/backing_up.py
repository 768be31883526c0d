"""``kantter backup``: a copy of the data that is safe to start from, made while Kantter runs.

Safe means: nothing goes out twice, whatever the original did after the copy was made. So in the copy all that waited
is to be looked for and asked about, nothing that was said before its first start is a command, and it has no Matrix
device. The crypto store is not in it: a device that goes back to an older state of its keys uses some of them twice and
lacks others that the homeserver still hands out. A new device is made instead, signed by the same identity.
"""

import asyncio
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bridge import app, files, store
from bridge.chat.matrix import login
from bridge.config import Settings
from bridge.errors import ConfigError, StoreError
from bridge.interfaces import Tx
from bridge.outbox import restoring

Step = Callable[[int, int], None]
"""Told how much is done, of how much."""


def back_up(settings: Settings, path: Path, step: Step) -> Path:
    """Write the copy to ``path``, or into it when it is a folder; give where it is, mode 0600.

    Raises ConfigError: there is a file already, no room, or the data is damaged; then nothing is left behind.
    """
    source = app.data_folder(settings.bot.data_dir) / "kantter.db"
    if not source.exists():
        raise ConfigError(f"{source}: there is no database yet; kantter run makes it")
    now = time.time()
    if os.path.isdir(path):  # noqa: PTH112 - which says no where it may not look; the write then tells why
        path = path / f"kantter-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}.db"
    if os.path.lexists(path):
        raise ConfigError(f"{path}: there is a file already; a backup never overwrites one")
    beside = files.beside_of(path)
    try:
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        store.copy(source, beside, step)
        asyncio.run(_make_safe(beside, now))
        files.sync(beside)
        files.place(beside, path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    except StoreError as error:
        raise ConfigError(f"{path}: {error}") from error
    finally:
        files.sweep(*(Path(f"{beside}{ending}") for ending in ("", "-wal", "-shm", "-journal")))
    return path


async def _make_safe(copy: Path, now: float) -> None:
    store.renew(copy)
    database = await store.Database.open(copy)
    try:
        await database.transact(partial(_mark, now=now))
    finally:
        await database.close()
    store.finish(copy)


def _mark(tx: Tx, *, now: float) -> None:
    restoring.mark(tx, now)
    login.forget(tx)
    for recovery in tx.shares.recoveries():  # an objection that came later would be forgotten
        tx.shares.end_recovery(recovery.account_id)
    tx.log.add(None, "backup", detail="this copy was made", outcome="what waited in it is asked about", at=now)
