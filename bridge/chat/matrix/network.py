"""The ChatNetwork on Matrix: one session from the login to the last word. It puts the parts together, no more.

sync       what the homeserver sends, and the bookmark      doors     invitations, upgraded rooms
timeline   which of it is whose business                    keys      the daily work on keys
roster     who is in which room                             rooms     privacy, DMs, who governs
media      files
sending    answers                                          login, crosssigning, fallback, trust, calls
"""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog
from nio import AsyncClient

from bridge.chat.matrix import media
from bridge.chat.matrix.crosssigning import sign_own_device
from bridge.chat.matrix.doors import Doors
from bridge.chat.matrix.events import Allowed
from bridge.chat.matrix.fallback import ensure_fallback_key
from bridge.chat.matrix.filekeys import opened, sealed
from bridge.chat.matrix.keys import CryptoStoreFailed, Keys
from bridge.chat.matrix.login import log_in
from bridge.chat.matrix.rooms import Rooms
from bridge.chat.matrix.roster import Roster
from bridge.chat.matrix.sending import Voice
from bridge.chat.matrix.sync import Sync
from bridge.chat.matrix.timeline import Timeline
from bridge.chat.matrix.trust import Trust
from bridge.config import MatrixSettings
from bridge.errors import ChatError, ChatUnreachable, ConfigError, StoreError
from bridge.interfaces import Clock, Inbox, Privacy, Store
from bridge.model import Health, Identity, Medium, Message, Outgoing, Room, RoomName, Unreadable
from bridge.retry import pause
from bridge.vault import Vault

log = structlog.get_logger(__name__)

NAME = "matrix"


@dataclass(frozen=True, slots=True)
class _Session:
    """What stands while the bot is logged in."""

    client: AsyncClient
    sync: Sync
    doors: Doors
    keys: Keys
    rooms: Rooms
    voice: Voice
    timeline: Timeline


class MatrixNetwork:
    """See ``bridge.interfaces.ChatNetwork``. ``folder`` holds the crypto store; one process at a time."""

    name = NAME

    def __init__(self, settings: MatrixSettings, *, folder: Path, store: Store, vault: Vault, clock: Clock) -> None:
        self._settings = settings
        self._folder = folder
        self._store = store
        self._vault = vault
        self._clock = clock
        self._client: AsyncClient | None = None
        self._session: _Session | None = None
        self._trouble = "not connected yet"

    # ------------------------------------------------------------ running

    async def run(self, inbox: Inbox) -> None:
        failures = 0
        while True:
            session = self._session = await self._connect(inbox)
            log.info("connected", user=session.client.user_id, device=session.client.device_id)
            try:
                await _together(session.sync.run(), session.doors.run(), session.keys.run())
            except CryptoStoreFailed as error:
                failures += 1
                log.warning("the session is built anew", error=str(error), failures=failures)
                await self.close()
                self._trouble = str(error)
                await asyncio.sleep(pause(failures, most=60.0))

    async def _connect(self, inbox: Inbox) -> _Session:
        """Log in and make everything ready; again and again until the homeserver is there. Raises ConfigError."""
        tries = 0
        while True:
            try:
                return await self._enter(inbox)
            except (ChatError, StoreError) as error:
                tries += 1
                self._trouble = f"cannot connect: {error}"
                log.warning("cannot connect", error=str(error), tries=tries)
                await asyncio.sleep(pause(tries, most=60.0))

    async def _enter(self, inbox: Inbox) -> _Session:
        if self._client is None:
            self._client = await log_in(self._settings, folder=self._folder, store=self._store, vault=self._vault)
        client = self._client
        await sign_own_device(
            client,
            store=self._store,
            vault=self._vault,
            replace=self._settings.replace_cross_signing,
            password=self._settings.password,
        )
        kept, known = await self._store.transact(lambda tx: (tx.notes.get(NAME, "bookmark"), tx.shares.gathered(NAME)))
        session = self._build(client, inbox, kept.decode("utf-8") if kept else None, known)
        await session.doors.load()
        return session

    def _build(self, client: AsyncClient, inbox: Inbox, bookmark: str | None, known: list[Room]) -> _Session:
        clock, store = self._clock, self._store
        allowed = Allowed(self._settings.allowed)
        roster = Roster(client)
        trust = Trust(client, store=store, clock=clock)

        async def refresh_fallback(unused: list[str]) -> None:
            await ensure_fallback_key(client, unused, now=clock(), store=store)

        keys = Keys(client, trust=trust, refresh_fallback=refresh_fallback, clock=clock)
        doors = Doors(client, inbox, name=NAME, store=store, allowed=allowed, clock=clock)
        timeline = Timeline(
            client, name=NAME, roster=roster, trust=trust, allowed=allowed, vault=self._vault, clock=clock
        )
        sync = Sync(
            client,
            inbox,
            bookmark,
            name=NAME,
            known=known,
            roster=roster,
            timeline=timeline,
            doors=doors,
            keys=keys,
            clock=clock,
        )
        rooms = Rooms(client, name=NAME, roster=roster, store=store, allowed=allowed)
        return _Session(client, sync, doors, keys, rooms, Voice(client, roster=roster, keys=keys), timeline)

    # ------------------------------------------------------------ the rest of the seam

    async def send(self, outgoing: Outgoing) -> str:
        with _as_chat_errors():
            if outgoing.medium is not None:
                outgoing = replace(outgoing, medium=opened(outgoing.medium, self._vault))
            return await self._ready().voice.say(outgoing)

    async def privacy(self, room: Room, identity: Identity) -> Privacy:
        with _as_chat_errors():
            return await self._ready().rooms.privacy(room, identity)

    async def open_dm(self, identity: Identity) -> Room:
        with _as_chat_errors():
            return await self._ready().rooms.open_dm(identity)

    async def is_admin(self, room: Room, identity: Identity) -> bool:
        with _as_chat_errors():
            return await self._ready().rooms.is_admin(room, identity)

    async def named(self, said: str) -> Identity | Room | None:
        with _as_chat_errors():
            return await self._ready().rooms.named(said)

    async def room_name(self, room: Room) -> RoomName | None:
        with _as_chat_errors():
            return await self._ready().rooms.room_name(room)

    async def may_redact(self, room: Room) -> bool:
        with _as_chat_errors():
            return await self._ready().rooms.may_redact(room)

    async def message(self, room: Room, message_id: str) -> Message | Unreadable | None:
        with _as_chat_errors():
            return await self._ready().timeline.look_up(room.id, message_id)

    async def said_after(
        self, room: Room, message_id: str, *, by: Identity, until: str
    ) -> Sequence[Message | Unreadable]:
        with _as_chat_errors():
            return await self._ready().timeline.said_after(room.id, message_id, by.name, until)

    async def fetch(self, medium: Medium, into: Path, *, most: int) -> None:
        with _as_chat_errors():
            await media.fetch(self._ready().client, opened(medium, self._vault), into, most)

    async def upload(self, file: Path, medium: Medium, *, encrypted: bool) -> Medium:
        with _as_chat_errors():
            return sealed(await media.upload(self._ready().client, file, medium, encrypted=encrypted), self._vault)

    def health(self) -> Health:
        if self._session is None:
            return Health(ok=False, reason=self._trouble)
        return self._session.sync.health()

    async def close(self) -> None:
        """Never a logout: the homeserver would drop the device's keys, and nobody could write to the bot again."""
        self._session, self._trouble = None, "closed"
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _ready(self) -> _Session:
        if self._session is None:
            raise ChatUnreachable(self._trouble)
        return self._session


@contextmanager
def _as_chat_errors() -> Iterator[None]:
    """What is wrong with our token or our disk, ``run`` tells; who asked for something is told to come again."""
    try:
        yield
    except (ConfigError, StoreError) as error:
        raise ChatUnreachable(str(error)) from error


async def _together(*parts: Coroutine[Any, Any, None]) -> None:
    """Run endless parts side by side; when one ends by an error, or we are cancelled, all end. Raises that error."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
