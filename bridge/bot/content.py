"""What will be visible of a post, exactly, in lines for people; and in pages, where that is too much for one message.

It knows texts, pictures, prices and sizes, and nothing of approvals. A page is a message of its own that is never
edited; what nobody can be shown whole, nobody can approve.
"""

import json
from collections.abc import Sequence
from datetime import UTC

from bridge import alttext, pricing, times
from bridge.bot import exhibits, pictures
from bridge.bot.asked import House
from bridge.bot.words import number as counted
from bridge.bot.zones import zone_of
from bridge.interfaces import Tx
from bridge.model import Account, Post, Room
from bridge.text import length

LARGEST = 16_000
"""Of all texts in one preview, as JSON in ASCII: an edit carries it twice, and a Matrix event holds 64 KiB. A network
that cut the rest would cut off how it stands, and that something is missing.
"""
_PAGE = 30_000
"""The same, of a page."""
MOST_PAGES = 12
_LONGEST_CHARACTER = 12
"""What a character can take in JSON."""
_BAR, _GOES_ON = "│ ", "┆ "


def parts_of(tx: Tx, post: Post) -> list[Post]:
    """The post alone, or all parts of its thread in order."""
    parts = [] if post.thread_root is None else tx.posts.thread(post.thread_root)
    return parts or [post]


def lines(
    tx: Tx, post: Post, account: Account, house: House, room: int = LARGEST, seen_in: Room | None = None
) -> list[str]:
    """What the post will be. Texts that do not fit into ``room`` are cut, and that is said. ``seen_in``: which of its
    pictures cannot be seen in that room, is told.
    """
    publisher = house.publishers.get(account.publisher)
    if post.target is not None:
        where = publisher.post_url(account.handle, post.target) if publisher else post.target
        return [f"Repost of {where}"]
    parts = parts_of(tx, post)
    said = list[str]()
    for place, part in enumerate(parts, 1):
        quoted = _quoted(part.draft.text, room)
        room = max(room - _sizes(quoted), 0)
        counts = f"Part {place} of {len(parts)} ({part.label}), counts" if len(parts) > 1 else "Counts"
        count = f"{counts} {counted(length(part.draft.text), 'character')}."
        said += [*quoted, count] if part.draft.text else ["It has no text."]
        for number, medium in enumerate(part.draft.media, 1):
            said.append(pictures.named(medium, number, len(part.draft.media)))
            if seen_in is not None and (untold := exhibits.untold(tx, post, medium, seen_in)):
                said.append(untold)
            quoted = _quoted(medium.alt, room)
            room = max(room - _sizes(quoted), 0)
            if medium.alt:
                said += ["Its alt text:", *quoted]
            elif not medium.mime.startswith("video/"):
                said.append(_without_alt(parts, part, number, house))
    if post.draft.reply_to is not None:
        reply_to = post.draft.reply_to
        said.append(f"Reply to {publisher.post_url(account.handle, reply_to) if publisher else reply_to}")
    if post.scheduled_for is not None:
        said.append(f"To go out at {_absolute(tx, post, post.scheduled_for, house)}")
    return said + _price([part.cost for part in parts], house)


def _price(costs: Sequence[int], house: House) -> list[str]:
    unusual = pricing.said_of(costs, house.prices)
    if unusual:
        return [unusual[0].upper() + unusual[1:]]
    return [f"Costs {pricing.money(sum(costs))}"] if sum(costs) else []


def _absolute(tx: Tx, post: Post, at: float, house: House) -> str:
    """A time to come: in its author's zone, and in UTC for those who read it elsewhere."""
    at = min(max(at, 0.0), 4e9)
    theirs, utc = times.absolute(at, zone_of(tx, post.author, house)), times.absolute(at, UTC)
    return theirs if theirs == utc else f"{theirs}, that is {utc.partition(', ')[2]}"


def _without_alt(parts: Sequence[Post], part: Post, number: int, house: House) -> str:
    if alttext.misplaced([one.draft for one in parts]):
        return f"It has no alt text. To take what follows “alt:” out of the text for it: {house.prefix}alt {part.label}"
    place = f" {number}" if len(part.draft.media) > 1 else ""
    return f"It has no alt text. To give it one: {house.prefix}alt {part.label}{place} WHAT IT SHOWS"


# ---------------------------------------------------------------- sizes and pages


def pages(tx: Tx, post: Post, account: Account, house: House, title: str) -> list[str]:
    """The whole of it in several messages, where one is too small; nothing where that suffices. More than
    ``MOST_PAGES`` are too many: see ``is_too_long``. ``title``: what the post is called.
    """
    if _fits(tx, post):
        return []
    made: list[list[str]] = [[]]
    room = _PAGE
    for line in lines(tx, post, account, house, room=_PAGE * _PAGE):
        for piece in _pieces(line):
            room -= _size(piece)
            if room < 0:
                made.append([])
                room = _PAGE - _size(piece)
            made[-1].append(piece)
    return ["\n".join((f"{title}, page {n} of {len(made)}:", *page)) for n, page in enumerate(made, 1)]


def is_too_long(tx: Tx, post: Post, account: Account, house: House) -> bool:
    """Whether it cannot be shown whole to those who approve it."""
    return len(pages(tx, post, account, house, "")) > MOST_PAGES


def _fits(tx: Tx, post: Post) -> bool:
    parts = parts_of(tx, post)
    texts = [text for part in parts for text in (part.draft.text, *(one.alt for one in part.draft.media))]
    if sum(map(len, texts)) * _LONGEST_CHARACTER + sum(text.count("\n") for text in texts) * 20 < LARGEST:
        return True  # the usual case is not measured
    return sum(_sizes(_quoted(text, _PAGE * _PAGE)) for text in texts) <= LARGEST


def _pieces(line: str) -> list[str]:
    """A line that is larger than a page, in pieces; those that go on have another bar."""
    most = _PAGE // _LONGEST_CHARACTER - len(_GOES_ON)
    if _size(line) <= _PAGE:
        return [line]
    rest = line[most:]
    return [line[:most], *(_GOES_ON + rest[at : at + most] for at in range(0, len(rest), most))]


def _size(line: str) -> int:
    """What a line takes in JSON: its end is two characters, as the quotes around it here."""
    return len(json.dumps(line))


def _sizes(said: Sequence[str]) -> int:
    return sum(map(_size, said))


def _quoted(text: str, room: int) -> list[str]:
    """The exact text, with a bar before each line: so nothing in it looks like the bot's own words. What does not fit
    into ``room`` is left out, and that is said.
    """
    said: list[str] = []
    shown = 0
    for line in text.splitlines(keepends=True):
        bare = line.splitlines()[0]
        room -= _size(_BAR + bare)
        if room < 0:
            fits = max(room + _size(bare), 0) // _LONGEST_CHARACTER
            said += [_BAR + bare[:fits]] if fits else []
            shown += fits
            break
        said.append(_BAR + bare)
        shown += len(line)
    if shown < len(text):
        said.append(f"(too long to show whole here: {len(text) - shown} characters more)")
    return said
