"""Matrix events as JSON, read into the words of the domain. Pure: it knows no network, no keys and no store.

Everything here was written by strangers: any field can be missing, of the wrong kind, huge, or no valid text. What
cannot be read is None, never an exception. See the Matrix specification v1.13, client-server API, "Room events".
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.model import Edit, Event, Identity, Medium, Message, Reaction, Redaction, Room

Json = Mapping[str, Any]

_LONGEST_ID = 255  # bytes, of every identifier in the specification
_LONGEST_EMOJI = 100
_MOST_MENTIONS = 3
_LONGEST_NAME = 200
_FILES = ("m.image", "m.video", "m.audio", "m.file")
_MXC = re.compile(r"mxc://([A-Za-z0-9.:\[\]-]{1,255})/([A-Za-z0-9_-]{1,255})")
_MIME = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
_FALLBACK = re.compile(r"> (?:\* )?<@[^>\n]+>")


def text_of(value: object) -> str | None:
    """``value`` as text that can be encoded: paired surrogates joined, lone ones replaced. None when it is no text."""
    if not isinstance(value, str):
        return None
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return value


def id_of(value: object) -> str | None:
    """``value`` as an identifier of an event, room or user; None when it cannot be one."""
    if not isinstance(value, str) or not value:
        return None
    try:
        size = len(value.encode("utf-8"))
    except UnicodeEncodeError:
        return None
    return value if size <= _LONGEST_ID else None


def part(value: object, key: str) -> Json:
    """The object under ``key``; an empty one when there is none."""
    inner = value.get(key) if isinstance(value, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def listed(value: object, key: str) -> list[Json]:
    """The objects in the list under ``key``; whatever else stands in it is passed over."""
    inner = value.get(key) if isinstance(value, Mapping) else None
    return [item for item in inner if isinstance(item, Mapping)] if isinstance(inner, list) else []


def sent_at(raw: Json, now: float) -> float:
    """The homeserver's time in Unix seconds; never in the future, whatever its clock says."""
    stamp = raw.get("origin_server_ts")
    if isinstance(stamp, bool) or not isinstance(stamp, int) or not 0 <= stamp < 2**53:
        return now
    return min(stamp / 1000, now)


class Allowed:
    """Whom the operator's patterns name: ``@ana:example.org``, ``*:example.org``; ``*`` stands for anything.

    The star left of the colon never reaches over it: a name that holds a colon cannot pose as another server.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = [self._compile(pattern) for pattern in patterns]

    @staticmethod
    def _compile(pattern: str) -> re.Pattern[str]:
        name, _, server = pattern.partition(":")
        name = re.escape(name).replace(r"\*", "[^:]*")
        return re.compile(f"{name}:{re.escape(server).replace(chr(92) + '*', '.*')}", re.DOTALL)

    def __contains__(self, user_id: object) -> bool:
        return isinstance(user_id, str) and any(pattern.fullmatch(user_id) for pattern in self._patterns)


def strip_fallback(body: str) -> str:
    """``body`` without the quotation that older clients put in front of a reply (``> <@ana:example.org> ...``)."""
    if not _FALLBACK.match(body):
        return body
    lines = body.split("\n")
    kept = next((number for number, line in enumerate(lines) if not line.startswith(">")), len(lines))
    if kept < len(lines) and not lines[kept]:
        kept += 1
    return "\n".join(lines[kept:])


def is_own_join(raw: Json, own_id: str) -> bool:
    """Whether this is the moment when ``own_id`` came into the room (a join that only changes the profile is not)."""
    if raw.get("type") != "m.room.member" or raw.get("state_key") != own_id:
        return False
    before = part(part(raw, "unsigned"), "prev_content") or part(raw, "prev_content")
    return part(raw, "content").get("membership") == "join" and before.get("membership") != "join"


def after_own_join(raws: list[Json], own_id: str) -> tuple[list[Json], bool]:
    """What came after the bot's own last join, and whether that join stands in ``raws`` (oldest first)."""
    for index in range(len(raws) - 1, -1, -1):
        if is_own_join(raws[index], own_id):
            return raws[index + 1 :], True
    return raws, False


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is said outside of the content: which event, where, by whom, when."""

    id: str
    room: Room
    sender: Identity
    sent_at: float

    @classmethod
    def of(cls, raw: Json, room: Room, now: float) -> "Envelope | None":
        """None when the event has no usable id or sender."""
        event_id, sender = id_of(raw.get("event_id")), id_of(raw.get("sender"))
        if event_id is None or sender is None:
            return None
        return cls(event_id, room, Identity(room.network, sender), sent_at(raw, now))


def is_said(kind: object, content: Json) -> bool:
    """Whether it is a person's text, or a file of theirs: no notice, no emote, no sticker."""
    return kind == "m.room.message" and content.get("msgtype") in ("m.text", *_FILES)


def mxc_parts(address: object) -> tuple[str, str] | None:
    """Server and media id of a content URI (specification, "Matrix Content (mxc://) URIs"); None when it is none."""
    found = _MXC.fullmatch(address) if isinstance(address, str) else None
    return None if found is None else (found[1], found[2])


def read_medium(content: Json) -> Medium | None:
    """The file in a message, plain or encrypted (specification, "Sending encrypted attachments"). Whether it is a
    picture is for those to say who know what that is.
    """
    sealed = part(content, "file")
    address = sealed.get("url") if sealed else content.get("url")
    if content.get("msgtype") not in _FILES or not isinstance(address, str) or mxc_parts(address) is None:
        return None
    key, iv, digest = "", "", ""
    if sealed:
        web_key = part(sealed, "key")
        found = web_key.get("k"), sealed.get("iv"), part(sealed, "hashes").get("sha256")
        key, iv, digest = (value if isinstance(value, str) and len(value) <= 100 else "" for value in found)
        if web_key.get("alg") != "A256CTR" or sealed.get("v") != "v2" or not (key and iv and digest):
            return None
    info = part(content, "info")
    mime, size = info.get("mimetype"), info.get("size")
    mime = mime.lower() if isinstance(mime, str) else ""
    named = text_of(content.get("filename")) or text_of(content.get("body")) or ""
    return Medium(
        source=address,
        mime={"image/jpg": "image/jpeg"}.get(mime, mime) if _MIME.fullmatch(mime) else "",
        size=size if isinstance(size, int) and not isinstance(size, bool) and 0 < size < 2**53 else 0,
        name=named[:_LONGEST_NAME],
        key=key,
        iv=iv,
        sha256=digest,
    )


def _body(content: Json) -> str | None:
    """The text of a message; of a file, its caption: a ``body`` beside a ``filename`` that differs from it."""
    body = text_of(content.get("body"))
    if content.get("msgtype") not in _FILES:
        return body
    return body if body is not None and content.get("filename") not in (None, content.get("body")) else ""


def read_text(
    envelope: Envelope, content: Json, relation: Json, *, direct: bool, replay_key: str | None
) -> Message | Edit | None:
    """A person's text, or the change of one. ``relation`` is the event's ``m.relates_to``.

    Whatever looks like an edit is never a message, so that an edited command cannot run a second time.
    """
    changed = content.get("m.new_content")
    if relation.get("rel_type") == "m.replace" or changed is not None:
        return _edit(envelope, part(content, "m.new_content"), relation, direct=direct, replay_key=replay_key)
    body = _body(content)
    if body is None:
        return None
    medium = read_medium(content)
    if medium is None and content.get("msgtype") in _FILES:
        return None  # its caption alone is not what was meant
    answered = id_of(part(relation, "m.in_reply_to").get("event_id"))
    thread = id_of(relation.get("event_id")) if relation.get("rel_type") == "m.thread" else None
    if answered is not None:
        body = strip_fallback(body)
    if thread is not None and relation.get("is_falling_back") is True:
        answered = None
    return Message(
        envelope.id,
        envelope.room,
        envelope.sender,
        body,
        envelope.sent_at,
        direct=direct,
        reply_to=answered,
        thread=thread,
        replay_key=replay_key,
        mentions=_mentions(envelope, content),
        media=() if medium is None else (medium,),
    )


def _mentions(envelope: Envelope, content: Json) -> tuple[Identity, ...]:
    """Whom the client says the text mentions (specification, "User and room mentions"): in the text itself, Element
    writes their display names.
    """
    named = part(content, "m.mentions").get("user_ids")
    ids = map(id_of, named[:_MOST_MENTIONS]) if isinstance(named, list) else ()
    return tuple(Identity(envelope.room.network, user_id) for user_id in ids if user_id is not None)


def _edit(envelope: Envelope, changed: Json, relation: Json, *, direct: bool, replay_key: str | None) -> Edit | None:
    target, body = id_of(relation.get("event_id")), _body(changed)
    if relation.get("rel_type") != "m.replace" or target is None or body is None:
        return None
    if changed.get("msgtype", "m.text") not in ("m.text", *_FILES):
        return None
    return Edit(
        envelope.id,
        envelope.room,
        envelope.sender,
        target,
        body,
        envelope.sent_at,
        direct=direct,
        replay_key=replay_key,
    )


def read_reaction(envelope: Envelope, content: Json) -> Reaction | None:
    """An emoji on a message (specification, "Event annotations and reactions")."""
    relation = part(content, "m.relates_to")
    target, key = id_of(relation.get("event_id")), text_of(relation.get("key"))
    if relation.get("rel_type") != "m.annotation" or target is None or not key or len(key) > _LONGEST_EMOJI:
        return None
    return Reaction(envelope.id, envelope.room, envelope.sender, target, key, envelope.sent_at)


def read_redaction(envelope: Envelope, raw: Json) -> Redaction | None:
    """The removal of an event. Room versions up to 10 name the target outside of the content, later ones inside."""
    target = id_of(part(raw, "content").get("redacts")) or id_of(raw.get("redacts"))
    if target is None:
        return None
    return Redaction(envelope.id, envelope.room, envelope.sender, target, envelope.sent_at)


def read_plain(envelope: Envelope, raw: Json) -> Event | None:
    """What is never encrypted on Matrix: reactions and redactions."""
    if raw.get("type") == "m.reaction":
        return read_reaction(envelope, part(raw, "content"))
    if raw.get("type") == "m.room.redaction":
        return read_redaction(envelope, raw)
    return None
