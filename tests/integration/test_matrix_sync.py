"""Nothing lost, nothing twice: crashes, gaps, full disks, dead tokens and absent homeservers, on a real Synapse."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from peewee import DatabaseError  # nio's database

from bridge.errors import ChatUnreachable, ConfigError, StoreError
from bridge.model import Identity, Message, Unreadable
from tests.integration.matrix_scene import Bot, Scene
from tests.patience import until
from tests.synapse import Synapse

pytestmark = pytest.mark.homeserver


@pytest.fixture
async def own_scene(own_homeserver: Synapse, tmp_path: Path) -> AsyncIterator[Scene]:
    made = Scene(own_homeserver, tmp_path)
    yield made
    await made.close()


@pytest.mark.parametrize("encrypted", [True, False])
async def test_a_crash_in_the_middle_of_a_delivery_loses_nothing(scene: Scene, encrypted: bool) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana, encrypted=encrypted)
    await ana.say(room, "!tweet 0")
    await bot.inbox.until_text("!tweet 0")
    before = await bot.bookmark()
    bot.inbox.stall = True
    for number in (1, 2, 3):
        await ana.say(room, f"!tweet {number}")
    await bot.inbox.until(lambda: any(events for events, _ in bot.inbox.deliveries[1:]))
    assert await bot.bookmark() == before
    await bot.restart()
    await bot.inbox.until_text("!tweet 3")
    assert bot.inbox.texts() == ["!tweet 1", "!tweet 2", "!tweet 3"]
    await bot.restart()
    await ana.say(room, "!tweet 4")
    await bot.inbox.until_text("!tweet 4")
    assert bot.inbox.texts() == ["!tweet 4"]


async def test_what_the_store_refuses_is_delivered_again_before_anything_else(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    await ana.say(room, "!tweet 0")
    await bot.inbox.until_text("!tweet 0")
    bot.inbox.deliveries.clear()
    bot.inbox.failures += [StoreError("disk full"), StoreError("disk full")]
    await ana.say(room, "!tweet 1")
    await bot.inbox.until(lambda: not bot.inbox.failures)
    await ana.say(room, "!tweet 2")
    await bot.inbox.until_text("!tweet 2")
    assert bot.inbox.texts() == ["!tweet 0", "!tweet 1", "!tweet 2"]
    first, second, third = bot.inbox.deliveries[:3]
    assert first == second == third
    await until(lambda: bot.network.health().ok)


@pytest.mark.parametrize("encrypted", [True, False])
async def test_a_gap_of_sixty_is_paged_back_in_order(scene: Scene, encrypted: bool) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana, encrypted=encrypted)
    await ana.say(room, "!tweet first")
    await bot.inbox.until_text("!tweet first")
    await bot.stop()
    for number in range(130):  # more than a sync answer and a page hold
        await ana.say(room, f"!tweet {number}")
    await bot.start()
    await bot.inbox.until_text("!tweet 129")
    assert bot.inbox.texts() == [f"!tweet {number}" for number in range(130)]


async def test_more_keys_than_a_sync_answer_holds_are_all_there_before_the_messages(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    await bot.stop()
    for number in range(120):
        ana.client.invalidate_outbound_session(room)
        await ana.say(room, f"!tweet {number}")
    await bot.start()
    await bot.inbox.until(lambda: len(bot.inbox.heard) >= 120)
    assert bot.inbox.kind(Unreadable) == []
    assert bot.inbox.texts() == [f"!tweet {number}" for number in range(120)]


async def test_one_time_keys_that_are_used_up_are_replaced(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    path = "/_matrix/client/v3/keys/claim"
    device = bot.network._client.device_id  # type: ignore[union-attr]  # it is running
    for _ in range(50):
        await ana.call("POST", path, {"one_time_keys": {bot.user_id: {device: "signed_curve25519"}}})
    await scene.room(bot, ana)  # something that wakes the sync

    async def full_again() -> bool:
        client: Any = bot.network._client
        return bool(client.olm.uploaded_key_count == client.olm.account.max_one_time_keys)

    await until(full_again, within=15)


async def test_a_dead_token_stops_with_a_clear_message(scene: Scene) -> None:
    bot = await scene.bot()
    client: Any = bot.network._client
    there = await scene.person(user_id=bot.user_id)
    started = time.process_time()
    await there.client.delete_devices([client.device_id])
    auth = {"type": "m.login.password", "password": "correct horse"}
    auth |= {"identifier": {"type": "m.id.user", "user": bot.user_id}}  # type: ignore[dict-item]  # JSON
    await there.client.delete_devices([client.device_id], auth)
    error = await bot.ended()
    assert isinstance(error, ConfigError)
    assert "access token" in str(error)
    with pytest.raises(ChatUnreachable):  # those who speak are told to come again, not what is wrong with the token
        await bot.network.open_dm(Identity("matrix", "@ana:kantter.test"))
    assert time.process_time() - started < 5


async def test_an_absent_homeserver_is_waited_for(own_scene: Scene) -> None:
    bot, ana = await own_scene.bot(), await own_scene.person()
    room = await own_scene.room(bot, ana)
    await ana.say(room, "!tweet before")
    await bot.inbox.until_text("!tweet before")
    await asyncio.to_thread(own_scene.homeserver.stop)
    await until(lambda: not bot.network.health().ok, within=20)
    with pytest.raises(ChatUnreachable):
        await bot.say(room, "later", key="k")
    await asyncio.to_thread(own_scene.homeserver.resume)
    await ana.say(room, "!tweet after")
    await bot.inbox.until_text("!tweet after", within=40)
    await bot.say(room, "later", key="k")
    assert await ana.notices(room, bot.user_id) == ["later"]
    await until(lambda: bot.network.health().ok, within=20)


async def test_a_start_without_a_homeserver_waits_too(own_scene: Scene) -> None:
    bot = await own_scene.bot(start=False)
    await asyncio.to_thread(own_scene.homeserver.stop)
    await bot.start(ready=False)
    await until(lambda: "connect" in bot.network.health().reason, within=10)
    with pytest.raises(ChatUnreachable):
        await bot.say("!nowhere", "hello")
    await asyncio.to_thread(own_scene.homeserver.resume)
    await bot.until_ready(within=40)


async def test_people_who_write_while_the_bot_is_being_restarted_are_all_heard_once(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    heard: list[str] = []

    async def write() -> None:
        for number in range(60):
            await ana.say(room, f"!tweet {number}")

    writing = asyncio.create_task(write())
    for _ in range(3):
        count = len(bot.inbox.texts())
        await bot.inbox.until(lambda count=count: len(bot.inbox.texts()) > count)  # type: ignore[misc]  # binds the loop's value
        await bot.stop()
        heard += bot.inbox.texts()
        await bot.start()
    await writing
    await bot.inbox.until(lambda: "!tweet 59" in bot.inbox.texts())
    assert heard + bot.inbox.texts() == [f"!tweet {number}" for number in range(60)]


async def test_an_event_that_breaks_our_own_code_holds_up_no_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    timeline: Any = bot.network._session.sync._timeline  # type: ignore[union-attr]  # it is running
    whole = timeline._read

    async def broken(room_id: str, raw: Any) -> Any:
        event = await whole(room_id, raw)
        if isinstance(event, Message) and event.text == "!tweet poison":
            raise LookupError
        return event

    monkeypatch.setattr(timeline, "_read", broken)
    for text in ("!tweet 1", "!tweet poison", "!tweet 2"):
        await ana.say(room, text)
    await bot.inbox.until_text("!tweet 2")
    assert bot.inbox.texts() == ["!tweet 1", "!tweet 2"]


async def test_to_device_rubbish_does_not_hold_up_keys(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    client: Any = bot.network._client
    key = client.olm.account.identity_keys["curve25519"]
    olm = {"algorithm": "m.olm.v1.curve25519-aes-sha2", "sender_key": key}
    for content in ({}, {"algorithm": 1}, *(olm | {"ciphertext": {key: {"type": t, "body": b}}}
                                            for t in (0, 1, "x") for b in ("AAAA", "%", 5))):  # fmt: skip
        body = {"messages": {bot.user_id: {"*": content}}}
        await ana.call("PUT", f"/_matrix/client/v3/sendToDevice/m.room.encrypted/{uuid.uuid4().hex}", body)
    await ana.say(room, "!tweet good")
    await bot.inbox.until_text("!tweet good")


async def test_closing_leaves_the_device_and_its_keys_at_the_homeserver(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    client: Any = bot.network._client
    device = client.device_id
    await bot.stop()
    keys = await ana.call("POST", "/_matrix/client/v3/keys/query", {"device_keys": {bot.user_id: []}})
    assert device in keys["device_keys"][bot.user_id]
    again: Bot = await bot.start()
    client = again.network._client
    assert client.device_id == device


async def test_a_key_that_did_not_reach_the_disk_is_heard_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    await ana.say(room, "!tweet 1")
    await bot.inbox.until_text("!tweet 1")
    first: Any = bot.network._client

    def full(_session: object) -> None:
        raise DatabaseError("database or disk is full")

    monkeypatch.setattr(first.store, "save_inbound_group_session", full)
    ana.client.invalidate_outbound_session(room)
    await ana.say(room, "!tweet 2")
    await bot.inbox.until_text("!tweet 2")
    assert bot.network._client is not first
    assert bot.inbox.texts() == ["!tweet 1", "!tweet 2"]
    await bot.stop()
    await ana.say(room, "!tweet 3")  # in the same session: its key must have come to the disk
    await bot.start()
    await bot.inbox.until_text("!tweet 3")
    assert bot.inbox.kind(Unreadable) == []


async def test_an_answer_that_could_not_be_read_to_its_end_is_read_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    await ana.say(room, "!tweet 1")
    await bot.inbox.until_text("!tweet 1")
    timeline: Any = bot.network._session.sync._timeline  # type: ignore[union-attr]  # it is running
    trust, failures = timeline._trust, [ChatUnreachable("cut"), StoreError("locked")]
    whole = trust.problem

    async def cut(*args: Any, **more: Any) -> Any:
        if failures:
            raise failures.pop(0)
        return await whole(*args, **more)

    monkeypatch.setattr(trust, "problem", cut)
    await ana.send_raw(room, "m.room.message", {"msgtype": "m.text", "body": "!tweet plain"})
    await ana.say(room, "!tweet 2")
    await bot.inbox.until_text("!tweet 2")
    assert not failures
    assert bot.inbox.texts() == ["!tweet 1", "!tweet 2"]
    assert len(bot.inbox.kind(Unreadable)) == 1
