"""Finds a post again by its text: whether what X shows is what we sent.

X gives texts back changed: ``&``, ``<`` and ``>`` escaped, each link as a ``t.co`` address whose original stands in the
entities, blanks trimmed, and before a reply the handles of those it answers. Two texts are the same when nothing but
that tells them apart. It knows no HTTP.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bridge.text import links, normal

_ESCAPED = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
_ESCAPES = re.compile("|".join(_ESCAPED))
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_LINK_BEHIND = re.compile(r"\s*https?://(?:t\.co/\w{1,40}|\S{1,200}/(?:photo|video)/[0-9]{1,3})\s*\Z")
_HANDLES_BEFORE = re.compile(r"(?:@[A-Za-z0-9_]{1,20}\s+)+")


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
