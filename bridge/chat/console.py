"""A chat network made of one terminal: a room, and a DM for each person, switched with ``/dm`` and ``/room``.

It is for the demo and knows nothing of what is said. Everything is in memory: whoever types is who they say they are.
"""

import asyncio
import hashlib
import re
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from bridge.errors import ChatRefused, StoreError
from bridge.interfaces import Inbox, Privacy
from bridge.model import (
    Edit,
    Event,
    Gathering,
    Health,
    Identity,
    Medium,
    Message,
    Outgoing,
    Reaction,
    Redaction,
    Room,
    RoomName,
    Speech,
    Unreadable,
)

NAME = "console"
ROOM = Room(NAME, "#room")

Extra = Callable[[str], Awaitable[str]]
"""A slash command of the demo's own: takes what stands behind it, gives what is to be shown."""

_ASKS = re.compile("✅|❌ here")
"""Stands in what the bot says where a reaction means something."""
HELP = """\
/dm  /room        talk to the bot alone, or in the room        /as NAME   be somebody else
/edit TEXT        change your last message                     /redact    delete your last message
/react ✅ or ❌    react to the bot's last question             /reply TEXT  answer your last message
/picture NAME     show a picture; /picture cat !tweet hello shows it with that caption, /picture cat,dog !tweet hello
                  shows two. A NAME is a word: they are drawn, no files are read
a line that ends in \\ goes on in the next one, as in a thread
/open  /close     let anybody into the room, or only invited   /leave     leave the room     /quit  end"""

_SIDE = 64
"""Pixels: the pictures of the demo are small squares of one colour, each name its own."""


class ConsoleNetwork:
    """The network. ``lines`` is what the person types; ``show`` prints; ``extras`` are more slash commands,
    each with its line of the help.
    """

    name = NAME

    def __init__(
        self,
        lines: AsyncIterator[str],
        show: Callable[[str], None],
        *,
        person: str = "ana",
        extras: Mapping[str, tuple[str, Extra]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._lines = lines
        self._show = show
        self._person = person
        self._extras = extras or {}
        self._clock = clock
        self._direct = True
        self._count = 0
        self._said: dict[str, str] = {}  # the key of each outgoing, and the id that it got
        self._texts: dict[str, str] = {}
        self._messages: dict[str, Message] = {}
        self._last_bot: dict[Room, str] = {}
        self._asked: dict[Room, bool] = {}
        self._last_own: dict[tuple[Room, str], str] = {}
        self._inside: set[Identity] = set()
        self._closed = True

    # ------------------------------------------------------------ what the person does

    @property
    def _identity(self) -> Identity:
        return Identity(NAME, self._person)

    @property
    def _room(self) -> Room:
        return Room(NAME, f"dm:{self._person}") if self._direct else ROOM

    def where(self) -> str:
        """The prompt: who speaks where."""
        return f"{self._person} in {'the DM' if self._direct else 'the room'}> "

    async def run(self, inbox: Inbox) -> None:
        """Take lines until they end or the person quits."""
        async for line in self._lines:
            text = line.rstrip("\r\n")
            if text.strip() in ("/quit", "/exit"):
                return
            if not text.strip():
                continue
            before = frozenset(self._inside), self._closed
            event = await self._slash(text) if text.startswith("/") else self._message(text)
            if event is None:
                continue
            events = [*self._entered(event), event]
            try:
                await inbox.deliver(events)
            except StoreError as error:
                self._inside, self._closed = set(before[0]), before[1]
                self._show(f"  ! {error}; say it again")

    def _entered(self, event: Event) -> list[Event]:
        """Who speaks in the room for the first time has come into it."""
        if event.room != ROOM or self._identity in self._inside or isinstance(event, Gathering):
            return []
        self._inside.add(self._identity)
        return [self._gathering()]

    def _gathering(self) -> Gathering:
        return Gathering(self._next(), ROOM, frozenset(self._inside), self._closed)

    def _next(self) -> str:
        self._count += 1
        return f"c{self._count}"

    def _message(self, text: str, *, pictures: Sequence[str] = (), reply_to: str | None = None) -> Message:
        message = Message(
            self._next(), self._room, self._identity, text, self._clock(), direct=self._direct, reply_to=reply_to
        )
        media = [
            Medium(f"console:{name}", "image/png", name=f"{name}.png", message_id=message.id, room=message.room.id)
            for name in pictures
        ]
        message = replace(message, media=tuple(media))
        self._last_own[self._room, self._person] = message.id
        self._remember(message.id, text or ", ".join(pictures))
        self._messages[message.id] = message
        return message

    def _remember(self, event_id: str, text: str) -> None:
        self._texts[event_id] = " ".join(text.split())[:40]

    async def _slash(self, line: str) -> Event | None:
        verb, _, rest = line[1:].partition(" ")
        if verb in self._extras:
            self._show(await self._extras[verb][1](rest.strip()))
        elif verb in ("dm", "room"):
            self._direct = verb == "dm"
        elif verb == "as" and rest.strip().isidentifier():
            self._person = rest.strip().lower()
        elif verb in ("leave", "open", "close"):
            return self._move(verb)
        elif verb in ("edit", "redact", "react", "reply"):
            return self._act(verb, rest)
        elif verb == "picture" and all(name.isidentifier() for name in rest.partition(" ")[0].split(",")):
            names, *caption = rest.split(maxsplit=1)
            return self._message("".join(caption), pictures=names.split(","))
        else:
            said = [] if verb in ("help", "as", "picture") else [f"  ! there is no /{verb}. These are there:"]
            self._show("\n".join([*said, HELP, *(line for line, _ in self._extras.values())]))
        return None

    def _move(self, verb: str) -> Event:
        if verb == "leave":
            self._inside.discard(self._identity)
            self._direct = True
        else:
            self._closed = verb == "close"
        return self._gathering()

    def _act(self, verb: str, rest: str) -> Event | None:
        own = self._last_own.get((self._room, self._person))
        target = self._last_bot.get(self._room) if verb == "react" else own
        if target is None:
            self._show(f"  ! there is nothing to {verb} here")
            return None
        now = self._clock()
        if verb in ("edit", "redact"):
            did = "changes" if verb == "edit" else "removes"
            self._show(f"  {self._person} {did} “{self._texts.get(target, '')}”")
        if verb == "edit":
            return Edit(self._next(), self._room, self._identity, target, rest, now, direct=self._direct)
        if verb == "redact":
            return Redaction(self._next(), self._room, self._identity, target, now)
        if verb == "reply":
            return self._message(rest, reply_to=target)
        key = rest.strip() or "✅"
        self._show(f"  {self._person} reacts {key} to “{self._texts.get(target, '')}”")
        return Reaction(self._next(), self._room, self._identity, target, key, now)

    # ------------------------------------------------------------ what the bot does

    async def send(self, outgoing: Outgoing) -> str:
        """Print it. The same key again prints nothing."""
        if outgoing.key in self._said:
            return self._said[outgoing.key]
        event_id = self._said[outgoing.key] = self._next()
        about = self._texts.get(outgoing.target or "", "")
        place = "room" if outgoing.room == ROOM else f"DM with {outgoing.room.id.removeprefix('dm:')}"
        asks = _ASKS.search(outgoing.body) is not None
        if outgoing.speech is Speech.TEXT:
            if asks or not self._asked.get(outgoing.room):
                self._last_bot[outgoing.room] = event_id
                self._asked[outgoing.room] = asks
            self._remember(event_id, outgoing.body)
            body = outgoing.body.replace("\n", "\n          ")
            self._show(f"  kantter ({place}): {body}")
        elif outgoing.speech is Speech.MEDIA:
            self._remember(event_id, outgoing.body)
            self._show(f"  kantter ({place}) shows the picture {outgoing.body}")
        elif outgoing.speech is Speech.EDIT:
            if outgoing.target is not None:
                self._remember(outgoing.target, outgoing.body)
                if outgoing.target == self._last_bot.get(outgoing.room):
                    self._asked[outgoing.room] = asks
            body = outgoing.body.replace("\n", "\n          ")
            self._show(f"  kantter ({place}) edited “{about}”: {body}")
        elif outgoing.speech is Speech.REACTION:
            self._remember(event_id, outgoing.body)
            self._show(f"  {outgoing.body}  on “{about}”")
        elif about and about != "⏳":
            self._show(f"  (kantter removed “{about}”)")
        return event_id

    async def privacy(self, room: Room, identity: Identity) -> Privacy:
        return Privacy.PRIVATE if room.id == f"dm:{identity.name}" else Privacy.SHARED

    async def open_dm(self, identity: Identity) -> Room:
        return Room(NAME, f"dm:{identity.name}")

    async def is_admin(self, room: Room, identity: Identity) -> bool:
        return True

    async def named(self, said: str) -> Identity | Room | None:
        if said == ROOM.id:
            return ROOM
        name = said.removeprefix("@").lower()
        return Identity(NAME, name) if name.isidentifier() else None

    async def room_name(self, room: Room) -> RoomName | None:
        return RoomName(alias=ROOM.id) if room == ROOM else None

    async def may_redact(self, room: Room) -> bool:
        return True

    async def message(self, room: Room, message_id: str) -> Message | Unreadable | None:
        said = self._messages.get(message_id)
        return said if said is not None and said.room == room else None

    async def said_after(
        self, room: Room, message_id: str, *, by: Identity, until: str
    ) -> Sequence[Message | Unreadable]:
        theirs = [said for said in self._messages.values() if said.room == room and said.sender == by]
        ids = [said.id for said in theirs]
        if message_id not in ids:
            return []
        end = ids.index(until) if until in ids else len(ids)
        return theirs[ids.index(message_id) + 1 : end]

    async def fetch(self, medium: Medium, into: Path, *, most: int) -> None:
        network, _, name = medium.source.partition(":")
        if network != NAME:
            raise ChatRefused("there is no such picture here")
        await asyncio.to_thread(_paint, name, into)

    async def upload(self, file: Path, medium: Medium, *, encrypted: bool) -> Medium:
        return medium  # its name is all there is to a picture here

    def health(self) -> Health:
        return Health(ok=True)

    async def close(self) -> None:
        """Nothing is held."""


def _paint(name: str, into: Path) -> None:
    into.touch(0o600, exist_ok=False)
    colour = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:6]
    Image.new("RGB", (_SIDE, _SIDE), f"#{colour}").save(into, "PNG")


async def typed(read: Callable[[], str]) -> AsyncIterator[str]:
    """Lines from a blocking ``read`` (such as ``sys.stdin.readline``), each read in a thread of its own that does not
    hold up the end of the program; a line that ends in a backslash goes on in the next.
    """
    held = ""
    while line := await _in_daemon(read):
        if line.endswith("\\\n"):
            held += line[:-2] + "\n"
            continue
        yield held + line
        held = ""


async def _in_daemon(read: Callable[[], str]) -> str:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str] = loop.create_future()

    def settle(line: str) -> None:
        if not done.done():
            done.set_result(line)

    def work() -> None:
        line = read()
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, line)

    threading.Thread(target=work, daemon=True).start()
    return await done
