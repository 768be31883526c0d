"""Doors: who may ask the bot in, how often, and what a crash leaves to do."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from bridge.chat.matrix import doors as module
from bridge.chat.matrix.doors import Doors
from bridge.chat.matrix.events import Allowed
from bridge.errors import ChatRefused, ChatUnreachable
from bridge.model import RoomMoved
from bridge.store import Database
from tests.fakes.network import RecordingInbox
from tests.patience import until

BOT, ANA, EVE = "@kantter:example.org", "@ana:example.org", "@eve:evil.net"


class Homeserver:
    """Answers what doors ask: joins, create events, leaves. ``errors`` are raised by the next requests."""

    user_id = BOT

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.errors: list[Exception] = []
        self.predecessor: dict[str, Any] = {}

    async def call(self, _client: object, method: str, path: str, _body: object = None, **_: object) -> dict[str, Any]:
        self.asked.append(f"{method} {path.removeprefix('/_matrix/client/v3')}")
        if self.errors:
            raise self.errors.pop(0)
        return {"predecessor": self.predecessor}

    def joins(self) -> list[str]:
        return [path.split("/")[2].split("?")[0] for path in self.asked if path.startswith("POST /join/")]


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def invitation(sender: str) -> Mapping[str, Any]:
    member = {"type": "m.room.member", "state_key": BOT, "sender": sender, "content": {"membership": "invite"}}
    return {"invite_state": {"events": [{"type": "m.room.name"}, 7, member]}}


def tombstone(successor: object, **more: object) -> dict[str, Any]:
    content = {"replacement_room": successor}
    return {"event_id": "$t", "state_key": "", "sender": ANA, "content": content} | more


@pytest.fixture
async def store() -> AsyncIterator[Database]:
    database = await Database.open(":memory:")
    yield database
    await database.close()


@pytest.fixture
def homeserver(monkeypatch: pytest.MonkeyPatch) -> Homeserver:
    made = Homeserver()
    monkeypatch.setattr(module, "call", made.call)
    return made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def doors(store: Database, homeserver: Homeserver, clock: Clock) -> Doors:
    return build(store, homeserver, clock)


def build(store: Database, homeserver: Homeserver, clock: Clock, inbox: RecordingInbox | None = None) -> Doors:
    allowed = Allowed(["*:example.org"])
    return Doors(homeserver, inbox or RecordingInbox(), name="matrix", store=store, allowed=allowed, clock=clock)


async def test_strangers_are_turned_down_and_friends_let_in(doors: Doors, homeserver: Homeserver) -> None:
    running = asyncio.create_task(doors.run())
    broken: list[Mapping[str, Any]] = [{}, {"invite_state": 5}, invitation("")]
    await doors.note({"!a:x": invitation(ANA), "!e:x": invitation(EVE)} | {f"!b{n}": b for n, b in enumerate(broken)})
    await until(lambda: len(homeserver.asked) == 5)
    running.cancel()
    assert homeserver.joins() == ["%21a%3Ax"]
    assert sum(path.endswith("/leave") for path in homeserver.asked) == 4


async def test_a_flood_of_invitations_is_taken_slowly(doors: Doors, homeserver: Homeserver) -> None:
    running = asyncio.create_task(doors.run())
    await doors.note({f"!r{number}": invitation(ANA) for number in range(30)})
    await until(lambda: len(homeserver.joins()) == 20)
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(homeserver.joins()) == 20
    running.cancel()


async def test_what_was_noted_is_done_after_a_crash_and_then_forgotten(
    store: Database, doors: Doors, homeserver: Homeserver, clock: Clock
) -> None:
    await doors.note({"!a": invitation(ANA)})
    again = build(store, homeserver, clock)
    await again.load()
    running = asyncio.create_task(again.run())
    await until(lambda: homeserver.joins() == ["%21a"])
    await until(lambda: not again._doors)
    running.cancel()

    async def kept() -> bool:
        return await store.transact(lambda tx: tx.notes.get("matrix", "doors")) == b"[]"

    await until(kept)


async def test_a_room_that_cannot_be_joined_now_is_tried_again_later_or_never(
    doors: Doors, homeserver: Homeserver, clock: Clock
) -> None:
    homeserver.errors = [ChatUnreachable("502"), ChatRefused("404")]
    running = asyncio.create_task(doors.run())
    await doors.note({"!a": invitation(ANA)})
    await until(lambda: len(homeserver.joins()) == 1)
    clock.now += 10
    doors._rung.set()
    await until(lambda: not doors._doors)
    running.cancel()
    assert len(homeserver.joins()) == 2


async def test_an_upgrade_waits_for_its_invitation(store: Database, homeserver: Homeserver, clock: Clock) -> None:
    inbox = RecordingInbox()
    doors = build(store, homeserver, clock, inbox)
    homeserver.errors = [ChatRefused("403")]
    homeserver.predecessor = {"room_id": "!old"}
    running = asyncio.create_task(doors.run())
    await doors.moved("!old", tombstone("!new"))
    await until(lambda: len(homeserver.joins()) == 1)
    await until(lambda: doors._doors["!new"].tries == 1)
    assert inbox.events == []
    await doors.note({"!new": invitation(EVE)})  # whoever asks us in: the old room named the new one
    [moved] = await inbox.until(1)
    running.cancel()
    assert isinstance(moved, RoomMoved)
    assert (moved.id, moved.room.id, moved.successor.id) == ("$t", "!old", "!new")


@pytest.mark.parametrize("predecessor", [{}, {"room_id": "!other"}, {"room_id": ["!old"]}])
async def test_a_new_room_that_does_not_name_the_old_one_is_left(
    store: Database, homeserver: Homeserver, clock: Clock, predecessor: dict[str, Any]
) -> None:
    inbox = RecordingInbox()
    doors = build(store, homeserver, clock, inbox)
    homeserver.predecessor = predecessor
    running = asyncio.create_task(doors.run())
    await doors.moved("!old", tombstone("!new"))
    await until(lambda: not doors._doors and bool(homeserver.asked))
    running.cancel()
    assert homeserver.asked[-1].endswith("/leave")
    assert inbox.events == []


@pytest.mark.parametrize(
    "raw",
    [
        tombstone(5),
        tombstone(""),
        tombstone("!old"),
        tombstone("!new", state_key="x"),
        tombstone("!n", event_id=None),
        {},
    ],
)
async def test_malformed_tombstones_are_nothing(doors: Doors, raw: dict[str, Any]) -> None:
    await doors.moved("!old", raw)
    assert doors._doors == {}
