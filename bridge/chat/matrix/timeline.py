"""From the raw timeline of a room to the events that the house is told of. It decides what is nobody's business:
echoes, strangers, notices, history; and what is not to be believed: plaintext in an encrypted room, unknown devices.

It asks for pages of history and for keys of devices; it never writes to a room.
"""

import json
import uuid
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from urllib.parse import quote, urlencode

import structlog
from nio import AsyncClient

from bridge.chat.matrix.calls import raw as call
from bridge.chat.matrix.events import (
    Allowed,
    Envelope,
    Json,
    after_own_join,
    listed,
    part,
    read_plain,
)
from bridge.chat.matrix.filekeys import sealed
from bridge.chat.matrix.megolm import CannotDecrypt, Opened, decrypt, is_redacted
from bridge.chat.matrix.messages import is_said, read_text
from bridge.chat.matrix.roster import Roster
from bridge.chat.matrix.trust import Trust
from bridge.errors import ChatRefused, KantterError
from bridge.interfaces import Clock
from bridge.model import Edit, Event, Message, Room, Unreadable
from bridge.vault import Vault

log = structlog.get_logger(__name__)

UNREADABLE = "I cannot read that: I do not have the key for it. Please send it again."
PLAINTEXT = "That came unencrypted into an encrypted room, so I did not run it. Please send it encrypted."

UNKNOWN_SENDER = "I could not find out whose device sent that, so I did not run it."

SAID = ("m.room.message", "m.room.encrypted")
"""The events that hold what people say."""
_PAGE = 100
_LONGEST_GAP = 10_000
_TOLD_AGAIN = 300.0
_REMEMBERED = 10_000


class _Told:
    """Remembers what was said when, so that 200 of a kind are one answer. Forgets the oldest.

    It is said again after a while: somebody whose second try is met with silence would believe that it went through.
    """

    def __init__(self) -> None:
        self._when: OrderedDict[Hashable, tuple[str, float]] = OrderedDict()

    def already(self, what: Hashable, event_id: str, now: float, within: float) -> bool:
        """Whether another event said it less than ``within`` seconds ago; if not, this one counts as saying it now.
        The same event says it again: it comes a second time where its delivery failed.
        """
        said_by, at = self._when.get(what, ("", float("-inf")))
        if said_by == event_id:
            return False
        if now - at < within:
            return True
        self._when[what] = (event_id, now)
        self._when.move_to_end(what)
        if len(self._when) > _REMEMBERED:
            self._when.popitem(last=False)
        return False


class Timeline:
    """Reads rooms' timelines for the one who runs the sync."""

    def __init__(
        self,
        client: AsyncClient,
        *,
        name: str,
        roster: Roster,
        trust: Trust,
        allowed: Allowed,
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._client = client
        self._vault = vault
        self._name = name
        self._roster = roster
        self._trust = trust
        self._allowed = allowed
        self._clock = clock
        self._told = _Told()

    # ------------------------------------------------------------ gaps

    async def gap(self, room_id: str, timeline: Json, since: str, types: list[str]) -> list[Json]:
        """What a sync answer left out of a room's timeline since the token ``since``: paged back, oldest first,
        nothing from before the bot's own join. Raises ChatUnreachable.
        """
        start = timeline.get("prev_batch")
        if timeline.get("limited") is not True or not isinstance(start, str):
            return []
        try:
            return await self._page_back(room_id, start, since, types)
        except ChatRefused:
            log.warning("a gap cannot be read", room=room_id, exc_info=True)
            return []

    async def _page_back(self, room_id: str, start: str, since: str, types: list[str]) -> list[Json]:
        pages: list[Json] = []
        path = f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}/messages"
        only = '{"types":[' + ",".join(f'"{kind}"' for kind in types) + "]}"
        while len(pages) < _LONGEST_GAP:
            query = {"dir": "b", "from": start, "to": since, "limit": str(_PAGE), "filter": only}
            answer = await call(self._client, "GET", f"{path}?{urlencode(query)}")
            chunk = list(reversed(listed(answer, "chunk")))
            chunk, joined = after_own_join(chunk, self._client.user_id)
            pages[:0] = chunk
            following = answer.get("end")
            if joined or not isinstance(following, str) or following == start or not listed(answer, "chunk"):
                return pages
            start = following
        log.warning("a gap is too long, its beginning is left out", room=room_id, events=len(pages))
        return pages

    # ------------------------------------------------------------ one event

    async def look_up(self, room_id: str, event_id: str) -> Message | Unreadable | None:
        """What was said by that event, asked of the homeserver; None when it is no message, or nobody's business.
        Raises ChatUnreachable, StoreError and ConfigError.
        """
        path = f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}/event/{quote(event_id, safe='')}"
        try:
            raw = await call(self._client, "GET", path)
        except ChatRefused:
            return None
        if raw.get("event_id") != event_id:
            return None
        return await self._told_by(room_id, raw, await self.read(room_id, raw))

    async def said_after(self, room_id: str, event_id: str, sender: str, until: str) -> list[Message | Unreadable]:
        """What ``sender`` said there between those two events, as ``look_up`` gives it. Raises as ``look_up``."""
        only = json.dumps({"types": list(SAID), "senders": [sender]})
        room = f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}"
        try:
            path = f"{room}/context/{quote(event_id, safe='')}?{urlencode({'limit': '0', 'filter': only})}"
            start = (await call(self._client, "GET", path)).get("end")
            if not isinstance(start, str):
                return []
            query = {"dir": "f", "from": start, "limit": str(_PAGE), "filter": only}
            answer = await call(self._client, "GET", f"{room}/messages?{urlencode(query)}")
        except ChatRefused:
            return []
        said: list[Message | Unreadable] = []
        for raw in listed(answer, "chunk"):
            if raw.get("event_id") == until:
                break
            if raw.get("sender") == sender and raw.get("event_id") != event_id:
                read = await self.read(room_id, raw)
                told = None if isinstance(read, Edit) else await self._told_by(room_id, raw, read)  # see _as_edited
                said += [] if told is None else [told]
        return said

    async def _told_by(self, room_id: str, raw: Json, said: Event | None) -> Message | Unreadable | None:
        if isinstance(said, Message):
            return await self._as_edited(room_id, raw, said) if said.media else said
        if isinstance(said, Unreadable):
            return said
        envelope = Envelope.of(raw, Room(self._name, room_id), self._clock())
        if envelope is None or raw.get("type") != "m.room.encrypted" or is_redacted(raw):
            return None
        return Unreadable(envelope.id, envelope.room, envelope.sender, envelope.sent_at, UNREADABLE)

    async def _as_edited(self, room_id: str, raw: Json, said: Message) -> Message | Unreadable:
        """What was said, with the files that its newest edit gave it (specification, "Event replacements": the
        homeserver puts that into the event).
        """
        newest = part(part(part(raw, "unsigned"), "m.relations"), "m.replace")
        edit = await self.read(room_id, newest) if "content" in newest else None
        if isinstance(edit, Unreadable):
            return replace(edit, id=said.id)
        if not isinstance(edit, Edit) or (edit.target, edit.sender) != (said.id, said.sender):
            return said
        return replace(said, media_now=edit.media)

    async def read(self, room_id: str, raw: Json) -> Event | None:
        """What the house is told of one timeline event, or None. Raises ChatUnreachable, StoreError and ConfigError,
        after which it is read again; an event that breaks our own code is logged with a reference and passed over, so
        that it cannot hold up the others.
        """
        try:
            return await self._read(room_id, raw)
        except KantterError:
            raise
        except Exception:  # a bug that a stranger's event woke must not hold up the events of others
            reference = uuid.uuid4().hex[:8]
            log.exception(
                "an event could not be read", reference=reference, room=room_id, event_id=str(raw.get("event_id"))
            )
            return None

    async def _read(self, room_id: str, raw: Json) -> Event | None:
        if "state_key" in raw:
            return None
        envelope = Envelope.of(raw, Room(self._name, room_id), self._clock())
        if (
            envelope is None
            or envelope.sender.name == self._client.user_id
            or envelope.sender.name not in self._allowed
        ):
            return None
        kind = raw.get("type")
        if kind == "m.room.encrypted":
            return await self._encrypted(room_id, raw, envelope)
        if kind == "m.room.message":
            return self._message(room_id, raw, envelope)
        return read_plain(envelope, raw)

    def _message(self, room_id: str, raw: Json, envelope: Envelope) -> Event | None:
        content = part(raw, "content")
        if not is_said(raw.get("type"), content):
            return None
        said = read_text(envelope, content, part(content, "m.relates_to"), direct=False, replay_key=None)
        return _refused(said, PLAINTEXT) if self._roster.is_encrypted(room_id) else self._sealed(said)

    async def _encrypted(self, room_id: str, raw: Json, envelope: Envelope) -> Event | None:
        if is_redacted(raw) or self._client.olm is None:
            return None
        try:
            opened = decrypt(self._client.olm, room_id, raw)
        except CannotDecrypt as error:
            log.info("undecryptable", room=room_id, event_id=envelope.id, why=str(error))
            told = self._unreadable(envelope, UNREADABLE, error.session_id)
            if told is not None:
                # Perhaps a device that we do not know: the answer opens a channel to it, if it is known by then.
                self._client.olm.add_changed_users({envelope.sender.name})
            return told
        if not is_said(opened.type, opened.content):
            return None
        problem = await self._problem(envelope.sender.name, opened)
        said = read_text(
            envelope,
            opened.content,
            opened.relation,
            direct=self._roster.looks_direct(room_id, envelope.sender.name),
            replay_key=opened.replay_key,
        )
        return self._sealed(said) if problem is None else _refused(said, problem)

    def _sealed(self, said: Message | Edit | Unreadable | None) -> Message | Edit | Unreadable | None:
        """What was said, with the keys of its files sealed."""
        if not isinstance(said, Message | Edit) or not said.media:
            return said
        return replace(said, media=tuple(sealed(medium, self._vault) for medium in said.media))

    async def _problem(self, sender: str, opened: Opened) -> str | None:
        try:
            return await self._trust.problem(sender, opened.sender_key, signing_key=opened.signing_key)
        except ChatRefused:
            log.warning("the homeserver does not tell of a sender's devices", sender=sender, exc_info=True)
            return UNKNOWN_SENDER

    def _unreadable(self, envelope: Envelope, reason: str, kind: str) -> Unreadable | None:
        what = (envelope.room.id, envelope.sender.name, kind)
        if self._told.already(what, envelope.id, self._clock(), _TOLD_AGAIN):
            return None
        return Unreadable(envelope.id, envelope.room, envelope.sender, envelope.sent_at, reason)


def _refused(said: Message | Edit | Unreadable | None, reason: str) -> Unreadable | None:
    """A text that could be read and must not run. Whether it was meant for the bot at all is not known here."""
    if said is None:
        return None
    return Unreadable(said.id, said.room, said.sender, said.sent_at, reason, said.text, said.direct)
