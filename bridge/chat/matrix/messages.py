"""What people say on Matrix: their texts and files as JSON, read into the words of the domain. Pure, as ``events``.

All of it was written by strangers. A file that cannot be opened makes its whole message unreadable, so that nothing
goes out without the picture that was meant.
"""

import base64
import binascii
import re
from dataclasses import replace
from typing import Any

from bridge.chat.matrix.events import Envelope, Json, id_of, mxc_parts, part, strip_fallback, text_of
from bridge.model import Edit, Identity, Medium, Message, Room, Unreadable

_MOST_MENTIONS = 3
_LONGEST_NAME = 200
_FILES = ("m.image", "m.video", "m.audio", "m.file")
_GALLERIES = ("m.gallery", "dm.filament.gallery")  # MSC4274, and its name until it is accepted
_MOST_FILES = 20
"""Of one gallery. More than any publisher takes, so that it is refused and not cut."""
_MIME = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")


class Damaged(ValueError):
    """A file in a message that cannot be opened. ``str()`` of it is a phrase for its sender."""


def is_said(kind: object, content: Json) -> bool:
    """Whether it is a person's text, or files of theirs: no notice, no emote, no sticker."""
    return kind == "m.room.message" and content.get("msgtype") in ("m.text", *_FILES, *_GALLERIES)


# ---------------------------------------------------------------- files


def read_media(content: Json) -> tuple[Medium, ...]:
    """The files in a message, in order; none in a text. Raises Damaged."""
    if content.get("msgtype") in _GALLERIES:
        items = content.get("itemtypes")
        if not isinstance(items, list) or not items:
            raise Damaged("there is nothing in it")
        return tuple(_item(item) for item in items[:_MOST_FILES])
    return (read_medium(content),) if content.get("msgtype") in _FILES else ()


def _item(item: object) -> Medium:
    if not isinstance(item, dict) or item.get("itemtype") not in _FILES:
        raise Damaged("one of its files is of no kind that I know")
    return read_medium(item)


def read_medium(content: Json) -> Medium:
    """One file, plain or encrypted (specification, "Sending encrypted attachments"). Whether it is a picture is for
    those to say who know what that is. Raises Damaged.
    """
    sealed = content.get("file")
    address = part(content, "file").get("url") if sealed is not None else content.get("url")
    if not isinstance(address, str) or mxc_parts(address) is None:
        raise Damaged("it names no file of a homeserver")
    key, iv, digest = ("", "", "") if sealed is None else _keys(part(content, "file"))
    info = part(content, "info")
    mime = info.get("mimetype")
    mime = mime.lower() if isinstance(mime, str) else ""
    named = text_of(content.get("filename")) or text_of(content.get("body")) or ""
    return Medium(
        source=address,
        mime={"image/jpg": "image/jpeg"}.get(mime, mime) if _MIME.fullmatch(mime) else "",
        size=_number(info.get("size")),
        name=named[:_LONGEST_NAME],
        key=key,
        iv=iv,
        sha256=digest,
        duration=_number(info.get("duration")) / 1000,
    )


def shown(medium: Medium) -> dict[str, Any]:
    """What a message says of a file: ``read_medium`` the other way round."""
    kind = "m.video" if medium.mime.startswith("video/") else "m.image"
    info = {
        "mimetype": medium.mime,
        "size": medium.size,
        "w": medium.width,
        "h": medium.height,
        "duration": round(medium.duration * 1000),
    }
    content = {"msgtype": kind, "body": medium.name, "info": {name: told for name, told in info.items() if told}}
    if not medium.key:
        return content | {"url": medium.source}
    web_key = {"kty": "oct", "key_ops": ["encrypt", "decrypt"], "alg": "A256CTR", "k": medium.key, "ext": True}
    hashes = {"sha256": medium.sha256}
    return content | {"file": {"v": "v2", "url": medium.source, "key": web_key, "iv": medium.iv, "hashes": hashes}}


def _number(value: object) -> int:
    """A count of bytes or milliseconds; 0 for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53 else 0


def _keys(sealed: Json) -> tuple[str, str, str]:
    """Key, start of the counter, and hash, as they stand there. Raises Damaged."""
    web_key = part(sealed, "key")
    if sealed.get("v") != "v2" or web_key.get("alg") != "A256CTR":
        raise Damaged("it is encrypted in a way that I do not know")
    return (
        _base64(web_key.get("k"), 32, "its key"),
        _base64(sealed.get("iv"), 16, "the beginning of its key stream"),
        _base64(part(sealed, "hashes").get("sha256"), 32, "its hash"),
    )


def _base64(text: object, size: int, what: str) -> str:
    """``text`` if it is so many bytes in base64, in either alphabet, with padding or without. Raises Damaged."""
    if not isinstance(text, str) or not text:
        raise Damaged(f"{what} is missing")
    plain = text[:100].rstrip("=").replace("-", "+").replace("_", "/")
    try:
        whole = len(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)) == size
    except (binascii.Error, ValueError):
        whole = False
    if not whole or len(text) > 100:
        raise Damaged(f"{what} is damaged")
    return text


# ---------------------------------------------------------------- messages


def _body(content: Json) -> str | None:
    """The text of a message; of a file, its caption: a ``body`` beside a ``filename`` that differs from it."""
    body = text_of(content.get("body"))
    if content.get("msgtype") not in _FILES:
        return body
    return body if body is not None and content.get("filename") not in (None, content.get("body")) else ""


def read_text(
    envelope: Envelope, content: Json, relation: Json, *, direct: bool, replay_key: str | None
) -> Message | Edit | Unreadable | None:
    """What a person said, or how they changed it. ``relation`` is the event's ``m.relates_to``.

    Whatever looks like an edit is never a message, so that an edited command cannot run a second time.
    """
    try:
        if relation.get("rel_type") == "m.replace" or content.get("m.new_content") is not None:
            return _edit(envelope, part(content, "m.new_content"), relation, direct=direct, replay_key=replay_key)
        return _message(envelope, content, relation, direct=direct, replay_key=replay_key)
    except Damaged as error:
        said = part(content, "m.new_content") or content
        what = "the file in your edit, so the edit changed nothing" if said is not content else "that file"
        reason = f"I cannot open {what}: {error}. Nothing was posted with it. Please send it again."
        head = envelope.id, envelope.room, envelope.sender, envelope.sent_at
        return Unreadable(*head, reason, _body(said) or "", direct)


def _message(
    envelope: Envelope, content: Json, relation: Json, *, direct: bool, replay_key: str | None
) -> Message | None:
    body = _body(content)
    if body is None:
        return None
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
        media=_of(envelope.id, envelope.room, content),
    )


def _of(message_id: str, room: Room, content: Json) -> tuple[Medium, ...]:
    return tuple(replace(medium, message_id=message_id, room=room.id) for medium in read_media(content))


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
    kind: Any = changed.get("msgtype", "m.text")
    if not is_said("m.room.message", {"msgtype": kind}):
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
        media=_of(target, envelope.room, changed),
    )
