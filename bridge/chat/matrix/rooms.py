"""What a room is, asked of the homeserver itself each time: private or not, who governs it, what the bot may do there.

It decides about secrets, so it believes no memory. What it cannot see, it does not call private.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, unquote

import structlog
from nio import AsyncClient

from bridge.chat.matrix.calls import raw as call
from bridge.chat.matrix.calls import raw_list as call_list
from bridge.chat.matrix.events import Allowed, Json, id_of, part
from bridge.chat.matrix.megolm import ALGORITHM
from bridge.chat.matrix.roster import Roster, creators_of
from bridge.errors import ChatError, ChatRefused, ChatUnreachable
from bridge.interfaces import Privacy, Store, Tx
from bridge.model import Identity, Room, RoomName

log = structlog.get_logger(__name__)

_ARRIVES_WITHIN = 15.0
_LOOKED_UP_WITHIN = 3.0
_MOST_DMS = 20
_PERMALINK = "https://matrix.to/#/"
_PERSON = re.compile(r"@[^:\s]+:\S+")


def _index(state: Sequence[Json]) -> dict[tuple[str, str], Json]:
    return {(str(raw.get("type")), str(raw.get("state_key"))): raw for raw in state}


def _level(value: object, default: int) -> int:
    """A power level; rooms before version 10 may write it as text."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return default
    try:
        return int(value)
    except ValueError:
        return default


class Powers:
    """Who may do what in one room (specification, "m.room.power_levels", and "Room version 12" for creators)."""

    def __init__(self, levels: Json | None, creators: frozenset[str], maker: str) -> None:
        self._levels = levels if levels is not None else {"users": {maker: 100}}
        self._state_default = 0 if levels is None else _level(levels.get("state_default"), 50)
        self._creators = creators

    def of(self, user_id: str) -> float:
        """A person's level; creators of newer rooms stand above all."""
        if user_id in self._creators:
            return float("inf")
        own = part(self._levels, "users").get(user_id)
        return _level(own, _level(self._levels.get("users_default"), 0))

    def to_change(self, kind: str) -> int:
        """The level that it takes to change that state."""
        return _level(part(self._levels, "events").get(kind), self._state_default)

    def to_send(self, kind: str) -> int:
        """The level that it takes to send that message event."""
        return _level(part(self._levels, "events").get(kind), _level(self._levels.get("events_default"), 0))

    @property
    def to_redact(self) -> int:
        """The level that it takes to remove what others wrote."""
        return _level(self._levels.get("redact"), 50)


def privacy_of(state: Sequence[Json], own_id: str, user_id: str) -> Privacy:
    """How private a room with that whole state is for the bot and that person."""
    known = _index(state)
    inside = {key for (kind, key), raw in known.items()
              if kind == "m.room.member" and part(raw, "content").get("membership") in ("join", "invite")}  # fmt: skip
    mine = part(known.get(("m.room.member", own_id)), "content").get("membership")
    rule = part(known.get(("m.room.join_rules", "")), "content").get("join_rule")
    history = part(known.get(("m.room.history_visibility", "")), "content").get("history_visibility")
    by_mail = any(kind == "m.room.third_party_invite" and part(raw, "content") for (kind, _), raw in known.items())
    if inside != {own_id, user_id} or mine != "join" or rule != "invite" or history == "world_readable" or by_mail:
        return Privacy.SHARED
    if part(known.get(("m.room.encryption", "")), "content").get("algorithm") != ALGORITHM:
        return Privacy.UNENCRYPTED
    return Privacy.PRIVATE


class Rooms:
    """Questions about rooms, and the making of DMs."""

    def __init__(self, client: AsyncClient, *, name: str, roster: Roster, store: Store, allowed: Allowed) -> None:
        self._client = client
        self._name = name
        self._roster = roster
        self._store = store
        self._allowed = allowed
        self._opening: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def privacy(self, room: Room, identity: Identity) -> Privacy:
        """Guest access is not looked at: guests, too, need an invitation to come into an invite-only room, and
        Element's own DMs allow them.
        """
        if identity.network != self._name:
            return Privacy.SHARED
        return privacy_of(await self._state(room.id), self._client.user_id, identity.name)

    async def is_admin(self, room: Room, identity: Identity) -> bool:
        """To govern a room is to be able to change its power levels; its creators always can, where they have power."""
        if identity.network != self._name:
            return False
        powers = await self._powers(room.id)
        return powers.of(identity.name) >= powers.to_change("m.room.power_levels")

    async def named(self, said: str) -> Identity | Room | None:
        """Of a person whom the bot does not listen to, it says that there is nobody. The address of a person or room at
        matrix.to is a name as well (specification, "matrix.to navigation").
        """
        said = unquote(said.removeprefix(_PERMALINK).partition("?")[0]) if said.startswith(_PERMALINK) else said
        if id_of(said) is None:
            return None
        if _PERSON.fullmatch(said):
            known = said in self._allowed and said != self._client.user_id
            return Identity(self._name, said) if known else None
        if said.startswith("!") and len(said) > 1:
            return Room(self._name, said)
        return await self._aliased(said) if said.startswith("#") and ":" in said else None

    async def _aliased(self, alias: str) -> Room | None:
        try:
            answer = await call(self._client, "GET", f"/_matrix/client/v3/directory/room/{quote(alias, safe='')}")
        except ChatRefused:
            return None
        room_id = id_of(answer.get("room_id"))
        return None if room_id is None else Room(self._name, room_id)

    async def room_name(self, room: Room) -> RoomName | None:
        """As the sync told. The alias in a room's state may be another room's, so it is left out unless the directory
        says the same.
        """
        known = self._roster.room_name(room.id)
        if known is None or not known.alias or await self._leads_to(known.alias, room):
            return known
        return RoomName(known.name) if known.name else None

    async def _leads_to(self, alias: str, room: Room) -> bool:
        try:
            async with asyncio.timeout(_LOOKED_UP_WITHIN):
                return await self._aliased(alias) == room
        except (ChatError, TimeoutError):
            return False

    async def may_redact(self, room: Room) -> bool:
        powers = await self._powers(room.id)
        own = powers.of(self._client.user_id)
        return own >= powers.to_redact and own >= powers.to_send("m.room.redaction")

    # ------------------------------------------------------------ DMs

    async def open_dm(self, identity: Identity) -> Room:
        """The DM that is still private, else a new one; one at a time for one person, so that two wishes are one DM."""
        async with self._opening[identity.name]:
            for room_id in await self._candidates(identity.name):
                if await self._is_private(room_id, identity):
                    break
            else:
                room_id = await self._create(identity.name)
            await self._remember(identity.name, room_id)
        if not await self._roster.until_known(room_id, within=_ARRIVES_WITHIN):
            raise ChatUnreachable("the new room has not come through the sync yet")
        return Room(self._name, room_id)

    async def _candidates(self, user_id: str) -> list[str]:
        kept = await self._store.transact(lambda tx: tx.notes.get(self._name, f"dm {user_id}"))
        remembered = [kept.decode("utf-8")] if kept else []
        return list(dict.fromkeys(remembered + self._roster.alone_with(user_id)))[:_MOST_DMS]

    async def _is_private(self, room_id: str, identity: Identity) -> bool:
        try:
            return await self.privacy(Room(self._name, room_id), identity) is Privacy.PRIVATE
        except ChatRefused:
            return False

    async def _remember(self, user_id: str, room_id: str) -> None:
        def work(tx: Tx) -> None:
            tx.notes.put(self._name, f"dm {user_id}", room_id.encode("utf-8"))

        await self._store.transact(work)

    async def _create(self, user_id: str) -> str:
        body = {
            "preset": "private_chat",  # the bot governs it: nobody opens it to others by mistake
            "is_direct": True,
            "invite": [user_id],
            "initial_state": [{"type": "m.room.encryption", "state_key": "", "content": {"algorithm": ALGORITHM}}],
        }
        made = id_of((await call(self._client, "POST", "/_matrix/client/v3/createRoom", body)).get("room_id"))
        if made is None:
            raise ChatUnreachable("the homeserver did not name the new room")
        try:
            await self._mark_direct(user_id, made)
        except ChatError as error:
            log.info("a DM could not be marked as one", error=str(error))  # a matter of how clients list it, no more
        return made

    async def _mark_direct(self, user_id: str, room_id: str) -> None:
        path = f"/_matrix/client/v3/user/{quote(self._client.user_id, safe='')}/account_data/m.direct"
        try:
            direct: dict[str, Any] = dict(await call(self._client, "GET", path))
        except ChatRefused:
            direct = {}  # there is none yet
        rooms = direct.get(user_id)
        direct[user_id] = [*(rooms if isinstance(rooms, list) else []), room_id]
        await call(self._client, "PUT", path, direct)

    # ------------------------------------------------------------ asking

    async def _state(self, room_id: str) -> list[Json]:
        answer = await call_list(self._client, "GET", f"{self._path(room_id)}/state")
        return [raw for raw in answer if isinstance(raw, dict)]

    async def _powers(self, room_id: str) -> Powers:
        if room_id not in self._roster:
            return await self._powers_of_state(room_id)
        try:
            levels: Json | None = await call(self._client, "GET", f"{self._path(room_id)}/state/m.room.power_levels/")
        except ChatRefused:
            return await self._powers_of_state(room_id)
        return Powers(levels, self._roster.creators(room_id), "")  # who made a room never changes

    async def _powers_of_state(self, room_id: str) -> Powers:
        """The long way, for rooms without power levels. Raises ChatRefused when we are not in there at all."""
        known = _index(await self._state(room_id))
        create = known.get(("m.room.create", ""), {})
        levels = known.get(("m.room.power_levels", ""))
        return Powers(part(levels, "content") if levels else None, creators_of(create), str(create.get("sender")))

    @staticmethod
    def _path(room_id: str) -> str:
        return f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}"
