"""The doors between rooms: invitations to take or to turn down, and rooms that were upgraded into new ones.

What is to be done is noted in the store before the sync's bookmark moves on, so that a crash forgets nothing. It knows
who may invite; it knows nothing of what is said in rooms.
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import quote, urlencode

import structlog
from nio import AsyncClient

from bridge.chat.matrix.calls import raw as call
from bridge.chat.matrix.events import Allowed, Json, id_of, listed, part
from bridge.errors import ChatError, ChatRefused, ChatUnreachable, StoreError
from bridge.interfaces import Clock, Inbox, Store, Tx
from bridge.model import Room, RoomMoved
from bridge.retry import pause

log = structlog.get_logger(__name__)

_NOTE = "doors"
_JOINS, _WITHIN = 20, 60.0
_GIVEN_UP = 7 * 86400.0
_IDLE = 3600.0
_JOIN_TIMEOUT = 120.0  # over federation, a big room takes its time


@dataclass(slots=True)
class Door:
    """One room to go into. ``old`` and ``event_id``: the room it replaces, and the event that said so."""

    room_id: str
    via: list[str]
    seen_at: float
    old: str = ""
    event_id: str = ""
    tries: int = 0
    due_at: float = 0.0


def _servers(*users: object) -> list[str]:
    named = [user.partition(":")[2] for user in users if isinstance(user, str)]
    return list(dict.fromkeys(server for server in named if server))


class Doors:
    """Takes notes from the sync (``note``, ``moved``), and works them off in ``run``."""

    def __init__(
        self, client: AsyncClient, inbox: Inbox, *, name: str, store: Store, allowed: Allowed, clock: Clock
    ) -> None:
        self._client = client
        self._inbox = inbox
        self._name = name
        self._store = store
        self._allowed = allowed
        self._clock = clock
        self._doors: dict[str, Door] = {}
        self._turned_down: deque[str] = deque()
        self._joins: deque[float] = deque()
        self._rung = asyncio.Event()

    async def load(self) -> None:
        """Read what an earlier run left to do. Raises StoreError."""
        kept = await self._store.transact(lambda tx: tx.notes.get(self._name, _NOTE))
        for fields in json.loads(kept or b"[]"):
            door = Door(**fields)
            door.due_at = 0.0
            self._doors[door.room_id] = door
        self._rung.set()

    async def note(self, invitations: Mapping[str, Json]) -> None:
        """Take in the invitations of a sync answer. On return, those to be taken are on disk. Raises StoreError."""
        changed = False
        for room_id, invitation in invitations.items():
            waiting = self._doors.get(room_id)
            if waiting is not None:
                waiting.due_at = 0.0  # an upgraded room that we could not walk into: somebody asks us in now
                self._rung.set()
                continue
            inviter = self._inviter(invitation)
            if inviter in self._allowed:
                self._doors[room_id] = Door(room_id, _servers(inviter, f":{room_id.partition(':')[2]}"), self._clock())
                changed = True
            else:
                log.info("an invitation was turned down", room=room_id, inviter=inviter)
                self._turned_down.append(room_id)
                self._rung.set()
        if changed:
            await self._keep()

    def _inviter(self, invitation: Json) -> str | None:
        for raw in listed(part(invitation, "invite_state"), "events"):
            mine = raw.get("type") == "m.room.member" and raw.get("state_key") == self._client.user_id
            if mine and part(raw, "content").get("membership") == "invite":
                return id_of(raw.get("sender"))
        return None

    async def moved(self, room_id: str, tombstone: Json) -> None:
        """Take in that ``room_id`` was upgraded. On return it is on disk. Raises StoreError."""
        successor, event_id = (
            id_of(part(tombstone, "content").get("replacement_room")),
            id_of(tombstone.get("event_id")),
        )
        if tombstone.get("state_key") != "" or successor is None or event_id is None or successor == room_id:
            return
        via = _servers(tombstone.get("sender"), f":{successor.partition(':')[2]}")
        self._doors[successor] = Door(successor, via, self._clock(), old=room_id, event_id=event_id)
        await self._keep()

    async def _keep(self) -> None:
        kept = json.dumps([asdict(door) for door in self._doors.values()]).encode("utf-8")

        def work(tx: Tx) -> None:
            tx.notes.put(self._name, _NOTE, kept)

        await self._store.transact(work)
        self._rung.set()

    # ------------------------------------------------------------ working it off

    async def run(self) -> None:
        """Go through doors until cancelled. Raises ConfigError."""
        while True:
            self._rung.clear()
            while self._turned_down:
                await self._turn_down(self._turned_down.popleft())
            for door in [door for door in self._doors.values() if door.due_at <= self._clock()]:
                await self._pass(door)
            soonest = min((door.due_at for door in self._doors.values()), default=self._clock() + _IDLE)
            try:
                async with asyncio.timeout(min(max(soonest - self._clock(), 0.1), _IDLE)):
                    await self._rung.wait()
            except TimeoutError:
                continue

    async def _turn_down(self, room_id: str) -> None:
        try:
            await call(self._client, "POST", f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}/leave", {})
        except ChatError as error:
            log.info("an invitation could not be turned down", room=room_id, error=str(error))

    async def _pass(self, door: Door) -> None:
        try:
            await self._await_turn()
            await self._enter(door)
        except ChatRefused as error:
            if door.old and self._clock() - door.seen_at < _GIVEN_UP:
                self._postpone(door)  # an invitation to the new room may come yet
                return
            log.info("a room cannot be joined", room=door.room_id, error=str(error))
        except (ChatUnreachable, StoreError) as error:
            log.warning("a room could not be joined yet", room=door.room_id, error=str(error))
            self._postpone(door)
            return
        if self._doors.get(door.room_id) is door:
            del self._doors[door.room_id]
        try:
            await self._keep()
        except StoreError:
            log.warning("a door that is done will be tried once more", room=door.room_id, exc_info=True)

    def _postpone(self, door: Door) -> None:
        door.tries += 1
        door.due_at = self._clock() + pause(door.tries, first=2.0, most=_IDLE)

    async def _await_turn(self) -> None:
        """Not more than so many joins a minute: an invitation costs the one who sends it nothing."""
        while self._joins and self._joins[0] <= self._clock() - _WITHIN:
            self._joins.popleft()
        if len(self._joins) >= _JOINS:
            await asyncio.sleep(max(self._joins[0] + _WITHIN - self._clock(), 0.1))
        self._joins.append(self._clock())

    async def _enter(self, door: Door) -> None:
        query = urlencode([(key, server) for server in door.via for key in ("server_name", "via")])
        path = f"/_matrix/client/v3/join/{quote(door.room_id, safe='')}?{query}"
        await call(self._client, "POST", path, {}, timeout=_JOIN_TIMEOUT)
        if not door.old:
            return
        create = f"/_matrix/client/v3/rooms/{quote(door.room_id, safe='')}/state/m.room.create/"
        predecessor = part(await call(self._client, "GET", create), "predecessor")
        if predecessor.get("room_id") != door.old:
            log.warning("a room that says nothing of the one it replaces is left", room=door.room_id, old=door.old)
            await self._turn_down(door.room_id)
            return
        moved = RoomMoved(door.event_id, Room(self._name, door.old), Room(self._name, door.room_id))
        await self._inbox.deliver([moved])
