"""Says things in rooms: notices, their changes, pictures, reactions, redactions. The same key again is the same event,
also after a crash.

The homeserver keeps the transaction ids of a device and answers a repetition with the first event's id (specification,
"Transaction identifiers"); encrypting anew does not matter to it. It knows nothing of why something is said.
"""

import asyncio
import hashlib
import json
from collections import defaultdict
from typing import Any
from urllib.parse import quote

from nio import AsyncClient, EncryptionError, LocalProtocolError

from bridge.chat.matrix.calls import raw as call
from bridge.chat.matrix.events import id_of, text_of
from bridge.chat.matrix.keys import Keys
from bridge.chat.matrix.messages import shown
from bridge.chat.matrix.roster import Roster
from bridge.errors import ChatRefused, ChatUnreachable
from bridge.model import Medium, Outgoing, Speech

_LARGEST = 40_000
"""Bytes of content as JSON: encrypted, a third more, and with all around it below the limit of 65,536 an event."""

_ARRIVES_WITHIN = 5.0


def transaction_of(key: str) -> str:
    """The transaction id made of a key; the same for ever, and no longer than servers take."""
    return "kantter-" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _size(content: dict[str, Any]) -> int:
    return len(json.dumps(content, separators=(",", ":")))  # as nio writes it: ASCII, so characters are bytes


def notice_of(outgoing: Outgoing) -> dict[str, Any]:
    """The content of an ``m.notice``: plain text, in which clients find the links themselves; cut if too large."""
    return _cut({"msgtype": "m.notice", "body": text_of(outgoing.body) or ""} | _around(outgoing))


def picture_of(outgoing: Outgoing, medium: Medium) -> dict[str, Any]:
    """The content of an ``m.image`` or ``m.video``."""
    return shown(medium) | _around(outgoing)


def _around(outgoing: Outgoing) -> dict[str, Any]:
    """Whom it mentions, what it answers, and its thread."""
    content: dict[str, Any] = {}
    # Always there, so that no client guesses mentions from the text (specification, "User and room mentions").
    content["m.mentions"] = {"user_ids": [outgoing.mention.name]} if outgoing.mention else {}
    if outgoing.thread:
        content["m.relates_to"] = {
            "rel_type": "m.thread",
            "event_id": outgoing.thread,
            "is_falling_back": outgoing.target is None,
            "m.in_reply_to": {"event_id": outgoing.target or outgoing.thread},
        }
    elif outgoing.target:
        content["m.relates_to"] = {"m.in_reply_to": {"event_id": outgoing.target}}
    return content


def edit_of(outgoing: Outgoing) -> dict[str, Any]:
    """The content that changes an own notice (specification, "Event replacements"), for clients that know of edits
    and, in ``body``, for those that do not. Half of the room is for each.
    """
    plain: dict[str, Any] = {"msgtype": "m.notice", "body": text_of(outgoing.body) or "", "m.mentions": {}}
    new = _cut(plain, _LARGEST // 2 - 500)
    return {
        **new,
        "body": f"* {new['body']}",
        "m.new_content": new,
        "m.relates_to": {"rel_type": "m.replace", "event_id": outgoing.target},
    }


def _content(outgoing: Outgoing) -> dict[str, Any]:
    if outgoing.medium is not None:
        return picture_of(outgoing, outgoing.medium)
    return edit_of(outgoing) if outgoing.speech is Speech.EDIT else notice_of(outgoing)


def _cut(content: dict[str, Any], largest: int = _LARGEST) -> dict[str, Any]:
    """Shorten the body until the event is one that servers take: an answer cut short beats one that never comes."""
    body: str = content["body"][:largest]
    if body != content["body"]:
        content["body"] = body + "…"
    while _size(content) > largest:
        excess = _size(content) - largest
        body = body[: max(0, len(body) - max(excess // 12, 1))]  # no character takes more than 12 bytes in JSON
        content["body"] = body + "…"
    return content


class Voice:
    """Speaks for one session."""

    def __init__(self, client: AsyncClient, *, roster: Roster, keys: Keys) -> None:
        self._client = client
        self._roster = roster
        self._keys = keys
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def say(self, outgoing: Outgoing) -> str:
        """Do it; give the event's id. Raises ChatUnreachable, ChatRefused."""
        if outgoing.speech is Speech.REDACTION:
            return await self._redact(outgoing)
        await self._find(outgoing.room.id)
        if outgoing.speech is Speech.REACTION:
            relation = {"rel_type": "m.annotation", "event_id": outgoing.target, "key": outgoing.body}
            return await self._send(outgoing, "m.reaction", {"m.relates_to": relation})
        if outgoing.medium is not None and outgoing.medium.key and not self._roster.is_encrypted(outgoing.room.id):
            raise ChatRefused("an encrypted picture is not shown in a room that is not")
        return await self._send(outgoing, "m.room.message", _content(outgoing))

    async def _find(self, room_id: str) -> None:
        """Whether to encrypt, and for whom, is known of rooms that the sync brought; no other is spoken in."""
        if room_id in self._roster:
            return
        joined = (await call(self._client, "GET", "/_matrix/client/v3/joined_rooms")).get("joined_rooms")
        if isinstance(joined, list) and room_id not in joined:
            raise ChatRefused("the bot is not in that room")
        if not await self._roster.until_known(room_id, within=_ARRIVES_WITHIN):
            raise ChatUnreachable("the room has not come through the sync yet")

    async def _send(self, outgoing: Outgoing, kind: str, content: dict[str, Any]) -> str:
        room_id = outgoing.room.id
        async with self._turns[room_id]:  # in the order of the calls
            if kind == "m.room.message" and self._roster.is_encrypted(room_id):
                await self._keys.prepare(room_id)
                try:
                    kind, content = self._client.encrypt(room_id, kind, content)
                except (EncryptionError, LocalProtocolError) as error:
                    raise ChatUnreachable("the message could not be encrypted yet") from error
            return await self._put(("rooms", room_id, "send", kind, transaction_of(outgoing.key)), content)

    async def _redact(self, outgoing: Outgoing) -> str:
        parts = ("rooms", outgoing.room.id, "redact", outgoing.target or "", transaction_of(outgoing.key))
        return await self._put(parts, {})

    async def _put(self, parts: tuple[str, ...], body: dict[str, Any]) -> str:
        path = "/".join(quote(part, safe="") for part in parts)
        event_id = id_of((await call(self._client, "PUT", f"/_matrix/client/v3/{path}", body)).get("event_id"))
        if event_id is None:
            raise ChatUnreachable("the homeserver did not name the event")
        return event_id
