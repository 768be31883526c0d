"""What the sync tells of the rooms the bot is in: members, encryption, who made them. Kept in memory, and in nio.

nio encrypts for whom it finds in its own room objects, so those are kept here and nowhere else. This is a memory, fit
for whom to encrypt to; what decides about secrets is asked of the homeserver anew (see ``rooms``).
"""

import asyncio
from dataclasses import dataclass, field, replace

from nio import AsyncClient, MatrixRoom

from bridge.chat.matrix.events import Json, id_of, part, text_of
from bridge.model import RoomName

KINDS = (
    "m.room.create",
    "m.room.member",
    "m.room.encryption",
    "m.room.join_rules",
    "m.room.history_visibility",
    "m.room.tombstone",
    "m.room.name",
    "m.room.canonical_alias",
)
"""The state that is worth hearing of."""

_CREATOR_WITHOUT_POWER = {str(version) for version in range(1, 12)}


@dataclass(slots=True)
class _Facts:
    """What nio's room does not keep."""

    join_rule: str = ""
    history: str = ""
    creators: frozenset[str] = field(default_factory=frozenset)
    named: RoomName = field(default_factory=RoomName)
    stirred: bool = True
    """Who is in it, or who may come, is not as it was told last."""
    told: tuple[bool, bool] | None = None
    """Of an open room, whether it was closed, and encrypted, when that was told last: who is in it is not told."""


def creators_of(create: Json) -> frozenset[str]:
    """Who stands above every power level: the makers of a room, from version 12 on. Empty for older versions.

    ``create`` is the whole ``m.room.create`` event (specification, "Room version 12").
    """
    content = part(create, "content")
    if str(content.get("room_version", "1")) in _CREATOR_WITHOUT_POWER:
        return frozenset()
    others = content.get("additional_creators")
    named = [create.get("sender"), *(others if isinstance(others, list) else [])]
    return frozenset(name for name in named if isinstance(name, str))


class Roster:
    """The rooms. One task writes it, the sync; the others read."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._facts: dict[str, _Facts] = {}
        self._grew = asyncio.Condition()

    def __contains__(self, room_id: str) -> bool:
        return room_id in self._client.rooms

    def apply(self, room_id: str, state: list[Json]) -> None:
        """Take in state events of a room that the bot is in, oldest first."""
        room = self._room(room_id)
        for raw in state:
            if "state_key" in raw:
                self._take(room, raw)
        if room.encrypted and self._client.olm:
            self._client.olm.update_tracked_users(room)

    async def announce(self) -> None:
        """Wake those who wait for a room to come."""
        async with self._grew:
            self._grew.notify_all()

    async def until_known(self, room_id: str, *, within: float) -> bool:
        """Wait until the sync brought that room; False when it did not come ``within`` so many seconds."""
        if room_id in self:
            return True
        try:
            async with asyncio.timeout(within), self._grew:
                await self._grew.wait_for(lambda: room_id in self)
        except TimeoutError:
            return False
        return True

    def lose(self, room_id: str) -> None:
        """The bot is no longer in it."""
        self._facts.pop(room_id, None)
        if self._client.rooms.pop(room_id, None) is not None and self._client.olm:
            self._client.olm.outbound_group_sessions.pop(room_id, None)

    def is_encrypted(self, room_id: str) -> bool:
        """Once encrypted, for ever: it is kept on disk, and no later state takes it back."""
        return room_id in self._client.encrypted_rooms

    def creators(self, room_id: str) -> frozenset[str]:
        """Who has power above every level there; nobody, as far as it is not known."""
        facts = self._facts.get(room_id)
        return facts.creators if facts else frozenset()

    def room_name(self, room_id: str) -> RoomName | None:
        """What its members call it, unchecked; None where the bot is not in it, or it has no name."""
        facts = self._facts.get(room_id)
        return None if facts is None or facts.named == RoomName() else facts.named

    def looks_direct(self, room_id: str, user_id: str) -> bool:
        """Whether it is a DM of that person, as far as the sync told."""
        facts, room = self._facts.get(room_id), self._client.rooms.get(room_id)
        if facts is None or room is None or not self.is_encrypted(room_id):
            return False
        closed = facts.join_rule == "invite" and facts.history != "world_readable"
        return closed and self._holds_only(room, user_id)

    def news(self, room_id: str) -> tuple[frozenset[str], bool, bool] | None:
        """The members of that room without the bot, whether nobody gets in but by an invitation, and whether it is
        encrypted, where that has changed since the last time it was asked for. None: nothing new. Who comes into an
        open room is no news.
        """
        facts, room = self._facts.get(room_id), self._client.rooms.get(room_id)
        if facts is None or room is None or not facts.stirred:
            return None
        facts.stirred = False
        closed, encrypted = facts.join_rule == "invite", self.is_encrypted(room_id)
        if not closed and facts.told == (closed, encrypted):
            return None
        facts.told = closed, encrypted
        joined = (user_id for user_id, user in room.users.items() if not user.invited)
        return frozenset(joined) - {self._client.user_id}, closed, encrypted

    def stir(self, room_id: str) -> None:
        """What was told of the room last may not have arrived: it is news again."""
        facts = self._facts.get(room_id)
        if facts is not None:
            facts.stirred, facts.told = True, None

    def alone_with(self, user_id: str) -> list[str]:
        """The rooms that hold exactly the bot and that person, who has come in. Somebody else can invite both and
        leave: of a room that a person was only asked into, nobody knows whether they will ever look at it.
        """
        return [
            room_id
            for room_id, room in self._client.rooms.items()
            if self._holds_only(room, user_id) and not room.users[user_id].invited
        ]

    def _holds_only(self, room: MatrixRoom, user_id: str) -> bool:
        return len(room.users) == 2 and user_id in room.users and self._client.user_id in room.users

    # ------------------------------------------------------------ one state event

    def _room(self, room_id: str) -> MatrixRoom:
        room = self._client.rooms.get(room_id)
        if room is None:
            room = MatrixRoom(room_id, self._client.user_id, self.is_encrypted(room_id))
            room.members_synced = True  # the whole state of a room comes the first time we hear of it
            self._client.rooms[room_id] = room
            self._facts[room_id] = _Facts()
        return room

    def _take(self, room: MatrixRoom, raw: Json) -> None:
        kind, content, facts = raw.get("type"), part(raw, "content"), self._facts[room.room_id]
        if kind == "m.room.member":
            self._member(room, id_of(raw.get("state_key")), content.get("membership"))
        elif raw.get("state_key") != "":
            return
        elif kind == "m.room.encryption":
            self._encrypt(room)
        elif kind == "m.room.join_rules":
            rule = str(content.get("join_rule"))
            facts.stirred, facts.join_rule = facts.stirred or rule != facts.join_rule, rule
        elif kind == "m.room.history_visibility":
            facts.history = str(content.get("history_visibility"))
        elif kind == "m.room.name":
            facts.named = replace(facts.named, name=text_of(content.get("name")) or "")
        elif kind == "m.room.canonical_alias":
            facts.named = replace(facts.named, alias=id_of(content.get("alias")) or "")
        elif kind == "m.room.create":
            facts.creators = creators_of(raw)

    def _encrypt(self, room: MatrixRoom) -> None:
        room.encrypted = True
        if room.room_id not in self._client.encrypted_rooms:
            if self._client.store:
                self._client.store.save_encrypted_rooms({room.room_id})
            self._client.encrypted_rooms.add(room.room_id)
            self._facts[room.room_id].stirred = True

    def _member(self, room: MatrixRoom, user_id: str | None, membership: object) -> None:
        if user_id is None:
            return
        changed, before = False, user_id in room.users and not room.users[user_id].invited
        if membership in ("join", "invite"):
            invited = membership == "invite"
            changed = room.add_member(user_id, None, None, invited)
            room.users[user_id].invited = invited
            if not invited:
                room.invited_users.pop(user_id, None)
        elif membership in ("leave", "ban"):
            changed = room.remove_member(user_id)
        if before != (membership == "join"):
            self._facts[room.room_id].stirred = True
        if changed and self._client.olm:
            # Who came must get a key, and who went must get no later one.
            self._client.invalidate_outbound_session(room.room_id)
