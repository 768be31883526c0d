"""The sync with the homeserver: what it sends is taken in, delivered, and only then is the bookmark moved on.

nio's own loop is passed by: it saves its token before anything is done, skips the rest of an answer when one event
breaks, and drops the fields that tell of one-time and fallback keys. Here nio is the keeper of keys.

The order within one answer: keys for messages; the state of rooms; gaps; timelines; one delivery with the bookmark
(repeated until the store takes it); then our own keys. Killed anywhere, the same answer comes again, and every event
has an id that the inbox knows.
"""

import asyncio
import json
import uuid
from collections.abc import Sequence
from urllib.parse import urlencode

import structlog
from nio import AsyncClient

from bridge.chat.matrix.calls import TooLarge
from bridge.chat.matrix.calls import raw as call
from bridge.chat.matrix.doors import Doors
from bridge.chat.matrix.events import Json, after_own_join, id_of, listed, part
from bridge.chat.matrix.keys import CryptoStoreFailed, Keys
from bridge.chat.matrix.megolm import find_session, session_of
from bridge.chat.matrix.roster import KINDS, Roster
from bridge.chat.matrix.timeline import Timeline
from bridge.errors import ChatError, ChatUnreachable, ConfigError, StoreError
from bridge.interfaces import Clock, Inbox
from bridge.model import Event, Gathering, Health, Identity, Room, RoomLost
from bridge.retry import pause

log = structlog.get_logger(__name__)

TIMELINE = ["m.room.message", "m.room.encrypted", "m.reaction", "m.room.redaction", *KINDS]

_POLL = 30.0
_FIRST = 120.0
_LATE = 60.0
_MANY_KEYS = 50
_MOST_KEY_ANSWERS = 200
_PATH = "/_matrix/client/v3/sync"
_NOTHING: dict[str, list[str]] = {"types": []}
_MOST_EVENTS = 50
_KEYS_ONLY = {"presence": _NOTHING, "account_data": _NOTHING, "room": {"rooms": []}}


def _filter(most: int) -> str:
    """What a sync answer shall hold: no more than ``most`` timeline events a room."""
    room = {
        "account_data": _NOTHING,
        "ephemeral": _NOTHING,
        "state": {"types": list(KINDS)},
        "timeline": {"types": TIMELINE, "limit": most},
    }
    return json.dumps({"presence": _NOTHING, "account_data": _NOTHING, "room": room})


def least(heard: list[Event]) -> list[Event]:
    """Who was in a room all the time that ``heard`` tells of, if it tells of that. It goes before everything else of an
    answer: in which order things happened in two rooms is not known, and whoever lost a right in one must not use it in
    the other.
    """
    told = [event for event in heard if isinstance(event, Gathering)]
    if not told:
        return []
    members = frozenset.intersection(*(gathering.members for gathering in told))
    closed = all(gathering.closed for gathering in told)
    encrypted = all(gathering.encrypted for gathering in told)
    return [Gathering(f"{told[0].id} least", told[0].room, members, closed, encrypted)]


class Sync:
    """One session's sync. ``name`` is the network's; ``bookmark`` where the last delivery ended, None at first;
    ``known`` the rooms that the store knows something of.
    """

    def __init__(
        self,
        client: AsyncClient,
        inbox: Inbox,
        bookmark: str | None,
        *,
        name: str,
        known: Sequence[Room] = (),
        roster: Roster,
        timeline: Timeline,
        doors: Doors,
        keys: Keys,
        clock: Clock,
    ) -> None:
        self._client = client
        self._inbox = inbox
        self._bookmark = bookmark
        self._name = name
        self._roster = roster
        self._timeline = timeline
        self._doors = doors
        self._keys = keys
        self._clock = clock
        self._known = known
        self._told: list[str] = []
        self._fresh = True
        self._most = _MOST_EVENTS
        self._synced_at: float | None = None
        self._trouble = "not synced yet"

    def health(self) -> Health:
        """Whether the homeserver answered lately and everything of its answer was taken."""
        late = self._synced_at is None or self._clock() - self._synced_at > _LATE
        if self._trouble or late:
            return Health(ok=False, reason=self._trouble or "the homeserver has not answered for a while")
        return self._keys.health()

    async def run(self) -> None:
        """Sync until cancelled. Raises ConfigError when the homeserver no longer takes our token, CryptoStoreFailed."""
        tries = 0
        while True:
            try:
                await self._once()
                tries = 0
                continue
            except (ConfigError, CryptoStoreFailed):
                raise
            except (ChatError, StoreError) as error:
                self._trouble = str(error)
                log.warning("sync failed", error=str(error), tries=tries + 1)
            except Exception:  # a bug that an answer woke: the bookmark stays, health tells of it
                reference = uuid.uuid4().hex[:8]
                self._trouble = f"something broke (ref {reference})"
                log.exception("sync broke", reference=reference, tries=tries + 1)
            tries += 1
            await asyncio.sleep(pause(tries, most=20.0))

    async def _once(self) -> None:
        await self._take(await self._fetch())
        self._fresh = False
        self._trouble, self._synced_at = "", self._clock()

    async def _fetch(self) -> Json:
        """One answer of ``/sync``; the first of a process comes with the whole state of each room."""
        at_once = (
            self._fresh or self._trouble
        )  # after a failure, too: a quiet homeserver would keep us unready for a poll
        query = {"filter": _filter(self._most), "timeout": "0" if at_once else str(int(_POLL * 1000))}
        if self._bookmark is not None:
            query["since"] = self._bookmark
        if self._fresh:
            query["full_state"] = "true"
        seconds = _FIRST if self._fresh else _POLL + 15.0
        try:
            answer = await self._ask(query, seconds)
        except TooLarge:
            self._most = max(self._most // 7, 1)  # 50, 7, 1; what is left out so is paged back room by room
            raise
        self._most = _MOST_EVENTS
        return answer

    async def _ask(self, query: dict[str, str], seconds: float) -> Json:
        answer: Json = await call(self._client, "GET", f"{_PATH}?{urlencode(query)}", timeout=seconds)
        if not isinstance(answer.get("next_batch"), str):
            raise ChatUnreachable("the answer was not that of a Matrix homeserver")
        return answer

    # ------------------------------------------------------------ one answer

    async def _take(self, answer: Json) -> None:
        bookmark: str = answer["next_batch"]
        rooms = part(answer, "rooms")
        self._keys.hear(answer)
        await self._fetch_more_keys(answer, bookmark)
        for room_id in self._told:  # in an answer that broke off before it was delivered
            self._roster.stir(room_id)
        first: list[Event] = []
        events: list[Event] = []
        for room_id, room in part(rooms, "join").items():
            heard = await self._joined(room_id, room, bookmark)
            first += least(heard)
            events += heard
        for room_id, room in part(rooms, "leave").items():
            first += self._left(room_id, room, bookmark)
        events = first + self._forgotten(rooms, bookmark) + events
        await self._roster.announce()
        await self._doors.note(part(rooms, "invite"))
        if events or bookmark != self._bookmark:
            await self._deliver(events, bookmark)
        self._told.clear()
        self._bookmark = bookmark

    async def _joined(self, room_id: str, room: Json, bookmark: str) -> list[Event]:
        timeline = part(room, "timeline")
        raws = listed(timeline, "events")
        self._roster.apply(room_id, listed(part(room, "state"), "events"))
        if self._bookmark is None:
            self._roster.apply(room_id, raws)
            return self._gathering(room_id, bookmark)  # the first start ever: what was said before is history
        new, joined = after_own_join(raws, self._client.user_id)
        self._roster.apply(room_id, raws[: len(raws) - len(new)])
        gap = [] if joined else await self._timeline.gap(room_id, timeline, self._bookmark, TIMELINE)
        told: list[Event] = self._opened_between(room_id, gap, bookmark)
        for raw in gap:
            told += self._gathering(room_id, bookmark) + await self._heard(room_id, raw)
        for raw in new:
            if "state_key" not in raw:
                told += self._gathering(
                    room_id, bookmark
                )  # who came before it was said has the right, who went has not
            else:
                self._roster.apply(room_id, [raw])
                if raw.get("type") == "m.room.join_rules":
                    told += self._gathering(room_id, bookmark)  # open for a moment is open
            told += await self._heard(room_id, raw)
        return told + self._gathering(room_id, bookmark)

    def _gathering(self, room_id: str, bookmark: str) -> list[Event]:
        """Who is in the room now, where that is news."""
        news = self._roster.news(room_id)
        if news is None:
            return []
        self._told.append(room_id)
        members = frozenset(Identity(self._name, user_id) for user_id in news[0])
        name = f"gathering {room_id} {bookmark} {len(self._told)}"
        return [Gathering(name, Room(self._name, room_id), members, closed=news[1], encrypted=news[2])]

    def _opened_between(self, room_id: str, gap: list[Json], bookmark: str) -> list[Event]:
        """Whether anybody could walk in for a while, in what the answer left out."""
        rules = [part(raw, "content").get("join_rule") for raw in gap if raw.get("type") == "m.room.join_rules"]
        if all(rule == "invite" for rule in rules):
            return []
        self._roster.stir(room_id)
        room = Room(self._name, room_id)
        encrypted = self._roster.is_encrypted(room_id)
        return [Gathering(f"opened {room_id} {bookmark}", room, frozenset(), closed=False, encrypted=encrypted)]

    def _forgotten(self, rooms: Json, bookmark: str) -> list[Event]:
        """The rooms that the store knows and the homeserver does not count as ours any more."""
        if not self._fresh:
            return []
        still = part(rooms, "join").keys() | part(rooms, "leave").keys()
        gone = [room for room in self._known if room.id not in still]
        return [RoomLost(f"lost {room.id} {bookmark}", room) for room in gone]

    async def _heard(self, room_id: str, raw: Json) -> list[Event]:
        if raw.get("type") == "m.room.tombstone":
            await self._doors.moved(room_id, raw)
        event = await self._timeline.read(room_id, raw)
        return [] if event is None else [event]

    def _left(self, room_id: str, room: Json, bookmark: str) -> list[Event]:
        self._roster.lose(room_id)
        for raw in reversed(listed(part(room, "state"), "events") + listed(part(room, "timeline"), "events")):
            if raw.get("type") == "m.room.member" and raw.get("state_key") == self._client.user_id:
                if part(part(raw, "unsigned"), "prev_content").get("membership") == "invite":
                    return []  # an invitation that we did not take, or that was taken back
                event_id = id_of(raw.get("event_id"))
                if event_id:
                    return [RoomLost(event_id, Room(self._name, room_id))]
        return [RoomLost(f"lost {room_id} {bookmark}", Room(self._name, room_id))]

    async def _deliver(self, events: list[Event], bookmark: str) -> None:
        """Hand everything over, again and again until it is on disk."""
        tries = 0
        while True:
            try:
                await self._inbox.deliver(events, bookmark)
            except StoreError as error:
                tries += 1
                self._trouble = f"the store: {error}"
                log.error("nothing was recorded, it is delivered again", error=str(error), tries=tries)  # noqa: TRY400  # the disk's words say it all
                await asyncio.sleep(pause(tries, most=30.0))
            else:
                return

    # ------------------------------------------------------------ keys

    async def _fetch_more_keys(self, answer: Json, bookmark: str) -> None:
        """Homeservers send about 100 keys an answer, and messages that need later ones with them: ask for the rest
        before the messages are read. The keys are on disk once heard, so the bookmark need not move for them.
        """
        came = len(listed(part(answer, "to_device"), "events"))
        since = bookmark
        for _ in range(_MOST_KEY_ANSWERS):
            if not came or (came < _MANY_KEYS and not self._lacks_keys(answer)):
                return
            more = await self._ask({"filter": json.dumps(_KEYS_ONLY), "timeout": "0", "since": since}, _FIRST)
            self._keys.hear(more)
            came = len(listed(part(more, "to_device"), "events"))
            since = more["next_batch"]

    def _lacks_keys(self, answer: Json) -> bool:
        if self._bookmark is None or self._client.olm is None:
            return False
        return any(
            raw.get("type") == "m.room.encrypted"
            and session_of(raw) is not None
            and find_session(self._client.olm, room_id, raw) is None
            for room_id, room in part(part(answer, "rooms"), "join").items()
            for raw in listed(part(room, "timeline"), "events")
        )
