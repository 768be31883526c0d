"""Opens one encrypted room event with the keys that nio keeps. It knows Megolm sessions, not who may be trusted.

nio's own way is passed by: it drops events without ``sender_key`` (optional since Matrix v1.3), does not compare the
room named inside with the room outside, and keeps its index against replays in memory only.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import vodozemac
from nio.crypto import Olm
from nio.crypto.sessions import InboundGroupSession

from bridge.chat.matrix.events import Json, id_of, part

ALGORITHM = "m.megolm.v1.aes-sha2"


class CannotDecrypt(Exception):
    """The keys for an event are not there, or do not fit. ``session_id`` is what was asked for, as far as known."""

    def __init__(self, text: str, session_id: str = "") -> None:
        super().__init__(text)
        self.session_id = session_id


@dataclass(frozen=True, slots=True)
class Opened:
    """What stood inside. ``sender_key`` and ``signing_key`` are of the device that the session came from, as its own
    encrypted channel proved it; ``replay_key`` names the encrypted form for ever.
    """

    type: str
    content: Json
    relation: Json
    sender_key: str
    signing_key: str
    session_id: str
    replay_key: str


def session_of(raw: Json) -> str | None:
    """The session that an encrypted event names."""
    return id_of(part(raw, "content").get("session_id"))


def is_redacted(raw: Json) -> bool:
    """Whether somebody removed what stood in it: nothing is left to decrypt."""
    return not part(raw, "content") or bool(part(part(raw, "unsigned"), "redacted_because"))


def find_session(olm: Olm, room_id: str, raw: Json) -> InboundGroupSession | None:
    """The session that opens the event. Several devices can claim one session id: the one that the event names goes
    first, then one that is known to be the sender's. Whose it is in truth is asked later, of the session found.
    """
    session_id, named, sender = session_of(raw), part(raw, "content").get("sender_key"), str(raw.get("sender"))
    if session_id is None:
        return None
    by_device = olm.inbound_group_store[room_id]

    def is_theirs(key: str) -> bool:
        return olm.device_store.device_from_sender_key(sender, key) is not None

    if isinstance(named, str) and named in by_device and session_id in by_device[named] and is_theirs(named):
        return by_device[named][session_id]
    found = [sessions[session_id] for sessions in by_device.values() if session_id in sessions]
    found.sort(key=lambda session: (not is_theirs(session.sender_key), session.sender_key != named))
    return found[0] if found else None


def decrypt(olm: Olm, room_id: str, raw: Json) -> Opened:
    """Open it. Raises CannotDecrypt: no such session, damaged, not for this room, or no event inside."""
    content, session_id = part(raw, "content"), session_of(raw) or ""
    ciphertext = content.get("ciphertext")
    if content.get("algorithm") != ALGORITHM or not isinstance(ciphertext, str) or not session_id:
        raise CannotDecrypt("not encrypted in a way that we know", session_id)
    session = find_session(olm, room_id, raw)
    if session is None:
        raise CannotDecrypt("no such session", session_id)
    try:
        plaintext, index = session.decrypt(ciphertext)
        inside = json.loads(plaintext)
    except (vodozemac.MegolmDecryptionException, vodozemac.DecodeException, ValueError, RecursionError) as error:
        raise CannotDecrypt(f"damaged: {type(error).__name__}", session_id) from error
    if not isinstance(inside, Mapping) or inside.get("room_id") != room_id:
        raise CannotDecrypt("encrypted for another room", session_id)
    kind, inner = inside.get("type"), inside.get("content")
    if not isinstance(kind, str) or not isinstance(inner, Mapping):
        raise CannotDecrypt("no event inside", session_id)
    return Opened(
        type=kind,
        content=inner,
        # Clients put the relation outside, where servers can see it; what stands inside goes first.
        relation=part(inner, "m.relates_to") or part(content, "m.relates_to"),
        sender_key=session.sender_key,
        signing_key=session.ed25519,
        session_id=session_id,
        replay_key=f"{room_id} {session_id}:{index}",
    )
