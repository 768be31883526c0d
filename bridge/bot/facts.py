"""Asks a network, outside of any transaction, what a verb needs to know about its room and sender.

It knows the questions, not what the answers mean. What could not be asked becomes a sentence for the person.
"""

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping

from bridge.bot.asked import NO_FACTS, Facts, Need
from bridge.bot.words import room_name
from bridge.errors import ChatError
from bridge.interfaces import ChatNetwork
from bridge.model import Identity, Message, Room, Unreadable

_DEADLINE = 10.0
"""Seconds for all questions about one batch of events: the events after it wait for that."""

_WHAT = {
    Need.PRIVACY: "who can read this conversation",
    Need.ROOM_ADMIN: "whether you govern this room",
    Need.MAY_REDACT: "what I may do here",
    Need.PICTURE: "what you reply to",
    Need.NAMES: "whom you mean",
}
_MOST_NAMES = 3
_LONGEST_NAMES = 1000
"""How many words, and characters, are looked at for names."""
_ROOM = re.compile(r"(?i)\broom\s*=\s*[\"'“”]?([^\s\"'“”]+)")
_MOST_ROOMS = 20
_NAMED_WITHIN = 4.0
"""Seconds. Without a name, an answer tells a room's id."""


async def gather(networks: Mapping[str, ChatNetwork], wanted: Iterable[tuple[int, Message, Need]]) -> dict[int, Facts]:
    """The facts for each number in ``wanted`` (a number, who spoke where, what is needed). Never raises ChatError."""
    facts: dict[int, Facts] = {}
    known: dict[tuple[object, ...], Facts] = {}  # one batch often asks the same again
    loop = asyncio.get_running_loop()
    end = loop.time() + _DEADLINE
    for number, message, need in wanted:
        names = (message.text, message.mentions) if Need.NAMES in need else None
        picture = (message.reply_to, message.id) if Need.PICTURE in need else None
        key = (message.room, message.sender, need, names, picture)
        if key not in known:
            known[key] = await _ask(networks.get(message.room.network), message, need, end - loop.time())
        facts[number] = known[key]
    return facts


async def _ask(network: ChatNetwork | None, message: Message, need: Need, seconds: float) -> Facts:
    if not need:
        return NO_FACTS
    now = next(part for part in _WHAT if part in need)
    if network is None:
        return Facts(trouble=_trouble(now))
    privacy, admin, may_redact = None, None, False
    picture: Message | Unreadable | None = None
    series: tuple[Message | Unreadable, ...] = ()
    names: dict[str, Identity | Room] = {}
    try:
        async with asyncio.timeout(max(seconds, 0.0)):
            if Need.PRIVACY in need:
                now = Need.PRIVACY
                privacy = await network.privacy(message.room, message.sender)
            if Need.ROOM_ADMIN in need:
                now = Need.ROOM_ADMIN
                admin = await network.is_admin(message.room, message.sender)
            if Need.MAY_REDACT in need:
                now = Need.MAY_REDACT
                may_redact = await network.may_redact(message.room)
            if Need.PICTURE in need and (answered := message.reply_to) is not None:
                now = Need.PICTURE
                picture = await network.message(message.room, answered)
                if Need.SERIES in need and _may_begin_series(picture, message):
                    found = await network.said_after(message.room, answered, by=message.sender, until=message.id)
                    series = tuple(found)
            if Need.NAMES in need:
                now = Need.NAMES
                names = await _names(network, message)
    except (ChatError, TimeoutError):
        return Facts(privacy, admin, may_redact, trouble=_trouble(now))
    return Facts(privacy, admin, may_redact, names=names, picture=picture, series=series)


def _may_begin_series(picture: Message | Unreadable | None, message: Message) -> bool:
    return isinstance(picture, Message) and bool(picture.media) and picture.sender == message.sender


async def _names(network: ChatNetwork, message: Message) -> dict[str, Identity | Room]:
    text = message.text[:_LONGEST_NAMES]
    words = [*text.split()[1 : 1 + _MOST_NAMES], *_ROOM.findall(text)[:1], *(one.name for one in message.mentions)]
    found = {word: await network.named(word) for word in dict.fromkeys(words)}
    return {word: what for word, what in found.items() if what is not None}


async def rooms(networks: Mapping[str, ChatNetwork], wanted: Collection[Room]) -> dict[Room, str]:
    """What people call those rooms, fit for a sentence. Those that nobody can tell now are left out."""
    asked = sorted(wanted, key=str)[:_MOST_ROOMS]
    found = await asyncio.gather(*(_called(networks.get(room.network), room) for room in asked))
    return {room: called for room, called in zip(asked, found, strict=True) if called}


async def _called(network: ChatNetwork | None, room: Room) -> str:
    try:
        async with asyncio.timeout(_NAMED_WITHIN):
            called = None if network is None else await network.room_name(room)
    except (ChatError, TimeoutError):
        return ""
    return "" if called is None else room_name(called)


def _trouble(need: Need) -> str:
    return f"I could not check {_WHAT[need]} just now, so nothing was done. Please try again."
