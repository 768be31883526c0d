"""A ChatNetwork in memory. It knows our seam only: no protocol, no library.

Tests script it: who sees which privacy, who is an admin, what goes wrong. What was sent stands in ``sent``, once a key.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.errors import ChatError, ChatRefused
from bridge.interfaces import Inbox, Privacy
from bridge.model import (
    Event,
    Gathering,
    Health,
    Identity,
    Medium,
    Message,
    Outgoing,
    Room,
    RoomName,
    Speech,
    Unreadable,
)


@dataclass(frozen=True, slots=True)
class Said:
    """One event that the bot made in a room."""

    event_id: str
    outgoing: Outgoing


class FakeNetwork:
    """A network whose every answer a test can set. Times and ids are counted, never random.

    ``sent``      what arrived in the rooms, in order; a key that came twice stands here once.
    ``attempts``  every call of ``send``, also those that failed or were repetitions.
    ``failures``  errors to raise from the next calls of ``send``, first one first; ``lost`` is the same, but what was
                  sent did arrive and only the answer went missing.
    ``errors``    an error to raise from ``privacy``, ``is_admin``, ``may_redact``, ``named``, ``open_dm``..., by the
                  method's name.
    ``privacies`` what ``privacy`` says; a room that is not in it is SHARED.
    ``admins``    (room, identity) pairs that govern; ``redactors`` the rooms in which the bot may redact.
    ``people``    who is in a room, as ``come`` and ``go`` left it; ``opened`` the rooms that anybody can walk into.
    ``aliases``   the rooms that have other names; ``names`` what they are called there.
    ``messages``  what ``message`` finds, by its id; what was heard is in it.
    ``files``     what ``fetch`` brings, by its source; ``fetched`` its calls; ``uploads`` what was put there.
    ``dms``       the DM of an identity; ``open_dm`` makes one where there is none.
    """

    def __init__(self, name: str = "matrix") -> None:
        self.name = name
        self.sent: list[Said] = []
        self.attempts: list[Outgoing] = []
        self.failures: list[ChatError] = []
        self.lost: list[ChatError] = []
        self.errors: dict[str, ChatError] = {}
        self.privacies: dict[tuple[Room, Identity], Privacy] = {}
        self.admins: set[tuple[Room, Identity]] = set()
        self.redactors: set[Room] = set()
        self.dms: dict[Identity, Room] = {}
        self.gone: set[Room] = set()
        self.people: defaultdict[Room, set[Identity]] = defaultdict(set)
        self.opened: set[Room] = set()
        self.aliases: dict[str, Room] = {}
        self.names: dict[Room, str] = {}
        self._gatherings = 0
        self.healthy = Health(ok=True)
        self.messages: dict[str, Message | Unreadable] = {}
        self.files: dict[str, bytes] = {}
        self.fetched: list[str] = []
        self.uploads: dict[str, bytes] = {}
        self.hold = asyncio.Event()
        self.hold.set()
        self.closed = False
        self._by_key: dict[str, Said] = {}
        self._said = asyncio.Condition()
        self._waiting: asyncio.Queue[tuple[list[Event], str | None, asyncio.Future[None]]] = asyncio.Queue()

    # ------------------------------------------------------------ what tests do

    async def hear(self, *events: Event, bookmark: str | None = None) -> None:
        """Let ``run`` deliver these as one batch; returns when the inbox has them, raises what the inbox raised."""
        self.messages |= {event.id: event for event in events if isinstance(event, Message)}
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._waiting.put((list(events), bookmark, done))
        await done

    async def until_sent(self, count: int, *, within: float = 5.0) -> list[Said]:
        """Wait until at least so many things were sent in all. Raises TimeoutError."""
        async with asyncio.timeout(within), self._said:
            await self._said.wait_for(lambda: len(self.sent) >= count)
        return list(self.sent)

    def texts(self, room: Room | None = None) -> list[str]:
        """The texts said (in that room), in order."""
        said = [s.outgoing for s in self.sent if s.outgoing.speech is Speech.TEXT]
        return [o.body for o in said if room is None or o.room == room]

    def reactions(self, target: str) -> list[str]:
        """The bot's emoji that stand on that message now, in the order they came."""
        redacted = {s.outgoing.target for s in self.sent if s.outgoing.speech is Speech.REDACTION}
        return [
            s.outgoing.body
            for s in self.sent
            if s.outgoing.speech is Speech.REACTION and s.outgoing.target == target and s.event_id not in redacted
        ]

    def redacted(self) -> list[str]:
        """The ids that the bot removed."""
        return [s.outgoing.target or "" for s in self.sent if s.outgoing.speech is Speech.REDACTION]

    def befriend(self, identity: Identity, room_id: str | None = None) -> Room:
        """Give that person a private DM, and name it."""
        room = Room(self.name, room_id or f"!dm-{identity.name}")
        self.dms[identity] = room
        self.privacies[(room, identity)] = Privacy.PRIVATE
        return room

    async def come(self, room: Room, *people: Identity) -> None:
        """They join the room, and the inbox is told."""
        self.people[room] |= set(people)
        await self.hear(self.gathering(room))

    async def go(self, room: Room, *people: Identity) -> None:
        """They leave it, and the inbox is told."""
        self.people[room] -= set(people)
        await self.hear(self.gathering(room))

    async def set_closed(self, room: Room, closed: bool) -> None:
        """Turn it invite-only or public, and tell the inbox."""
        (self.opened.discard if closed else self.opened.add)(room)
        await self.hear(self.gathering(room))

    def gathering(self, room: Room) -> Gathering:
        """How things are in the room now."""
        self._gatherings += 1
        return Gathering(f"$gathering-{self._gatherings}", room, frozenset(self.people[room]), room not in self.opened)

    def shown(self) -> list[str]:
        """What the texts and emoji of the bot say now, after all edits and redactions."""
        gone, now = set(self.redacted()), dict[str, str]()
        for said in self.sent:
            if said.outgoing.speech is Speech.EDIT:
                now[said.outgoing.target or ""] = said.outgoing.body
            elif said.outgoing.speech is not Speech.REDACTION:
                now[said.event_id] = said.outgoing.body
        return [body for event_id, body in now.items() if event_id not in gone]

    # ------------------------------------------------------------ the seam

    async def run(self, inbox: Inbox) -> None:
        while True:
            events, bookmark, done = await self._waiting.get()
            try:
                await inbox.deliver(events, bookmark)
            except Exception as error:  # noqa: BLE001  # whatever it is belongs to the test that waits in `hear`
                done.set_exception(error)
            else:
                done.set_result(None)

    async def send(self, outgoing: Outgoing) -> str:
        self.attempts.append(outgoing)
        await self.hold.wait()
        if self.failures:
            raise self.failures.pop(0)
        if outgoing.room in self.gone:
            raise ChatRefused("the bot is not in that room")
        async with self._said:
            said = self._by_key.get(outgoing.key)
            if said is None:
                said = Said(f"${self.name}-said-{len(self.sent) + 1}", outgoing)
                self._by_key[outgoing.key] = said
                self.sent.append(said)
                self._said.notify_all()
        if self.lost:
            raise self.lost.pop(0)
        return said.event_id

    async def privacy(self, room: Room, identity: Identity) -> Privacy:
        self._raise("privacy")
        return self.privacies.get((room, identity), Privacy.SHARED)

    async def open_dm(self, identity: Identity) -> Room:
        self._raise("open_dm")
        room = self.dms.get(identity)
        if room is not None and self.privacies.get((room, identity)) is Privacy.PRIVATE:
            return room
        made = sum(1 for known, _ in self.privacies if known.id.startswith(f"!dm-{identity.name}"))
        return self.befriend(identity, f"!dm-{identity.name}" + (f"-{made}" if made else ""))

    async def is_admin(self, room: Room, identity: Identity) -> bool:
        self._raise("is_admin")
        return (room, identity) in self.admins

    async def named(self, said: str) -> Identity | Room | None:
        self._raise("named")
        if said.startswith("@") and ":" in said:
            return Identity(self.name, said)
        return Room(self.name, said) if said.startswith("!") else self.aliases.get(said)

    async def room_name(self, room: Room) -> RoomName | None:
        self._raise("room_name")
        alias = next((alias for alias, known in self.aliases.items() if known == room), "")
        name = self.names.get(room, "")
        return None if room in self.gone or not (name or alias) else RoomName(name, alias)

    async def message(self, room: Room, message_id: str) -> Message | Unreadable | None:
        self._raise("message")
        said = self.messages.get(message_id)
        return said if said is not None and said.room == room else None

    async def said_after(
        self, room: Room, message_id: str, *, by: Identity, until: str
    ) -> Sequence[Message | Unreadable]:
        self._raise("said_after")
        here = [said for said in self.messages.values() if said.room == room]
        ids = [said.id for said in here]
        if message_id not in ids:
            return []
        end = ids.index(until) if until in ids else len(ids)
        return [said for said in here[ids.index(message_id) + 1 : end] if said.sender == by]

    async def fetch(self, medium: Medium, into: Path, *, most: int) -> None:
        self.fetched.append(medium.source)
        self._raise("fetch")
        content = (self.files | self.uploads).get(medium.source)
        if content is None or len(content) > most:
            raise ChatRefused("the picture is gone, or too large")
        into.write_bytes(content)

    async def upload(self, file: Path, medium: Medium, *, encrypted: bool) -> Medium:
        self._raise("upload")
        source = f"mxc://example.org/copy-{len(self.uploads) + 1}"
        self.uploads[source] = file.read_bytes()
        return replace(medium, source=source, key="a-sealed-key" if encrypted else "", iv="", sha256="a-hash")

    async def may_redact(self, room: Room) -> bool:
        self._raise("may_redact")
        return room in self.redactors

    def health(self) -> Health:
        return self.healthy

    async def close(self) -> None:
        self.closed = True

    def _raise(self, method: str) -> None:
        if method in self.errors:
            raise self.errors[method]


class RecordingInbox:
    """An Inbox that keeps what it was given. ``failures`` are raised by the next deliveries, first one first."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[Event], str | None]] = []
        self.failures: list[Exception] = []
        self._grew = asyncio.Condition()

    @property
    def events(self) -> list[Event]:
        """Everything delivered, in order; what came twice with one id stands here once."""
        seen: dict[str, Event] = {}
        for events, _ in self.batches:
            for event in events:
                seen.setdefault(event.id, event)
        return list(seen.values())

    def by_kind(self) -> dict[type, list[Event]]:
        """The events, sorted by their type."""
        kinds: dict[type, list[Event]] = defaultdict(list)
        for event in self.events:
            kinds[type(event)].append(event)
        return kinds

    async def deliver(self, events: Sequence[Event], bookmark: str | None = None) -> None:
        if self.failures:
            raise self.failures.pop(0)
        async with self._grew:
            self.batches.append((list(events), bookmark))
            self._grew.notify_all()

    async def until(self, count: int, *, within: float = 10.0) -> list[Event]:
        """Wait until so many events (by id) were delivered. Raises TimeoutError."""
        async with asyncio.timeout(within), self._grew:
            await self._grew.wait_for(lambda: len(self.events) >= count)
        return self.events
