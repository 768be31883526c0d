"""The daily work on keys: what the sync brings of them, what must be uploaded, asked for and handed out.

It drives nio's key machine and checks each answer, which nio does not. Signing the own device, fallback keys and whom
to trust are elsewhere (``crosssigning``, ``fallback``, ``trust``).
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import structlog
from aiohttp import ClientError
from nio import (
    AsyncClient,
    KeysClaimResponse,
    KeysQueryResponse,
    ToDeviceEvent,
)
from nio.crypto import Olm
from peewee import DatabaseError  # nio's database

from bridge.chat.matrix import sifting
from bridge.chat.matrix.calls import checked
from bridge.chat.matrix.calls import raw as call
from bridge.chat.matrix.events import Json, listed, part
from bridge.chat.matrix.fallback import KIND
from bridge.chat.matrix.trust import Trust
from bridge.errors import ChatUnreachable, ConfigError, KantterError, StoreError
from bridge.interfaces import Clock
from bridge.model import Health
from bridge.retry import pause

log = structlog.get_logger(__name__)

_PATIENCE = 15.0
_FALLBACK_EVERY = 3600.0
_LATER = 300.0
_SHARE_AGAIN = 600.0


async def _answer(request: Awaitable[Any]) -> Any:
    """A request that nio makes itself, and would repeat for ever; we would rather know. Raises ChatError."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return checked(await request)
    except (TimeoutError, ClientError) as error:
        raise ChatUnreachable(f"no answer from the homeserver ({type(error).__name__})") from error


class CryptoStoreFailed(StoreError):
    """nio's memory and its disk differ now: the session must be built anew from the disk, and hear everything again."""


class Keys:
    """One session's keys. ``refresh_fallback`` gets the kinds of fallback key that nobody has used yet."""

    def __init__(
        self,
        client: AsyncClient,
        *,
        trust: Trust,
        refresh_fallback: Callable[[list[str]], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._client = client
        self._trust = trust
        self._refresh_fallback = refresh_fallback
        self._clock = clock
        self._unused: list[str] | None = None
        self._fallback_due = 0.0
        self._rung = asyncio.Event()
        self._lock = asyncio.Lock()
        self._trouble = ""
        self._slow: dict[str, float] = {}
        self._incomplete: dict[str, float] = {}

    @property
    def _olm(self) -> Olm:
        if self._client.olm is None:
            raise ConfigError("matrix-nio has no encryption here: install matrix-nio[e2e]")
        return self._client.olm

    def health(self) -> Health:
        return Health(ok=not self._trouble, reason=self._trouble)

    # ------------------------------------------------------------ what the sync brings

    def hear(self, answer: Json) -> None:
        """Take in keys for messages, counts of our own keys, and whose devices changed. Saved when it returns.

        Raises CryptoStoreFailed when the disk did not take them: they are in memory then, but would not outlive it.
        """
        events = [raw for raw in listed(part(answer, "to_device"), "events") if raw.get("type") == "m.room.encrypted"]
        if events and self._client.store:
            try:
                with self._client.store.database.atomic():  # all of them or none, and the disk is asked once
                    for raw in events:
                        self._open(raw)
            except DatabaseError as error:
                raise CryptoStoreFailed(f"the crypto store refused: {error}") from error
        counts = answer.get("device_one_time_keys_count")
        if isinstance(counts, dict):
            count = counts.get("signed_curve25519", 0)
            self._olm.uploaded_key_count = count if isinstance(count, int) else 0
        unused = answer.get("device_unused_fallback_key_types")
        if isinstance(unused, list):
            self._unused = [kind for kind in unused if isinstance(kind, str)]
        self._devices_changed(part(answer, "device_lists"))
        self._rung.set()

    def _open(self, raw: Json) -> None:
        try:
            self._olm.handle_to_device_event(ToDeviceEvent.parse_event(dict(raw)))
        except DatabaseError:
            raise
        except Exception:  # nio lets many errors out on malformed ciphertext; the next key may be good
            log.warning("a to-device event could not be read", sender=str(raw.get("sender"))[:255], exc_info=True)

    def _devices_changed(self, lists: Json) -> None:
        changed, left = ({u for u in names if isinstance(u, str)} if isinstance(names, list) else set()
                         for names in (lists.get("changed"), lists.get("left")))  # fmt: skip
        if not changed and not left:
            return
        self._trust.forget(changed | left)
        ours = {user for room in self._client.rooms.values() if room.encrypted for user in room.users}
        self._olm.tracked_users -= left | (changed - ours)  # asked anew when we meet them again
        self._olm.add_changed_users(changed & ours)

    # ------------------------------------------------------------ what must be done

    async def run(self) -> None:
        """Keep our keys in order until cancelled. Raises ConfigError."""
        tries = 0
        while True:
            await self._rung.wait()
            self._rung.clear()
            try:
                await self._upkeep()
            except ConfigError:
                raise
            except (KantterError, DatabaseError) as error:
                tries += 1
                self._trouble = f"keys: {error}"
                log.warning("the keys could not be brought up to date", error=str(error), tries=tries)
                await asyncio.sleep(pause(tries, most=300.0))
                self._rung.set()
            except Exception:  # a bug that a stranger's keys woke must not end the process; health tells of it
                tries += 1
                reference = uuid.uuid4().hex[:8]
                self._trouble = f"keys: something broke (ref {reference})"
                log.exception("the work on keys broke", reference=reference, tries=tries)
                await asyncio.sleep(pause(tries, most=300.0))
                self._rung.set()
            else:
                tries, self._trouble = 0, ""

    async def _upkeep(self) -> None:
        if self._client.should_upload_keys:
            await _answer(self._client.keys_upload())
        async with self._lock:
            await self._query()
            if self._client.should_claim_keys:
                await self._claim(self._client.get_users_for_key_claiming())
        for message in list(self._client.outgoing_to_device_messages):
            await _answer(self._client.to_device(message))
        now = self._clock()
        if self._unused is not None and (KIND not in self._unused or now >= self._fallback_due):
            await self._refresh_fallback(self._unused)
            self._fallback_due = now + _FALLBACK_EVERY

    async def _query(self) -> None:
        now = self._clock()
        for user in [user for user, at in self._slow.items() if at <= now]:
            del self._slow[user]
            self._olm.users_for_key_query.add(user)
        asked = set(self._client.users_for_key_query)
        if not asked:
            return
        everything: list[str] = []
        body = {"device_keys": dict.fromkeys(asked, everything)}
        answer = await call(self._client, "POST", "/_matrix/client/v3/keys/query", body, timeout=_PATIENCE)
        await self._client.receive_response(KeysQueryResponse(sifting.devices(answer), {}))
        silent = asked & self._olm.users_for_key_query
        # Their homeserver is away. nio would ask again at each message, and each time wait for it.
        self._olm.users_for_key_query -= silent
        self._olm.tracked_users |= silent
        self._slow.update(dict.fromkeys(silent, now + _LATER))

    async def _claim(self, wanted: Mapping[str, Iterable[str]]) -> None:
        """Begin a channel to each of these devices that has a key for it; a crooked key is its owner's loss alone."""
        keys = {user: dict.fromkeys(ids, "signed_curve25519") for user, ids in wanted.items()}
        body = {"one_time_keys": keys}
        answer = await call(self._client, "POST", "/_matrix/client/v3/keys/claim", body, timeout=_PATIENCE)
        for user, ids in wanted.items():
            for device_id in ids:
                device = self._olm.device_store[user].get(device_id)
                key = device and sifting.one_time_key(answer, user, device_id, device.ed25519)
                if not key:
                    continue
                try:
                    await self._client.receive_response(KeysClaimResponse({user: {device_id: key}}, {}))
                except ValueError as error:  # vodozemac's errors are: a key that leads to no secret
                    log.warning("no channel to a device", user=user, device=device_id, why=type(error).__name__)

    async def prepare(self, room_id: str) -> None:
        """See to it that everybody in an encrypted room can read what is sent next. Raises ChatUnreachable.

        nio looks for new devices only once a room, and takes a session as shared when its sharing failed.
        """
        try:
            async with self._lock:
                await self._prepare(room_id)
        except DatabaseError as error:
            raise ChatUnreachable("the crypto store refused") from error

    async def _prepare(self, room_id: str) -> None:
        await self._query()
        session = self._olm.outbound_group_sessions.get(room_id)
        if session is not None and self._incomplete.get(room_id, float("inf")) <= self._clock():
            session.shared = False  # so that those are tried again who had no key to begin a channel with
        if self._olm.should_share_group_session(room_id):
            await self._share(room_id)

    async def _share(self, room_id: str) -> None:
        missing = self._client.get_missing_sessions(room_id)
        if missing:
            await self._claim(missing)
        self._incomplete.pop(room_id, None)
        if self._client.get_missing_sessions(room_id):
            self._incomplete[room_id] = self._clock() + _SHARE_AGAIN
        await _answer(self._client.share_group_session(room_id, ignore_unverified_devices=True))
        session = self._olm.outbound_group_sessions[room_id]
        for user in self._client.rooms[room_id].users:
            for device in self._olm.device_store.active_user_devices(user):
                reached = {(user, device.id)} & (session.users_shared_with | session.users_ignored)
                if not reached and self._olm.session_store.get(device.curve25519) is not None:
                    session.shared = False
                    raise ChatUnreachable("not every device of the room got the key")
