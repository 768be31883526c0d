"""A person at a chat client that listens all the time, so that a test can wait for what the bot says and does.

It knows Matrix and how the bot's answers look from outside; nothing of the product.
"""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from nio import (
    JoinResponse,
    MatrixRoom,
    MegolmEvent,
    ReactionEvent,
    RedactionEvent,
    RoomCreateResponse,
    RoomMessageNotice,
    RoomPreset,
    SyncResponse,
)

from tests.integration.matrix_scene import Person

ENCRYPTION = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
URL = re.compile(r"^https?://\S+$", re.MULTILINE)


@dataclass(frozen=True)
class Said:
    """A notice: where, under which event id, its words, and which message it replies to."""

    room: str
    id: str
    text: str
    reply_to: str | None


class Chatter:
    """One device of one person. What it heard since ``listen`` is in ``notices``, ``reactions`` and ``redacted``."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.user_id = person.user_id
        self.notices: list[Said] = []
        self.reactions: list[tuple[str, str, str]] = []
        """Event id, target, emoji; those by others."""
        self.redacted: list[tuple[str, str]] = []
        """Who, and which event."""
        self.unreadable: list[str] = []
        self._before: dict[str, int] = {}
        self._grew = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ listening

    async def listen(self) -> "Chatter":
        client = self.person.client
        client.add_event_callback(self._notice, RoomMessageNotice)
        client.add_event_callback(self._reaction, ReactionEvent)
        client.add_event_callback(self._redaction, RedactionEvent)
        client.add_event_callback(self._unread, MegolmEvent)
        self._task = asyncio.create_task(self._run())
        return self

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        client = self.person.client
        while True:
            try:
                answer = await client.sync(timeout=10_000)
            except (OSError, TimeoutError):
                answer = None
            if not isinstance(answer, SyncResponse):
                await asyncio.sleep(0.1)  # the homeserver is away for now
                continue
            await self._keys()
            for room_id in list(client.invited_rooms):
                if room_id not in client.rooms:
                    assert isinstance(await client.join(room_id), JoinResponse)
            async with self._grew:
                self._grew.notify_all()
            await asyncio.sleep(0.1)  # what comes in a burst comes in one answer

    async def _keys(self) -> None:
        client = self.person.client
        if client.should_upload_keys:
            await client.keys_upload()
        if client.should_query_keys:
            await client.keys_query()

    async def _notice(self, room: MatrixRoom, event: RoomMessageNotice) -> None:
        if event.sender != self.user_id and not any(said.id == event.event_id for said in self.notices):
            relation = event.source["content"].get("m.relates_to", {})
            reply_to = relation.get("m.in_reply_to", {}).get("event_id")
            self.notices.append(Said(room.room_id, event.event_id, event.body, reply_to))

    async def _reaction(self, _room: MatrixRoom, event: ReactionEvent) -> None:
        if event.sender != self.user_id:
            self.reactions.append((event.event_id, event.reacts_to, event.key))

    async def _redaction(self, _room: MatrixRoom, event: RedactionEvent) -> None:
        self.redacted.append((event.sender, event.redacts))

    async def _unread(self, _room: MatrixRoom, event: MegolmEvent) -> None:
        self.unreadable.append(event.event_id)

    async def until(self, true: Callable[[], bool], *, within: float = 15.0) -> None:
        """Wait until that holds, looked at after each sync. Raises TimeoutError."""
        async with asyncio.timeout(within), self._grew:
            await self._grew.wait_for(true)

    # ------------------------------------------------------------ rooms

    async def create(self, *invite: str, encrypted: bool = True, join: bool = True) -> str:
        """A new room; back when everybody invited is in it."""
        made = await self.person.client.room_create(
            invite=list(invite), initial_state=[ENCRYPTION] if encrypted else [], preset=RoomPreset.private_chat
        )
        assert isinstance(made, RoomCreateResponse), made
        room_id: str = made.room_id
        for user_id in invite if join else ():
            await self.until_in(room_id, user_id)
        return room_id

    async def invite(self, room_id: str, user_id: str) -> None:
        await self.person.client.room_invite(room_id, user_id)

    async def until_in(self, room_id: str, user_id: str) -> None:
        """Wait until that person is in that room, and this client knows their devices."""
        client = self.person.client

        def there() -> bool:
            room = client.rooms.get(room_id)
            member = None if room is None else room.users.get(user_id)
            return member is not None and not member.invited

        await self.until(there)
        await self._keys()

    async def membership(self, room_id: str, user_id: str, wanted: str) -> bool:
        """Whether the homeserver says that of that person in that room."""
        path = f"/_matrix/client/v3/rooms/{quote(room_id)}/state/m.room.member/{quote(user_id)}"
        return bool((await self.person.call("GET", path)).get("membership") == wanted)

    # ------------------------------------------------------------ talking

    async def until_known(self, room_id: str) -> None:
        """Wait until this person's own client knows the room: others see the join first."""
        await self.until(lambda: room_id in self.person.client.rooms)

    async def say(self, room_id: str, text: str, **content: object) -> str:
        """A text; the event's id."""
        await self.until_known(room_id)
        before = len(self.notices)
        event_id = await self.person.say(room_id, text, **content)
        self._before[event_id] = before
        return event_id

    async def react(self, room_id: str, target: str, key: str) -> str:
        relation = {"rel_type": "m.annotation", "event_id": target, "key": key}
        return await self.person.send_raw(room_id, "m.reaction", {"m.relates_to": relation})

    async def redact(self, room_id: str, event_id: str) -> None:
        await self.person.client.room_redact(room_id, event_id)

    async def edit(self, room_id: str, target: str, text: str) -> str:
        relation = {"rel_type": "m.replace", "event_id": target}
        new = {"msgtype": "m.text", "body": text}
        return await self.say(room_id, f"* {text}", **{"m.relates_to": relation, "m.new_content": new})

    # ------------------------------------------------------------ hearing

    def heard(self, pattern: str, *, room: str | None = None, reply_to: str | None = None) -> list[Said]:
        """The notices in which the pattern is found, oldest first.

        ``reply_to``: only those that answer this message of ours. Answers that share one message reply to none of
        theirs; those count when they came after it.
        """
        return [
            said
            for said in self.notices[self._before.get(reply_to or "", 0) :]
            if re.search(pattern, said.text, re.MULTILINE)
            and room in (None, said.room)
            and (reply_to is None or said.reply_to in (reply_to, None))
        ]

    async def until_heard(
        self,
        pattern: str,
        *,
        room: str | None = None,
        reply_to: str | None = None,
        count: int = 1,
        within: float = 15.0,
    ) -> Said:
        """Wait for so many notices with that pattern; the newest. Raises AssertionError with what was heard."""
        try:
            await self.until(lambda: len(self.heard(pattern, room=room, reply_to=reply_to)) >= count, within=within)
        except TimeoutError as error:
            heard = "\n".join(f"  {said.text!r}" for said in self.notices[-20:])
            blind = f"; could not read {self.unreadable}" if self.unreadable else ""
            raise AssertionError(f"{self.user_id} waited {within} s for {pattern!r}; heard:\n{heard}{blind}") from error
        return self.heard(pattern, room=room, reply_to=reply_to)[-1]

    def signs(self, target: str) -> list[str]:
        """The emoji that stand on a message now, in order."""
        gone = {event_id for _, event_id in self.redacted}
        return [key for event_id, on, key in self.reactions if on == target and event_id not in gone]

    async def until_signed(self, target: str, emoji: str, *, within: float = 15.0) -> None:
        """Wait until that emoji, and no other, stands on a message. Raises AssertionError with what stands there."""
        try:
            await self.until(lambda: self.signs(target) == [emoji], within=within)
        except TimeoutError as error:
            raise AssertionError(f"waited {within} s for {emoji}; there are {self.signs(target)}") from error

    def said_twice(self) -> list[str]:
        """Lines that were said to this person more than once, where each can only be right once: outcomes."""
        lines = Counter(
            line
            for said in self.notices
            for line in said.text.splitlines()
            if line.startswith(("Posted as", "Deleted @", "Linked @", "Undone"))
        )
        return [line for line, count in lines.items() if count > 1]
