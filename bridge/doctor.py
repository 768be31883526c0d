"""``kantter doctor``: checks everything that ``run`` needs, and says in a line each how it stands.

It changes nothing that lasts: no login, no device, no post. At X it asks for one request token, which costs nothing.
"""

import os
import shutil
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge import app, config, rotating, store
from bridge.chat.matrix import checks
from bridge.config import Settings
from bridge.errors import ConfigError, PublishError
from bridge.publish.x import XPublisher
from bridge.vault import Vault

_LITTLE_SPACE = 200 * 2**20
"""Bytes; with less than that on the data folder's disk the outbox may soon be unable to record."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. ``ok``: True fine, False `run` would fail, None works but look at it."""

    what: str
    ok: bool | None
    said: str


async def examine(path: Path) -> list[Finding]:
    """All findings for the config at ``path``, in the order in which ``run`` needs things."""
    try:
        settings = config.load(path)
    except ConfigError as error:
        return [Finding("config", False, problem) for problem in error.problems]
    findings = [Finding("config", True, f"{path} is complete")]
    findings += [*_key(settings), *_data(settings), *_device(settings)]
    if all(finding.ok is not False for finding in findings):
        findings += [finding async for finding in _sealed(settings)]
    findings += _web(settings)
    findings += [finding async for finding in _x(settings)]
    for what, ok, said in await checks.examine(settings.matrix):
        findings.append(Finding(what, ok, said))
    return findings


def _key(settings: Settings) -> Iterator[Finding]:
    try:
        Vault.from_file(settings.vault.key_file)
    except ConfigError as error:
        yield Finding("key", False, str(error))
    else:
        yield Finding("key", True, f"{settings.vault.key_file} is readable by its owner alone")
        if settings.vault.key_file.parent.resolve() == settings.bot.data_dir.resolve():
            yield Finding("key", None, "it lies in the data folder: a copy of the folder would open every token")


def _data(settings: Settings) -> Iterator[Finding]:
    folder = settings.bot.data_dir
    try:
        app.data_folder(folder)
    except ConfigError as error:
        yield Finding("data", False, str(error))
        return
    if not os.access(folder, os.W_OK):
        yield Finding("data", False, f"{folder} cannot be written to")
        return
    yield Finding("data", True, f"{folder} is writable, and readable by its owner alone")
    problems = store.check(folder / "kantter.db")
    for problem in problems:
        yield Finding("database", False, problem)
    if not problems:
        yield Finding("database", True, "is sound" if (folder / "kantter.db").exists() else "will be made")
    free = shutil.disk_usage(folder).free
    yield Finding("disk", True if free >= _LITTLE_SPACE else None, f"{free // 2**20} MB free")


def _device(settings: Settings) -> Iterator[Finding]:
    """A token goes with the crypto store of its device, which is in no backup."""
    folder = settings.bot.data_dir
    lost = (folder / "kantter.db").exists() and not any((folder / "matrix").glob("*.db"))
    if settings.matrix.access_token is not None and lost:
        said = f"the keys of device {settings.matrix.device_id} are not in {folder}; is this a restored backup?"
        yield Finding("matrix device", None, f"{said} Then give a password, or the token of a new device")


async def _sealed(settings: Settings) -> AsyncIterator[Finding]:
    """Whether the key opens what is sealed. A database of an older version is left to ``run``, which changes it."""
    if not store.is_current(settings.bot.data_dir / "kantter.db"):
        return
    async with app.look_into(settings) as database:
        seen = await rotating.survey(database, Vault.from_file(settings.vault.key_file))
    for line in seen.shut:
        yield Finding("sealed", False, line)
    if seen.older:
        said = f"{seen.older} of {seen.total} values wait for the new key: stop Kantter, then: kantter key rotate"
        yield Finding("sealed", None, said)
    elif not seen.shut:
        yield Finding("sealed", True, f"the key opens all {seen.total} sealed values")


def _web(settings: Settings) -> Iterator[Finding]:
    host, port = settings.web.address
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        yield Finding("web", None, f"{host}:{port}: {error.strerror} (fine if that is Kantter, running)")
    else:
        yield Finding("web", True, f"{host}:{port} is free")


async def _x(settings: Settings) -> AsyncIterator[Finding]:
    publisher = XPublisher(settings.x, clock=time.time)
    try:
        await publisher.begin_link()
    except PublishError as error:
        yield Finding("x", False, f"{settings.x.api_url}: {error}")
    else:
        yield Finding("x", True, f"{settings.x.api_url} takes the consumer key")
    finally:
        await publisher.close()
