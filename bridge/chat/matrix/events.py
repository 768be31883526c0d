"""Matrix events as JSON, read into the words of the domain. Pure: it knows no network, no keys and no store.

Everything here was written by strangers: any field can be missing, of the wrong kind, huge, or no valid text. What
cannot be read is None, never an exception. See the Matrix specification v1.13, client-server API, "Room events".
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.model import Event, Identity, Reaction, Redaction, Room

Json = Mapping[str, Any]

_LONGEST_ID = 255  # bytes, of every identifier in the specification
_LONGEST_EMOJI = 100
_MXC = re.compile(r"mxc://([A-Za-z0-9\[][A-Za-z0-9.:\[\]-]{0,254})/([A-Za-z0-9_-]{1,255})")
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


def mxc_parts(address: object) -> tuple[str, str] | None:
    """Server and media id of a content URI (specification, "Matrix Content (mxc://) URIs"); None when it is none."""
    found = _MXC.fullmatch(address) if isinstance(address, str) else None
    return None if found is None else (found[1], found[2])


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
