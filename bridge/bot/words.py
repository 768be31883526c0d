"""How the bot speaks: quotes, ages, times, counts. Pure.

It knows English and nothing of what is said.
"""

import re
from datetime import UTC, datetime

from bridge.model import Post, RoomName
from bridge.telltale import HIDDEN, holds_secret, pictures

_QUOTED = 40
_SKIM = 400
_LONGEST_NAME = 60
_ALIAS = re.compile(r"#[^\s:“”()]{1,80}:[A-Za-z0-9.:\[\]-]{1,80}")
_LINKS = re.compile(r":(?=\S)|[.。．｡](?=[^\W\d])")
"""What an address hangs on: clients make a link of ``example.org`` as well, without anything before it."""
_MARKS = str.maketrans("“”„‟«»", '""""""')


def quote(text: str, most: int = _QUOTED) -> str:
    """The first words of what a person typed, fit to be said again: one line, in quotation marks, without controls,
    marks of direction and broken characters. Of a text that seems to hold a secret nothing is said again.
    """
    if holds_secret(text[: 2 * _SKIM]):
        return HIDDEN
    shown = "".join(c if c.isprintable() or c == "\u200d" else " " for c in text[:_SKIM])
    line = " ".join(shown.split())
    return f"“{line[:most].rstrip()}…”" if len(line) > most or len(text) > _SKIM else f"“{line}”"


def without_words(reason: str) -> str:
    """A reason why a post ended, without what a person wrote to it, for where the post itself is not shown."""
    return reason.partition(": “")[0]


def subject(post: Post) -> str:
    """What a post is, for a sentence about it: its first words, its pictures where it has no text, or what it
    reposts.
    """
    if post.target is not None:
        return f"the repost of {post.target}"
    return quote(post.draft.text) if post.draft.text or not post.draft.media else pictures(post.draft)


def room_name(called: RoomName) -> str:
    """What people call a room, for a sentence: ``“Press” (#press:example.org)``; empty when that says nothing. Its name
    is somebody's words: so it stands in quotation marks that it cannot end, and no client finds an address in it.
    """
    name = _LINKS.sub(r"\g<0> ", called.name[:_SKIM].translate(_MARKS))
    quoted = quote(name, _LONGEST_NAME)
    alias = called.alias if _ALIAS.fullmatch(called.alias) and called.alias.isprintable() else ""
    if quoted == "“”":
        return alias
    return f"{quoted} ({alias})" if alias else quoted


def span(seconds: float) -> str:
    """A length of time as people say it: ``45 s``, ``12 min``, ``3 h``, ``2 days``."""
    seconds = max(seconds, 0.0)
    if seconds < 90:
        return f"{round(seconds)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    if seconds < 36 * 3600:
        return f"{round(seconds / 3600)} h"
    return f"{round(seconds / 86400)} days"


def moment(when: float, now: float) -> str:
    """A time to come, in UTC (never too early a minute) and from now: ``18:30 UTC, in 3 h``."""
    return f"{datetime.fromtimestamp(when + 59.0, UTC):%H:%M} UTC, in {span(when - now)}"


def number(count: int, noun: str) -> str:
    """``1 post``, ``3 posts``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
