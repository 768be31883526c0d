"""A bot on a real homeserver, with an inbox that keeps what it hears in a real store. For the Matrix tests only."""

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from nio import (
    AsyncClient,
    LoginResponse,
    RoomCreateResponse,
    RoomMessageNotice,
    RoomPreset,
    RoomSendResponse,
    SyncResponse,
)
from pydantic import SecretStr

from bridge.chat.matrix import MatrixNetwork
from bridge.config import MatrixSettings
from bridge.interfaces import Tx
from bridge.model import Event, Gathering, Message, Outgoing, Room, Speech
from bridge.store import Database
from bridge.vault import Vault
from tests.patience import until
from tests.synapse import Synapse

E = TypeVar("E", bound=Event)
KEY = b"k" * 32


class DurableInbox:
    """Records each event once, with the bookmark, as the bot does. ``heard`` is what is on disk, in order, and
    ``gatherings`` what was told of rooms beside that.

    ``failures`` are raised by the next deliveries, before anything is recorded; ``stall`` makes them wait for ever.
    """

    def __init__(self, store: Database) -> None:
        self.store = store
        self.heard: list[Event] = []
        self.gatherings: list[Gathering] = []
        self.deliveries: list[tuple[list[Event], str | None]] = []
        self.failures: list[Exception] = []
        self.stall = False
        self._grew = asyncio.Condition()

    async def deliver(self, events: Sequence[Event], bookmark: str | None = None) -> None:
        self.deliveries.append((list(events), bookmark))
        async with self._grew:
            self._grew.notify_all()
        if self.stall:
            await asyncio.Event().wait()
        if self.failures:
            raise self.failures.pop(0)

        def work(tx: Tx) -> list[Event]:
            if bookmark is not None:
                tx.notes.put("matrix", "bookmark", bookmark.encode())
            return [e for e in events if tx.arrivals.first("matrix", e.id, getattr(e, "replay_key", None), 1.0)]

        new = await self.store.transact(work)
        async with self._grew:
            self.gatherings += [event for event in new if isinstance(event, Gathering)]
            self.heard += [event for event in new if not isinstance(event, Gathering)]
            self._grew.notify_all()

    async def until(self, true: Callable[[], bool], *, within: float = 20.0) -> None:
        """Wait until that holds; looked at after each delivery. Raises TimeoutError."""
        async with asyncio.timeout(within), self._grew:
            await self._grew.wait_for(true)

    def texts(self) -> list[str]:
        return [event.text for event in self.heard if isinstance(event, Message)]

    def kind(self, kind: type[E]) -> list[E]:
        return [event for event in self.heard if isinstance(event, kind)]

    async def until_text(self, text: str, *, within: float = 20.0) -> Message:
        """Wait for a message with that text."""
        await self.until(lambda: text in self.texts(), within=within)
        return next(message for message in self.kind(Message) if message.text == text)


class Bot:
    """One bot account with its data folder; its process can be started, stopped and killed."""

    def __init__(self, homeserver: Synapse, user_id: str, password: str, folder: Path, *allow: str) -> None:
        self.settings = MatrixSettings(
            homeserver=homeserver.url, user_id=user_id, password=SecretStr(password), allow=list(allow)
        )
        self.user_id = user_id
        self.folder = folder
        self.vault = Vault([KEY])
        self._running: asyncio.Task[None] | None = None

    async def start(self, *, ready: bool = True) -> "Bot":
        """A new process: nothing in memory, everything on disk as it was left."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = await Database.open(self.folder / "kantter.db")
        self.inbox = DurableInbox(self.store)
        self.network = MatrixNetwork(
            self.settings, folder=self.folder / "matrix", store=self.store, vault=self.vault, clock=time.time
        )
        self._running = asyncio.create_task(self.network.run(self.inbox))
        if ready:
            await self.until_ready()
        return self

    async def until_ready(self, *, within: float = 30.0) -> None:
        async with asyncio.timeout(within):
            while not self.network.health().ok:
                if self._running is not None and self._running.done():
                    self._running.result()
                await asyncio.sleep(0.02)

    async def ended(self, *, within: float = 30.0) -> BaseException | None:
        """Wait until ``run`` ended by itself; gives its error."""
        assert self._running is not None
        await asyncio.wait([self._running], timeout=within)
        return self._running.exception()

    async def stop(self) -> None:
        """As by SIGTERM, or by a crash: nothing that is not on disk already is written on the way out."""
        if self._running is None:
            return
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self._running
        self._running = None
        await self.network.close()
        await self.store.close()

    async def restart(self) -> "Bot":
        await self.stop()
        return await self.start()

    async def bookmark(self) -> str | None:
        kept = await self.store.transact(lambda tx: tx.notes.get("matrix", "bookmark"))
        return kept.decode() if kept else None

    async def say(self, room_id: str, text: str, *, key: str = "", **more: str) -> str:
        room = Room("matrix", room_id)
        return await self.network.send(Outgoing(key or f"key {text}", room, Speech.TEXT, text, **more))  # type: ignore[arg-type]  # a table of texts


class Person:
    """Somebody who chats, on nio's own client: it encrypts where the room is encrypted."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.user_id: str = client.user_id

    async def sync(self) -> None:
        """Take in what is new (at first: everything), and do what keys ask for."""
        answer = await self.client.sync(timeout=0, full_state=not self.client.next_batch)
        assert isinstance(answer, SyncResponse), answer
        if self.client.should_upload_keys:
            await self.client.keys_upload()
        if self.client.should_query_keys:
            await self.client.keys_query()

    async def create(self, *invite: str, encrypted: bool = True, **more: Any) -> str:
        """A new room with invitations; its id."""
        state = [{"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]
        made = await self.client.room_create(
            invite=list(invite), initial_state=state if encrypted else [], preset=RoomPreset.private_chat, **more
        )
        assert isinstance(made, RoomCreateResponse), made
        await self.sync()
        room_id: str = made.room_id
        return room_id

    async def until_in(self, room_id: str, user_id: str, *, membership: str = "join", within: float = 20.0) -> None:
        """Wait until that person's membership is that."""
        path = f"/_matrix/client/v3/rooms/{quote(room_id)}/state/m.room.member/{quote(user_id)}"

        async def there() -> bool:
            return bool((await self.call("GET", path)).get("membership") == membership)

        await until(there, within=within)
        await self.sync()

    async def turned_down(self, room_id: str) -> bool:
        """Whether this person is neither in that room nor invited to it any more."""
        answer = await self.call("GET", "/_matrix/client/v3/sync?timeout=0")
        found = answer.get("rooms", {})
        return room_id not in found.get("join", {}) and room_id not in found.get("invite", {})

    async def until_said(self, room_id: str, event_id: str) -> None:
        """Wait until this person's homeserver has that event."""

        async def there() -> bool:
            return "type" in await self.event(room_id, event_id)

        await until(there)

    async def until_notice(self, room_id: str, sender: str, text: str) -> None:
        """Wait until this person can read that notice."""

        async def there() -> bool:
            return text in await self.notices(room_id, sender)

        await until(there)

    async def say(self, room_id: str, text: str, **content: Any) -> str:
        """A text; the event's id."""
        return await self.send(room_id, "m.room.message", {"msgtype": "m.text", "body": text} | content)

    async def send(self, room_id: str, kind: str, content: dict[str, Any]) -> str:
        """Any event, encrypted where the room is."""
        answer = await self.client.room_send(room_id, kind, content, ignore_unverified_devices=True)
        assert isinstance(answer, RoomSendResponse), answer
        event_id: str = answer.event_id
        return event_id

    async def send_raw(self, room_id: str, kind: str, content: dict[str, Any]) -> str:
        """Any event as it is, never encrypted."""
        path = f"/_matrix/client/v3/rooms/{quote(room_id)}/send/{kind}/{uuid.uuid4().hex}"
        return str((await self.call("PUT", path, content))["event_id"])

    async def put_state(self, room_id: str, kind: str, content: dict[str, Any], key: str = "") -> str:
        path = f"/_matrix/client/v3/rooms/{quote(room_id)}/state/{kind}/{quote(key)}"
        return str((await self.call("PUT", path, content))["event_id"])

    async def event(self, room_id: str, event_id: str) -> dict[str, Any]:
        """An event as the homeserver holds it."""
        return await self.call("GET", f"/_matrix/client/v3/rooms/{quote(room_id)}/event/{quote(event_id)}")

    async def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """One plain request in the person's name; the answer's JSON, errors too."""
        headers = {"Authorization": f"Bearer {self.client.access_token}"}
        data = None if body is None else json.dumps(body)
        answer = await self.client.send(method, path, data, headers)
        found: dict[str, Any] = await answer.json()
        return found

    async def history(self, room_id: str, limit: int = 100) -> list[Any]:
        """The newest events of a room, oldest first, decrypted where the keys are there."""
        await self.sync()
        answer = await self.client.room_messages(room_id, "", limit=limit)
        return list(reversed(answer.chunk))

    async def notices(self, room_id: str, sender: str) -> list[str]:
        """The notices of somebody that this person can read."""
        events = await self.history(room_id)
        return [event.body for event in events if isinstance(event, RoomMessageNotice) and event.sender == sender]


class Scene:
    """Makes bots and people with names of their own on one homeserver, and ends them all."""

    def __init__(self, homeserver: Synapse, folder: Path) -> None:
        self.homeserver = homeserver
        self.folder = folder
        self._people: list[Person] = []
        self._bots: list[Bot] = []

    async def register(self, name: str) -> str:
        return await asyncio.to_thread(self.homeserver.register, f"{name}-{uuid.uuid4().hex[:8]}", "correct horse")

    async def person(self, name: str = "ana", *, user_id: str = "") -> Person:
        """A new person, or one more device of ``user_id``."""
        user_id = user_id or await self.register(name)
        folder = self.folder / uuid.uuid4().hex
        folder.mkdir(parents=True)
        client = AsyncClient(self.homeserver.url, user_id, store_path=str(folder))
        answer = await client.login("correct horse")
        assert isinstance(answer, LoginResponse), answer
        person = Person(client)
        self._people.append(person)
        await person.sync()
        return person

    async def bot(self, *allow: str, start: bool = True) -> Bot:
        """A new bot account; whom it obeys is everybody here, or who ``allow`` names."""
        user_id = await self.register("kantter")
        bot = Bot(self.homeserver, user_id, "correct horse", self.folder / uuid.uuid4().hex, *allow)
        self._bots.append(bot)
        return await bot.start() if start else bot

    async def room(self, bot: Bot, person: Person, *others: str, encrypted: bool = True, **more: Any) -> str:
        """A room of that person with the bot in it."""
        room_id = await person.create(bot.user_id, *others, encrypted=encrypted, **more)
        await person.until_in(room_id, bot.user_id)
        return room_id

    async def close(self) -> None:
        for bot in self._bots:
            await bot.stop()
        for person in self._people:
            await person.client.close()
