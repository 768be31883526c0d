"""Finds a post again by its text: whether what X shows is what we sent.

X gives texts back changed: ``&``, ``<`` and ``>`` escaped, each link as a ``t.co`` address whose original stands in the
entities, blanks trimmed, and before a reply the handles of those it answers. Two texts are the same when nothing but
that tells them apart. A post without text is told by its pictures: X's key of a picture ends in the id of its upload.
It knows no HTTP.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bridge.model import Draft
from bridge.text import is_nothing, links, normal

_ESCAPED = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
_ESCAPES = re.compile("|".join(_ESCAPED))
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_LINK_BEHIND = re.compile(r"\s*https?://(?:t\.co/\w{1,40}|\S{1,200}/(?:photo|video)/[0-9]{1,3})\s*\Z")
_HANDLES_BEFORE = re.compile(r"(?:@[A-Za-z0-9_]{1,20}(?:\s+|\Z))+")


def find_again(draft: Draft, posts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The first of ``posts``, as X gives them, that is ``draft``; None when none is, or it cannot be told which.

    Pictures without text all look alike. Where X names a post's pictures, they must be ours; where it does not, the
    only candidate counts, and of several none: a wrong one would be deleted by an undo.
    """
    found = [post for post in posts if _reads(draft, post)]
    if not is_nothing(draft.text):
        return found[0] if found else None
    ours = [one.remote_id for one in draft.media]
    named = [(post, picture_ids(post)) for post in found]
    sure = [post for post, ids in named if ids == ours]
    unsure = [post for post, ids in named if ids is None]
    if sure:
        return sure[0]
    return unsure[0] if len(unsure) == 1 else None


def _reads(draft: Draft, post: Mapping[str, Any]) -> bool:
    reply, media = draft.reply_to is not None, bool(draft.media)
    return any(same_text(draft.text, shown, urls, reply=reply, media=media) for shown, urls in shown_texts(post))


def picture_ids(post: Mapping[str, Any]) -> list[str] | None:
    """The ids of the uploads that a post shows, in order: what stands behind the ``_`` of its media keys
    (``3_1146654567674912769``). None when X does not say.
    """
    attached = post.get("attachments")
    keys = attached.get("media_keys") if isinstance(attached, Mapping) else None
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys):
        return None
    return [key.rpartition("_")[2] for key in keys]


def same_text(
    ours: str, theirs: str, urls: Iterable[Mapping[str, Any]] = (), *, reply: bool = False, media: bool = False
) -> bool:
    """Whether ``theirs``, as X gives it with its link entities ``urls``, is the text ``ours``. Behind the text of
    a post with ``media`` stands a link to that.
    """
    whole = original(theirs, urls)
    if media and same_text(ours, _LINK_BEHIND.sub("", whole), reply=reply):
        return True
    mine = comparable(ours)
    shown = comparable(whole)
    if mine == shown:
        return True
    before = _HANDLES_BEFORE.match(shown) if reply else None
    return before is not None and mine == shown[before.end() :]


def original(theirs: str, urls: Iterable[Mapping[str, Any]] = ()) -> str:
    """X's text with its escapes and its short addresses undone. Entities without the expected form are passed over."""
    text = _ESCAPES.sub(lambda match: _ESCAPED[match[0]], theirs)
    full = {
        short: expanded
        for entity in urls
        if isinstance(entity, Mapping)
        and isinstance(short := entity.get("url"), str)
        and isinstance(expanded := entity.get("expanded_url"), str)
        and short
    }
    if not full:
        return text
    longest_first = sorted(full, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), lambda match: full[match[0]], text)


def comparable(text: str) -> str:
    """A form in which two texts are equal when X would show them alike: NFC, blanks as one, links without the parts
    that X adds (``http://``, a ``/`` at the end) and with their host in lower case.
    """
    text = normal(text)
    pieces = []
    at = 0
    for link in links(text):
        pieces += [text[at : link.start], _comparable_link(link.url)]
        at = link.end
    return " ".join("".join([*pieces, text[at:]]).split())


def _comparable_link(url: str) -> str:
    host, slash, path = _SCHEME.sub("", url, count=1).partition("/")
    return (host.lower() + slash + path).rstrip("/")


def shown_texts(post: Mapping[str, Any]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Each text of one of X's posts with its link entities: the text, and the whole one where it is a long post."""
    holders = [post, *(post.get(name) for name in ("note_tweet", "note_post"))]
    found = []
    for holder in holders:
        if isinstance(holder, Mapping) and isinstance(text := holder.get("text"), str):
            entities = holder.get("entities")
            urls = entities.get("urls") if isinstance(entities, Mapping) else None
            found.append((text, urls if isinstance(urls, list) else []))
    return found
