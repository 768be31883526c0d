"""Logging in: the bot's device, its access token, and its crypto store, kept together.

The token and the key of the crypto store are kept sealed in the notes. One process at a time: two on one crypto store
destroy it. Nothing here logs out at the homeserver: it would drop the device's keys, and nobody could write to the bot
again.
"""

import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import peewee  # nio lets its errors out
import structlog
import vodozemac
from aiohttp import ClientError, ClientSession, DummyCookieJar
from filelock import FileLock, Timeout
from nio import (
    Api,
    AsyncClient,
    AsyncClientConfig,
    KeysUploadError,
    KeysUploadResponse,
)
from nio.crypto.sessions import InboundGroupSession
from nio.store import MegolmInboundSessions, SqliteStore

from bridge.chat.matrix.calls import DeadToken, ask, checked, meaning, raw
from bridge.config import MatrixSettings
from bridge.errors import ChatUnreachable, ConfigError
from bridge.interfaces import Store, Tx
from bridge.model import Sealed
from bridge.vault import Vault, VaultError, note_purpose

log = structlog.get_logger(__name__)

_SCOPE = "matrix"
_LOGIN = "login"
_PICKLE = "pickle_key"
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Login:
    user_id: str
    device_id: str
    token: str = field(repr=False)


class _LostStore(ConfigError):
    """The crypto store does not belong to the device that the homeserver knows."""


class CryptoStore(SqliteStore):  # type: ignore[misc]  # nio ships no types
    """nio's, but every device that claims a session id has a row of its own.

    nio keeps the first claimant of an id only: somebody in the room who is quick could take a session away from its
    owner, whose messages would be refused after the next start.
    """

    def save_inbound_group_session(self, session: InboundGroupSession) -> None:
        with self.database.bind_ctx(self.models):
            MegolmInboundSessions.insert(
                account=self._get_account(),
                session_id=f"{session.id} {session.sender_key}",  # a row's name only: what is loaded knows its own id
                sender_key=session.sender_key,
                fp_key=session.ed25519,
                room_id=session.room_id,
                session=session.pickle(self.pickle_key),
            ).on_conflict_replace().execute()


class Client(AsyncClient):  # type: ignore[misc]  # nio ships no types
    """nio's client, with the lock on its folder, and with one-time keys on disk before they are handed out."""

    def __init__(self, homeserver: str, login: _Login, folder: Path, pickle_key: str, lock: FileLock) -> None:
        config = AsyncClientConfig(
            store=CryptoStore,
            # nio takes both ids as they are; a user id may hold a "/", and a device id is the homeserver's word.
            store_name=f"{quote(login.user_id, safe='@:')}_{quote(login.device_id, safe='')}.db",
            store_sync_tokens=False,  # the bookmark is ours: nio saves its own before anything is done
            encryption_enabled=True,
            pickle_key=pickle_key,
            max_limit_exceeded=0,  # errors come back to us: how long to wait is decided in one place
            max_timeouts=0,
            request_timeout=_SECONDS,
        )
        super().__init__(homeserver, login.user_id, store_path=str(folder), config=config)
        self._lock = lock
        self.client_session: ClientSession | None = ClientSession(cookie_jar=DummyCookieJar())

    async def keys_upload(self) -> KeysUploadResponse | KeysUploadError:
        """As nio's, but the private halves are saved first: a crash in between would make the keys unreadable."""
        if self.olm is None:
            raise ConfigError("matrix-nio has no encryption here: install matrix-nio[e2e]")
        content = self.olm.share_keys()
        self.olm.save_account()
        method, path, data = Api.keys_upload(self.access_token, content)
        answer: KeysUploadResponse | KeysUploadError = await self._send(KeysUploadResponse, method, path, data)
        return answer

    async def close(self) -> None:
        """Close sockets and the crypto store, and let go of the lock. The device stays logged in."""
        try:
            if self.client_session is not None:
                await self.client_session.close()
                self.client_session = None
            if self.store is not None:
                self.store.database.close()
        finally:
            self._lock.release()


async def log_in(settings: MatrixSettings, *, folder: Path, store: Store, vault: Vault) -> AsyncClient:
    """A client whose device and keys the homeserver knows. ``folder`` holds the crypto store; it is locked until close.

    The first start logs in with the password and makes a device; later ones go on with it. A device that the homeserver
    has forgotten, or whose crypto store is lost, is replaced where there is a password. Raises ConfigError when only
    the operator can help, ChatError when the homeserver is not there.
    """
    lock = _lock(folder)
    try:
        return await _enter(settings, folder, store, vault, lock)
    except BaseException:
        lock.release()
        raise


def _lock(folder: Path) -> FileLock:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        lock = FileLock(folder / "lock", timeout=0, mode=0o600)
        lock.acquire()
    except Timeout as error:
        raise ConfigError(
            f"matrix: another process uses {folder}; only one Kantter may run on a data folder"
        ) from error
    except OSError as error:
        raise ConfigError(f"matrix: {folder} cannot be used: {error.strerror}") from error
    return lock


async def _enter(settings: MatrixSettings, folder: Path, store: Store, vault: Vault, lock: FileLock) -> AsyncClient:
    pickle_key, known = await store.transact(lambda tx: _recall(tx, vault))
    given = settings.access_token
    if given is not None:
        login = _Login(settings.user_id, settings.device_id or "", given.get_secret_value())
        return await _resume(settings, folder, pickle_key, login, lock)
    if known is not None and known.user_id == settings.user_id:
        try:
            return await _resume(settings, folder, pickle_key, known, lock)
        except (DeadToken, _LostStore) as error:
            log.warning("the bot gets a new device", why=str(error))
    login = await _new_device(settings)
    await store.transact(lambda tx: _remember(tx, vault, login))
    return await _resume(settings, folder, pickle_key, login, lock)


# ---------------------------------------------------------------- what is kept


def _recall(tx: Tx, vault: Vault) -> tuple[str, _Login | None]:
    """The key of the crypto store, made where there is none; and the login of last time."""
    try:
        sealed = tx.notes.get(_SCOPE, _PICKLE)
        if sealed is None:
            key = secrets.token_hex(32)
            tx.notes.put(_SCOPE, _PICKLE, vault.seal(key.encode(), purpose=note_purpose(_SCOPE, _PICKLE)))
        else:
            key = vault.open(Sealed(sealed), purpose=note_purpose(_SCOPE, _PICKLE)).decode()
        login = tx.notes.get(_SCOPE, _LOGIN)
        if login is None:
            return key, None
        return key, _Login(*json.loads(vault.open(Sealed(login), purpose=note_purpose(_SCOPE, _LOGIN))))
    except VaultError as error:
        raise ConfigError(
            f"vault.key_file: this key does not open what is kept of the Matrix login: {error}"
        ) from error


def _remember(tx: Tx, vault: Vault, login: _Login) -> None:
    plain = json.dumps([login.user_id, login.device_id, login.token]).encode()
    tx.notes.put(_SCOPE, _LOGIN, vault.seal(plain, purpose=note_purpose(_SCOPE, _LOGIN)))


def forget(tx: Tx) -> None:
    """For a copy of the store, which the crypto store does not go with: the next start makes a new device, and takes
    nothing that was said before it for a command.
    """
    tx.notes.drop(_SCOPE, _LOGIN)
    tx.notes.drop(_SCOPE, "bookmark")


# ---------------------------------------------------------------- getting in


async def _new_device(settings: MatrixSettings) -> _Login:
    """Log in with the password; the homeserver chooses the device's id."""
    if settings.password is None:
        raise ConfigError("matrix: the access token is dead; give a new one with its device_id, or a password")
    client = AsyncClient(settings.homeserver)
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": settings.user_id},
        "password": settings.password.get_secret_value(),
        "initial_device_display_name": "Kantter",
    }
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        client.client_session = session
        status, answer = await ask(client, "POST", "/_matrix/client/v3/login", body)
    answer = answer if isinstance(answer, dict) else {}
    if status == 403 and answer.get("errcode") in ("M_FORBIDDEN", None):
        raise ConfigError(f"matrix: {settings.homeserver} does not take the password of {settings.user_id}")
    if status != 200:
        raise meaning(status, str(answer.get("errcode", "")))
    user_id, device_id, token = (answer.get(name) for name in ("user_id", "device_id", "access_token"))
    if user_id != settings.user_id or not isinstance(device_id, str) or not isinstance(token, str):
        raise ConfigError(f"matrix.user_id: the homeserver calls the bot {user_id}, the config {settings.user_id}")
    return _Login(settings.user_id, device_id, token)


async def _resume(
    settings: MatrixSettings, folder: Path, pickle_key: str, login: _Login, lock: FileLock
) -> AsyncClient:
    """A client for that login, its crypto store open and its keys at the homeserver."""
    client = Client(settings.homeserver, login, folder, pickle_key, lock)
    try:
        client.access_token = login.token
        await _check_identity(client, login)
        _open_store(client, login, folder)
        await _check_device(client)
    except BaseException:
        if client.client_session is not None:
            await client.client_session.close()
        if client.store is not None:
            client.store.database.close()
        raise
    return client


async def _check_identity(client: Client, login: _Login) -> None:
    me = await raw(client, "GET", "/_matrix/client/v3/account/whoami")
    if me.get("user_id") != login.user_id or me.get("device_id") != login.device_id:
        raise ConfigError(
            f"matrix: the access token is that of {me.get('user_id')}, device {me.get('device_id')},"
            f" not of {login.user_id}, device {login.device_id}"
        )


def _open_store(client: Client, login: _Login, folder: Path) -> None:
    before = os.umask(0o077)
    try:
        client.restore_login(login.user_id, login.device_id, login.token)
    except vodozemac.PickleException as error:
        raise _LostStore(f"matrix: the crypto store in {folder} does not open with its key") from error
    except peewee.OperationalError as error:
        raise ConfigError(f"matrix: the crypto store in {folder} cannot be used: {error}") from error
    except peewee.DatabaseError as error:
        raise _LostStore(f"matrix: the crypto store in {folder} is damaged: {error}") from error
    finally:
        os.umask(before)
    for file in folder.iterdir():
        if file.is_file():
            file.chmod(0o600)


async def _check_device(client: Client) -> None:
    """See to it that the homeserver hands out the keys that we hold. Raises _LostStore when it knows others."""
    olm = client.olm
    if olm is None:
        raise ConfigError("matrix-nio has no encryption here: install matrix-nio[e2e]")
    ours = olm.account.identity_keys
    theirs = await _published(client)
    if theirs and theirs != (ours["curve25519"], ours["ed25519"]):
        raise _LostStore(
            f"matrix: the homeserver knows other keys of device {client.device_id}: its crypto store was lost or is not"
            " the one in data_dir. Restore it, or give a password (or the token of a new device) to begin anew"
        )
    olm.account.shared = bool(theirs)
    olm.uploaded_key_count = await _one_time_keys(client) if theirs else None
    if client.should_upload_keys:
        try:
            checked(await client.keys_upload())
        except (ClientError, TimeoutError) as error:
            raise ChatUnreachable(f"the homeserver cannot be reached: {type(error).__name__}") from error
    if await _published(client) != (ours["curve25519"], ours["ed25519"]):
        raise ChatUnreachable("the homeserver does not show the bot's keys")


async def _published(client: Client) -> tuple[str, str] | None:
    """The keys of our device that the homeserver hands out, as (curve25519, ed25519)."""
    body = {"device_keys": {client.user_id: [client.device_id]}}
    answer = await raw(client, "POST", "/_matrix/client/v3/keys/query", body)
    try:
        keys = answer["device_keys"][client.user_id][client.device_id]["keys"]
        return keys[f"curve25519:{client.device_id}"], keys[f"ed25519:{client.device_id}"]
    except (KeyError, TypeError):
        return None


async def _one_time_keys(client: Client) -> int:
    answer = await raw(client, "POST", "/_matrix/client/v3/keys/upload", {})
    counts = answer.get("one_time_key_counts")
    count = counts.get("signed_curve25519", 0) if isinstance(counts, dict) else 0
    return count if isinstance(count, int) else 0
