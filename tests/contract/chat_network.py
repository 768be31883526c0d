"""What every ChatNetwork promises, as a suite. Subclass it and give a ``stage``: see ``test_chat_network``."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import ChatError, ChatRefused, StoreError
from bridge.interfaces import ChatNetwork, Privacy
from bridge.model import Event, Gathering, Identity, Medium, Message, Outgoing, Room, RoomName, Speech
from tests.patience import until


@dataclass
class Stage:
    """A network that runs, and people on it.

    ``person`` governs ``room``, in which ``other`` is too; the bot is not in ``elsewhere``. ``say`` lets ``person``
    say a text in ``room`` and gives its id; ``visible`` lists what the bot said in ``room`` and what still stands of
    its reactions. ``heard`` is what the inbox recorded; ``refusals`` are raised by its next deliveries. ``move`` lets
    ``other`` come into ``room`` or leave it, ``close`` makes it invite-only or opens it to everybody, ``call``
    gives it a name.
    """

    network: ChatNetwork
    room: Room
    elsewhere: Room
    person: Identity
    other: Identity
    say: Callable[[str], Awaitable[str]]
    visible: Callable[[], Awaitable[list[str]]]
    heard: list[Event]
    refusals: list[Exception]
    move: Callable[[bool], Awaitable[None]]
    close: Callable[[bool], Awaitable[None]]
    call: Callable[[str], Awaitable[None]]
    gatherings: Callable[[], list[Gathering]]

    async def until_gathered(self, *members: Identity, closed: bool = True) -> None:
        """Wait until the last that was told of ``room`` is that. Of an open room, members are not looked at."""
        async with asyncio.timeout(20):
            while True:
                told = [gathering for gathering in self.gatherings() if gathering.room == self.room]
                if told and told[-1].closed is closed and (not closed or told[-1].members == frozenset(members)):
                    return
                await asyncio.sleep(0.01)

    async def until_heard(self, text: str) -> Message:
        """Wait for that text."""
        async with asyncio.timeout(20):
            while True:
                for event in self.heard:
                    if isinstance(event, Message) and event.text == text:
                        return event
                await asyncio.sleep(0.01)


async def _is_called(stage: Stage, name: str) -> bool:
    return await stage.network.room_name(stage.room) == RoomName(name)


class ChatNetworkContract:
    """The promises of ``bridge.interfaces.ChatNetwork``."""

    @pytest.fixture
    async def stage(self) -> Any:
        raise NotImplementedError

    async def test_it_is_healthy_and_has_a_name(self, stage: Stage) -> None:
        assert stage.network.name == stage.room.network == stage.person.network
        assert stage.network.health().ok

    async def test_what_a_person_says_is_delivered_with_who_and_where(self, stage: Stage) -> None:
        said = await stage.say("!tweet hello\nworld")
        heard = await stage.until_heard("!tweet hello\nworld")
        assert (heard.id, heard.room, heard.sender) == (said, stage.room, stage.person)

    async def test_a_delivery_that_was_not_recorded_comes_again(self, stage: Stage) -> None:
        stage.refusals.append(StoreError("disk full"))
        await stage.say("!tweet once")
        await stage.until_heard("!tweet once")
        assert not stage.refusals

    async def test_messages_keep_their_order(self, stage: Stage) -> None:
        for number in range(5):
            await stage.say(f"!tweet {number}")
        await stage.until_heard("!tweet 4")
        texts = [event.text for event in stage.heard if isinstance(event, Message)]
        assert texts == [f"!tweet {number}" for number in range(5)]

    async def test_the_same_key_is_the_same_event(self, stage: Stage) -> None:
        once = await stage.network.send(Outgoing("k1", stage.room, Speech.TEXT, "hello"))
        again = await stage.network.send(Outgoing("k1", stage.room, Speech.TEXT, "hello"))
        other = await stage.network.send(Outgoing("k2", stage.room, Speech.TEXT, "hello"))
        assert once == again != other
        assert await stage.visible() == ["hello", "hello"]

    async def test_a_reaction_that_was_redacted_is_gone(self, stage: Stage) -> None:
        said = await stage.say("!tweet a")
        await stage.until_heard("!tweet a")
        waiting = await stage.network.send(Outgoing("k1", stage.room, Speech.REACTION, "⏳", target=said))
        await stage.network.send(Outgoing("k2", stage.room, Speech.REDACTION, "", target=waiting))
        await stage.network.send(Outgoing("k3", stage.room, Speech.REACTION, "✅", target=said))
        assert await stage.visible() == ["✅"]

    async def test_a_room_that_the_bot_is_not_in_refuses(self, stage: Stage) -> None:
        with pytest.raises(ChatRefused):
            await stage.network.send(Outgoing("k1", stage.elsewhere, Speech.TEXT, "hello"))

    async def test_an_edit_takes_the_place_of_what_was_said(self, stage: Stage) -> None:
        said = await stage.network.send(Outgoing("k1", stage.room, Speech.TEXT, "waits"))
        once = await stage.network.send(Outgoing("k2", stage.room, Speech.EDIT, "approved", target=said))
        again = await stage.network.send(Outgoing("k2", stage.room, Speech.EDIT, "approved", target=said))
        assert once == again != said
        assert await stage.visible() == ["approved"]
        await stage.network.send(Outgoing("k3", stage.room, Speech.EDIT, "sent", target=said))
        assert await stage.visible() == ["sent"]

    async def test_who_is_in_a_room_is_told_whenever_it_changes(self, stage: Stage) -> None:
        await stage.move(False)
        await stage.until_gathered(stage.person)
        await stage.move(True)
        await stage.until_gathered(stage.person, stage.other)

    async def test_a_room_that_opens_is_told(self, stage: Stage) -> None:
        await stage.close(False)
        await stage.until_gathered(closed=False)
        await stage.close(True)
        await stage.until_gathered(stage.person, stage.other)

    async def test_people_and_rooms_are_found_by_their_names(self, stage: Stage) -> None:
        assert await stage.network.named(stage.other.name) == stage.other
        assert await stage.network.named(stage.room.id) == stage.room
        assert await stage.network.named("") is None
        assert await stage.network.named("no body") is None

    async def test_a_room_is_called_as_its_people_call_it(self, stage: Stage) -> None:
        assert await stage.network.room_name(stage.room) is None
        await stage.call("Press")
        await until(lambda: _is_called(stage, "Press"))
        assert await stage.network.room_name(stage.elsewhere) is None

    async def test_what_was_said_is_found_again_and_nothing_else(self, stage: Stage) -> None:
        message_id = await stage.say("once more, please")
        heard = await stage.until_heard("once more, please")
        found = await stage.network.message(stage.room, message_id)
        assert isinstance(found, Message)
        assert (found.id, found.room, found.sender, found.text) == (heard.id, heard.room, heard.sender, heard.text)
        assert await stage.network.message(stage.room, "$nothing") is None
        assert await stage.network.message(stage.elsewhere, message_id) is None

    async def test_what_somebody_said_between_is_told_in_order(self, stage: Stage) -> None:
        first, *_, last = [await stage.say(f"number {number}") for number in range(5)]
        await stage.until_heard("number 4")

        async def said(room: Room, after: str, by: Identity, until: str) -> list[str]:
            found = await stage.network.said_after(room, after, by=by, until=until)
            return [one.text for one in found if isinstance(one, Message) and (one.room, one.sender) == (room, by)]

        assert await said(stage.room, first, stage.person, last) == ["number 1", "number 2", "number 3"]
        assert await said(stage.room, first, stage.person, "$nothing") == [f"number {n}" for n in range(1, 5)]
        assert await said(stage.room, last, stage.person, first) == []
        assert await said(stage.room, first, stage.other, last) == []
        assert await said(stage.room, "$nothing", stage.person, last) == []
        assert await said(stage.elsewhere, first, stage.person, last) == []

    async def test_a_file_that_is_not_there_is_refused(self, stage: Stage, tmp_path: Path) -> None:
        for source in ("mxc://example.org/nothing", "https://example.org/cat.png", "/etc/passwd"):
            with pytest.raises(ChatError):
                await stage.network.fetch(Medium(source, "image/png"), tmp_path / source.rpartition("/")[2], most=1000)

    @pytest.mark.parametrize("encrypted", [True, False])
    async def test_a_picture_is_put_there_shown_once_and_taken_away(
        self, stage: Stage, tmp_path: Path, encrypted: bool
    ) -> None:
        (tmp_path / "cat").write_bytes(b"a picture" * 20_000)
        medium = Medium("", "image/png", 180_000, "cat.png", width=20, height=10)
        copy = await stage.network.upload(tmp_path / "cat", medium, encrypted=encrypted)
        assert bool(copy.key) is encrypted
        assert (copy.mime, copy.size, copy.name, copy.width) == ("image/png", 180_000, "cat.png", 20)
        await stage.network.fetch(copy, tmp_path / "again", most=1 << 20)
        assert (tmp_path / "again").read_bytes() == (tmp_path / "cat").read_bytes()
        if not encrypted:  # the room is
            return
        shown = Outgoing("k1", stage.room, Speech.MEDIA, copy.name, medium=copy)
        once, again = await stage.network.send(shown), await stage.network.send(shown)
        assert once == again
        assert await stage.visible() == ["cat.png"]
        await stage.network.send(Outgoing("k2", stage.room, Speech.REDACTION, "", target=once))
        assert await stage.visible() == []

    async def test_a_room_of_three_is_shared(self, stage: Stage) -> None:
        assert await stage.network.privacy(stage.room, stage.person) is Privacy.SHARED

    async def test_a_dm_is_private_for_its_person_and_stays_the_same(self, stage: Stage) -> None:
        room = await stage.network.open_dm(stage.person)
        assert await stage.network.privacy(room, stage.person) is Privacy.PRIVATE
        assert await stage.network.privacy(room, stage.other) is Privacy.SHARED
        assert await stage.network.open_dm(stage.person) == room
        assert await stage.network.open_dm(stage.other) != room

    async def test_who_governs_is_told_apart(self, stage: Stage) -> None:
        assert await stage.network.is_admin(stage.room, stage.person)
        assert not await stage.network.is_admin(stage.room, stage.other)

    async def test_nothing_is_private_where_the_bot_cannot_look(self, stage: Stage) -> None:
        try:
            privacy = await stage.network.privacy(stage.elsewhere, stage.person)
        except ChatError:
            return
        assert privacy is Privacy.SHARED
