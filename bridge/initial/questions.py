"""The questions of ``kantter init``. Each answer is tried when it is given; what is wrong is said, and asked again.

It writes nothing, and knows no terminal: how something is asked is its ``Desk``'s business. No secret is ever said.
"""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr, TypeAdapter, ValidationError

from bridge import app, config
from bridge.chat.matrix import trying
from bridge.errors import ConfigError, PublishError
from bridge.initial.answers import Answers
from bridge.publish.x import XPublisher
from bridge.vault import Vault

T = TypeVar("T")


class Desk(Protocol):
    """Who asks and says."""

    def say(self, text: str) -> None: ...

    def ask(self, question: str, default: str = "") -> str: ...

    def secret(self, question: str) -> str:
        """As ``ask``; nothing of what is typed is shown."""
        ...

    def yes(self, question: str, *, default: bool) -> bool: ...


def interview(desk: Desk, path: Path | None, x_url: str = "") -> Answers:
    """Ask everything. ``path``: of the config, where it is known already; ``x_url``: a stand-in for X."""
    talk = _Talk(desk)
    desk.say("Where things are:")
    place = talk.config(path)
    key_file = talk.until_good(lambda: _key(Path(desk.ask("Key file", str(place.parent / "key")))))
    data_dir = talk.until_good(lambda: _data(Path(desk.ask("Folder for the data", "/var/lib/kantter"))))
    folder = key_file.parent
    desk.say("The Matrix account of the bot (make one first, as you would for a person):")
    server = talk.until_good(lambda: _homeserver(desk.ask("Homeserver", "https://")))
    desk.say(f"  {server.url} answers")
    user_id, login_file, device_id = talk.account(server, folder)
    desk.say("Your app at X (OAuth 1.0a, read and write, a callback URL registered):")
    key_path, secret_path = talk.consumer(folder, x_url)
    desk.say("Who may do what:")
    admins = talk.until_good(lambda: _people(desk.ask("Admins, as @you:example.org (several with commas)")))
    allow = [f"*:{user_id.partition(':')[2]}"]
    if server.is_open:
        desk.say(f"  anybody can register at {server.url}, so say who may command the bot")
        allow = talk.until_good(lambda: _patterns(desk.ask("Who (@ana:example.org, *:example.org)", ", ".join(admins))))
    zone = talk.until_good(lambda: _valid(config.Zone, desk.ask("Time zone for times without one", _local_zone())))
    return Answers(
        place, data_dir, key_file, server.url, user_id, login_file, device_id, key_path, secret_path, x_url, admins,
        allow, zone, talk.secrets,
    )  # fmt: skip


class _Talk:
    """The questions that need more than one answer, and the secrets so far."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.secrets: dict[Path, str] = {}

    def until_good(self, attempt: Callable[[], T]) -> T:
        """Ask until the answer is good."""
        while True:
            try:
                return attempt()
            except ConfigError as error:
                self._desk.say(f"  no: {error}")

    def config(self, path: Path | None) -> Path:
        """Where the config goes, by the person's word where there is one already."""
        while True:
            place = path or self.until_good(
                lambda: _placeable(Path(self._desk.ask("Config file", str(config.DEFAULT_PATHS[0].resolve()))))
            )
            place = _placeable(place)
            if place.is_dir():
                place /= config.DEFAULT_PATHS[0]
            if not os.path.lexists(place):
                return place
            if self._desk.yes(f"{place} is there already. Write it anew at the end?", default=False):
                return place
            path = None

    def account(self, server: trying.Homeserver, folder: Path) -> tuple[str, Path, str]:
        """The bot's user id, the file with its password or access token, and the device that comes with a token. They
        are tried together, so that each can be mended.
        """
        by_password = server.takes_passwords and self._desk.yes("Does the bot log in with a password?", default=True)
        user_id = f"@kantter:{(urlsplit(server.url).hostname or '').removeprefix('matrix.')}"

        def attempt() -> tuple[str, Path, str]:
            nonlocal user_id
            user_id = _valid(config.MatrixId, self._desk.ask("User id of the bot", user_id))
            if by_password:
                path, word = self._secret("Password of the bot", folder / "matrix-password")
                asyncio.run(trying.log_in(server.url, user_id, word))
                return user_id, path, ""
            path, word = self._secret("Access token of the bot", folder / "matrix-token")
            return user_id, path, asyncio.run(trying.device_of(server.url, user_id, word))

        found = self.until_good(attempt)
        self._desk.say(f"  the homeserver knows {found[0]}")
        return found

    def consumer(self, folder: Path, x_url: str) -> tuple[Path, Path]:
        """The files with the consumer key and secret, which are tried together."""

        def attempt() -> tuple[Path, Path]:
            key_path, key = self._secret("Consumer key (API key)", folder / "x-key")
            secret_path, secret = self._secret("Consumer secret", folder / "x-secret")
            try:
                asyncio.run(_ask_x(key, secret, x_url))
            except PublishError as error:
                raise ConfigError(str(error)) from error
            return key_path, secret_path

        found = self.until_good(attempt)
        self._desk.say("  X takes them")
        return found

    def _secret(self, question: str, path: Path) -> tuple[Path, str]:
        """A secret, and the file that holds it or is to: one that is there, or ``path``."""

        def attempt() -> tuple[Path, str]:
            if os.path.lexists(path) and path not in self.secrets and self._desk.yes(f"Use {path}?", default=True):
                return path, config.secret_in(path)
            said = self._desk.secret(f"{question} (or the path of a file that holds it)")
            if said.startswith("/") and Path(said).exists():
                self.secrets.pop(path, None)
                return Path(said), config.secret_in(Path(said))
            if os.path.lexists(path) and not self._desk.yes(f"Write {path} anew at the end?", default=False):
                raise ConfigError("give the path of another file, then")
            self.secrets[path] = said
            return path, said

        return self.until_good(attempt)


# ---------------------------------------------------------------- one answer


def _valid(kind: Any, said: str) -> str:
    try:
        value: str = TypeAdapter(kind).validate_python(said.strip())
    except ValidationError as error:
        raise ConfigError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    return value


def _placeable(path: Path) -> Path:
    """The whole path of a file or folder that we can write, or make. Raises ConfigError."""
    path = path.expanduser().resolve()
    there = path if path.is_dir() else path.parent
    while not there.exists():
        there = there.parent
    try:
        with TemporaryFile(dir=there):
            return path
    except OSError as error:
        said = f"nothing can be written into {there}: {error.strerror}"
        raise ConfigError(f"{said}; name another place, or run this as the user it belongs to") from error


def _key(path: Path) -> Path:
    path = _placeable(path)
    if path.exists():
        Vault.from_file(path)
    return path


def _data(path: Path) -> Path:
    path = _placeable(path)
    return app.data_folder(path) if path.exists() else path


def _homeserver(said: str) -> trying.Homeserver:
    said = said.strip()
    url = said if "://" in said else f"https://{said}"
    return asyncio.run(trying.find(_valid(config.Address, url)))


def _people(said: str) -> list[str]:
    return [_valid(config.MatrixId, one) for one in said.split(",") if one.strip()]


def _patterns(said: str) -> list[str]:
    found = [_valid(config.Pattern, one) for one in said.split(",") if one.strip()]
    if not found:
        raise ConfigError("somebody must be allowed to command the bot")
    return found


async def _ask_x(key: str, secret: str, url: str) -> None:
    address = {"api_url": url, "web_url": url} if url else {}
    try:
        settings = config.XSettings(consumer_key=SecretStr(key), consumer_secret=SecretStr(secret), **address)
    except ValidationError:
        raise ConfigError("that is no address of X") from None
    publisher = XPublisher(settings, clock=time.time)
    try:
        await publisher.begin_link()
    finally:
        await publisher.close()


def _local_zone() -> str:
    """The machine's own, where it says; else UTC."""
    try:
        name = str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")[2]
        return _valid(config.Zone, name)
    except (OSError, ConfigError):
        return "UTC"
