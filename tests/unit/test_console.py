"""The console network: what a person types becomes events, and a repeated answer is printed once."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.chat.console import ROOM, ConsoleNetwork, typed
from bridge.errors import ChatRefused, StoreError
from bridge.interfaces import Privacy
from bridge.model import Edit, Event, Gathering, Identity, Message, Outgoing, Reaction, Redaction, Room, Speech

ANA_DM = Room("console", "dm:ana")


class Heard:
    """An inbox that keeps what it gets, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.events: list[Event] = []
        self._failures = failures

    async def deliver(self, events: Sequence[Event], bookmark: str | None = None) -> None:
        if self._failures:
            self._failures -= 1
            raise StoreError("the database refused: disk full")
        self.events.extend(events)


async def lines(*text: str) -> AsyncIterator[str]:
    for line in text:
        yield line + "\n"


async def play(*text: str, failures: int = 0) -> tuple[list[Event], list[str]]:
    heard, shown = Heard(failures), list[str]()
    await ConsoleNetwork(lines(*text), shown.append, clock=lambda: 7.0).run(heard)
    return heard.events, shown


async def test_a_line_is_a_message_where_the_person_stands() -> None:
    events, _ = await play("!link", "", "/room", "/as ben", "!tweet hi  ", "/dm", "hello", "/quit", "never")
    said = [(e.room, e.sender.name, e.text, e.direct) for e in events if isinstance(e, Message)]
    assert said == [
        (ANA_DM, "ana", "!link", True),
        (ROOM, "ben", "!tweet hi  ", False),
        (Room("console", "dm:ben"), "ben", "hello", True),
    ]


async def test_edit_redact_and_react_name_the_right_message() -> None:
    heard, shown = Heard(), list[str]()

    async def session() -> AsyncIterator[str]:
        yield "/react ✅\n"
        yield "!tweet one\n"
        await network.send(Outgoing("k1", ANA_DM, Speech.TEXT, "a question"))
        yield "/edit !tweet two\n"
        yield "/react ❌\n"
        yield "/redact\n"

    network = ConsoleNetwork(session(), shown.append)
    await network.run(heard)
    message, edit, reaction, redaction = heard.events
    assert isinstance(message, Message)
    assert isinstance(edit, Edit)
    assert isinstance(reaction, Reaction)
    assert isinstance(redaction, Redaction)
    assert edit.target == redaction.target == message.id
    assert (edit.text, reaction.key) == ("!tweet two", "❌")
    assert reaction.target not in (message.id, "")
    assert "nothing to react" in shown[0]


async def test_the_same_key_is_said_once() -> None:
    shown: list[str] = []
    network = ConsoleNetwork(lines(), shown.append)
    outgoing = Outgoing("k1", ROOM, Speech.TEXT, "Posted as @acme")
    assert await network.send(outgoing) == await network.send(outgoing)
    assert shown == ["  kantter (room): Posted as @acme"]


async def test_a_store_that_refuses_is_said_and_the_next_line_goes_on() -> None:
    events, shown = await play("one", "two", failures=1)
    assert [e.text for e in events if isinstance(e, Message)] == ["two"]
    assert "disk full" in shown[0]


async def test_only_its_own_dm_is_private_to_a_person() -> None:
    network = ConsoleNetwork(lines(), print)
    assert await network.privacy(ANA_DM, Identity("console", "ana")) is Privacy.PRIVATE
    assert await network.privacy(ANA_DM, Identity("console", "ben")) is Privacy.SHARED
    assert await network.privacy(ROOM, Identity("console", "ana")) is Privacy.SHARED


async def test_an_unknown_slash_command_shows_the_help() -> None:
    _, shown = await play("/nonsense", "/as not-a-name")
    assert all("/redact" in text for text in shown)
    assert len(shown) == 2
    assert ["no /nonsense" in text for text in shown] == [True, False]


async def test_the_help_says_what_each_more_command_does() -> None:
    async def approve(said: str) -> str:
        return f"as {said}"

    shown = list[str]()
    extras = {"approve": ("/approve NAME   let it in", approve)}
    await ConsoleNetwork(lines("/approve acme", "/help"), shown.append, extras=extras).run(Heard())
    assert shown[0] == "as acme"
    assert shown[1].endswith("/approve NAME   let it in")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (["a\n", ""], ["a\n"]),
        (["a\\\n", "b\n", ""], ["a\nb\n"]),
        ([""], []),
        (["last without end", ""], ["last without end"]),
    ],
)
async def test_lines_are_read_until_the_end_and_a_backslash_continues(raw: list[str], expected: list[str]) -> None:
    source = iter(raw)
    assert [line async for line in typed(lambda: next(source))] == expected


async def test_who_speaks_in_the_room_is_in_it_until_they_leave() -> None:
    ana, ben = Identity("console", "ana"), Identity("console", "ben")
    events, _ = await play("/room", "hello", "more", "/as ben", "hello", "/open", "/close", "/leave")
    told = [(event.members, event.closed) for event in events if isinstance(event, Gathering)]
    both = frozenset({ana, ben})
    assert told == [(frozenset({ana}), True), (both, True), (both, False), (both, True), (frozenset({ana}), True)]


async def test_a_gathering_that_was_not_recorded_is_told_again() -> None:
    events, _ = await play("/room", "hello", "again", failures=1)
    assert [type(event) for event in events] == [Gathering, Message]


async def test_an_edit_is_printed_with_what_it_replaces() -> None:
    shown = list[str]()
    network = ConsoleNetwork(lines(), shown.append)
    said = await network.send(Outgoing("k1", ROOM, Speech.TEXT, "waits"))
    for _ in range(2):
        await network.send(Outgoing("k2", ROOM, Speech.EDIT, "posted", target=said))
    assert shown == ["  kantter (room): waits", "  kantter (room) edited “waits”: posted"]


async def test_people_and_the_room_have_names() -> None:
    network = ConsoleNetwork(lines(), print)
    assert await network.named("@Ben") == Identity("console", "ben")
    assert await network.named("#room") == ROOM
    assert await network.named("a b") is None


async def test_what_was_said_is_found_again_in_its_order() -> None:
    network = ConsoleNetwork(lines("/room", "one", "/as ben", "two", "/as ana", "three", "/dm", "four"), print)
    await network.run(Heard())
    ana = Identity("console", "ana")
    said = {message.text: message.id for message in network._messages.values()}
    found = await network.message(ROOM, said["one"])
    assert isinstance(found, Message)
    assert found.text == "one"
    assert await network.message(ANA_DM, said["one"]) is None
    after = await network.said_after(ROOM, said["one"], by=ana, until="c99")
    assert [one.id for one in after] == [said["three"]]
    assert await network.said_after(ROOM, said["one"], by=ana, until=said["three"]) == []
    assert await network.said_after(ROOM, said["one"], by=Identity("console", "ben"), until="c99") == []
    assert await network.said_after(ANA_DM, said["one"], by=ana, until="c99") == []


async def test_a_picture_has_a_caption_and_can_be_answered(tmp_path: Path) -> None:
    events, shown = await play("/picture cat !tweet Look\nalt: A cat", "/picture dog", "/reply !tweet", "/picture")
    captioned, bare, reply = (event for event in events if isinstance(event, Message))
    assert (captioned.text, [one.name for one in captioned.media]) == ("!tweet Look\nalt: A cat", ["cat.png"])
    assert (bare.text, [one.name for one in bare.media]) == ("", ["dog.png"])
    assert (reply.text, reply.reply_to, reply.media) == ("!tweet", bare.id, ())
    assert "/picture NAME" in shown[-1]
    network = ConsoleNetwork(lines(), print)
    await network.fetch(bare.media[0], tmp_path / "dog", most=1 << 20)
    assert (tmp_path / "dog").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "dog").stat().st_mode & 0o077 == 0
    copy = await network.upload(tmp_path / "dog", bare.media[0], encrypted=False)
    shown.clear()
    network = ConsoleNetwork(lines(), shown.append)
    for _ in range(2):
        await network.send(Outgoing("k1", ROOM, Speech.MEDIA, copy.name, medium=copy))
    await network.send(Outgoing("k2", ROOM, Speech.REDACTION, "", target="c1"))
    assert shown == ["  kantter (room) shows the picture dog.png", "  (kantter removed “dog.png”)"]
    with pytest.raises(ChatRefused):
        await network.fetch(replace(bare.media[0], source="/etc/passwd"), tmp_path / "other", most=1 << 20)


async def test_several_pictures_have_one_caption() -> None:
    (said,), _ = await play("/picture cat,dog !tweet Both")
    assert isinstance(said, Message)
    assert (said.text, [one.name for one in said.media]) == ("!tweet Both", ["cat.png", "dog.png"])


async def test_the_name_of_a_picture_is_a_word_and_no_file() -> None:
    events, shown = await play("/picture cat.gif !tweet Look", "/picture /tmp/red.png")
    assert events == []
    assert sum("no files are read" in line for line in shown) == 2
