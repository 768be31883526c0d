"""Invitations, kicks, upgrades, DMs and power, on a real homeserver."""

import asyncio
from typing import Any

import pytest

from bridge.errors import ChatRefused, ChatUnreachable
from bridge.interfaces import Privacy
from bridge.model import Identity, Outgoing, Room, RoomLost, RoomMoved, Speech
from tests.integration.matrix_scene import Person, Scene
from tests.patience import until

pytestmark = pytest.mark.homeserver


def who(person: Person) -> Identity:
    return Identity("matrix", person.user_id)


def where(room_id: str) -> Room:
    return Room("matrix", room_id)


# ---------------------------------------------------------------- in and out


async def test_only_those_whom_the_operator_named_can_invite(scene: Scene) -> None:
    ana, eve = await scene.person("ana"), await scene.person("eve")
    bot = await scene.bot(ana.user_id)
    refused = await eve.create(bot.user_id)
    await eve.until_in(refused, bot.user_id, membership="leave")
    taken = await ana.create(bot.user_id)
    await ana.until_in(taken, bot.user_id)
    assert bot.inbox.heard == []


async def test_an_invitation_that_came_while_the_bot_was_away_is_taken(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    await bot.stop()
    room = await ana.create(bot.user_id)
    await bot.start()
    await ana.until_in(room, bot.user_id)
    await ana.say(room, "!tweet a")
    await bot.inbox.until_text("!tweet a")


async def test_an_invitation_survives_a_crash_between_the_note_and_the_join(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, ana = await scene.bot(), await scene.person()
    doors: Any = bot.network._session.doors  # type: ignore[union-attr]  # it is running

    async def never(_door: object) -> None:
        raise ChatUnreachable("cut")

    monkeypatch.setattr(doors, "_enter", never)
    room = await ana.create(bot.user_id)
    await until(lambda: any(door.tries for door in doors._doors.values()), within=10)
    before = await bot.bookmark()
    await bot.inbox.until(lambda: bool(bot.inbox.deliveries))
    await bot.restart()
    assert before
    await ana.until_in(room, bot.user_id)


@pytest.mark.parametrize("way", ["kick", "ban", "kicked while away"])
async def test_a_kick_is_told(scene: Scene, way: str) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    await ana.say(room, "!tweet a")
    await bot.inbox.until_text("!tweet a")
    if way == "kicked while away":
        await bot.stop()
    call = ana.client.room_ban if way == "ban" else ana.client.room_kick
    await call(room, bot.user_id, "enough")
    if way == "kicked while away":
        await bot.start()
    await bot.inbox.until(lambda: bool(bot.inbox.kind(RoomLost)))
    assert [lost.room for lost in bot.inbox.kind(RoomLost)] == [where(room)]
    with pytest.raises(ChatRefused):
        await bot.say(room, "still there?")


@pytest.mark.parametrize("away", [False, True])
async def test_an_upgraded_room_is_followed(scene: Scene, away: bool) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana, room_version="11")
    await ana.say(room, "!tweet old")
    await bot.inbox.until_text("!tweet old")
    if away:
        await bot.stop()
    answer = await ana.call("POST", f"/_matrix/client/v3/rooms/{room}/upgrade", {"new_version": "12"})
    successor = answer["replacement_room"]
    if away:
        await bot.start()
    await ana.call("POST", f"/_matrix/client/v3/rooms/{successor}/invite", {"user_id": bot.user_id})
    await bot.inbox.until(lambda: bool(bot.inbox.kind(RoomMoved)))
    [moved] = bot.inbox.kind(RoomMoved)
    assert (moved.room, moved.successor) == (where(room), where(successor))
    await ana.sync()
    await ana.say(successor, "!tweet new")
    await bot.inbox.until_text("!tweet new")
    await bot.say(successor, "here we are")
    assert await ana.notices(successor, bot.user_id) == ["here we are"]
    assert await bot.network.is_admin(where(successor), who(ana))


async def test_a_tombstone_that_the_new_room_knows_nothing_of_is_not_believed(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    other = await ana.create(bot.user_id)
    await ana.until_in(other, bot.user_id)
    await ana.put_state(room, "m.room.tombstone", {"body": "moved", "replacement_room": other})
    await ana.until_in(other, bot.user_id, membership="leave")
    assert bot.inbox.kind(RoomMoved) == []


# ---------------------------------------------------------------- privacy


async def test_a_dm_is_private_until_somebody_else_can_come(scene: Scene) -> None:
    bot, ana, ben = await scene.bot(), await scene.person("ana"), await scene.person("ben")
    room = await ana.create(bot.user_id, is_direct=True)
    await ana.until_in(room, bot.user_id)
    privacy = bot.network.privacy
    assert await privacy(where(room), who(ana)) is Privacy.PRIVATE
    assert await privacy(where(room), who(ben)) is Privacy.SHARED
    assert await privacy(where(room), Identity("console", ana.user_id)) is Privacy.SHARED
    await ana.client.room_invite(room, ben.user_id)
    assert await privacy(where(room), who(ana)) is Privacy.SHARED
    await ana.client.room_kick(room, ben.user_id)
    assert await privacy(where(room), who(ana)) is Privacy.PRIVATE
    await ana.put_state(room, "m.room.history_visibility", {"history_visibility": "world_readable"})
    assert await privacy(where(room), who(ana)) is Privacy.SHARED
    await ana.put_state(room, "m.room.history_visibility", {"history_visibility": "shared"})
    await ana.put_state(room, "m.room.join_rules", {"join_rule": "public"})
    assert await privacy(where(room), who(ana)) is Privacy.SHARED


async def test_an_unencrypted_dm_is_called_so(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana, encrypted=False)
    assert await bot.network.privacy(where(room), who(ana)) is Privacy.UNENCRYPTED


async def test_a_room_that_the_bot_cannot_see_is_refused(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    with pytest.raises(ChatRefused):
        await bot.network.privacy(where(await ana.create()), who(ana))


async def test_a_dm_is_made_once_and_used_again_also_after_a_restart(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    one, two = await asyncio.gather(bot.network.open_dm(who(ana)), bot.network.open_dm(who(ana)))
    assert one == two
    assert await bot.network.privacy(one, who(ana)) is Privacy.PRIVATE
    assert await bot.network.may_redact(one)
    await bot.say(one.id, "for your eyes")
    await ana.client.join(one.id)
    assert await ana.notices(one.id, bot.user_id) == ["for your eyes"]
    pin = await ana.say(one.id, "1234567")
    assert (await bot.inbox.until_text("1234567")).direct
    await bot.network.send(Outgoing("away with it", one, Speech.REDACTION, "", target=pin))
    assert (await ana.event(one.id, pin))["content"] == {}
    await bot.restart()
    assert await bot.network.open_dm(who(ana)) == one
    direct = await bot.network._client.list_direct_rooms()  # type: ignore[union-attr]  # it is running
    assert direct.rooms == {ana.user_id: [one.id]}


async def test_a_dm_that_the_person_made_is_used(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana, is_direct=True)
    await ana.say(room, "hello")
    await bot.inbox.until_text("hello")
    assert await bot.network.open_dm(who(ana)) == where(room)


async def test_a_dm_that_somebody_else_came_into_is_not_used_again(scene: Scene) -> None:
    bot, ana, ben = await scene.bot(), await scene.person("ana"), await scene.person("ben")
    room = await scene.room(bot, ana, is_direct=True)
    await ana.say(room, "hello")
    await bot.inbox.until_text("hello")
    assert await bot.network.open_dm(who(ana)) == where(room)
    await ana.client.room_invite(room, ben.user_id)
    assert await bot.network.open_dm(who(ana)) != where(room)


async def test_a_room_that_somebody_else_made_for_two_is_no_dm_before_the_person_comes(scene: Scene) -> None:
    bot, ana, mallory = await scene.bot(), await scene.person("ana"), await scene.person("mallory")
    trap = await mallory.create(bot.user_id, ana.user_id)
    await mallory.until_in(trap, bot.user_id)
    await mallory.say(trap, "bye")
    await bot.inbox.until_text("bye")
    await mallory.client.room_leave(trap)
    hall = await scene.room(bot, ana)
    await ana.say(hall, "the bot has heard of all before")
    await bot.inbox.until_text("the bot has heard of all before")
    await ana.client.room_leave(hall)
    assert await bot.network.open_dm(who(ana)) != where(trap)


async def test_a_dm_that_the_person_left_is_not_used_again(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await bot.network.open_dm(who(ana))
    await ana.client.join(room.id)
    await ana.client.room_leave(room.id)
    assert await bot.network.open_dm(who(ana)) != room


# ---------------------------------------------------------------- power


@pytest.mark.parametrize("version", ["9", "11", "12"])
async def test_who_governs_a_room(scene: Scene, version: str) -> None:
    bot, ana, ben = await scene.bot(), await scene.person("ana"), await scene.person("ben")
    room = await scene.room(bot, ana, ben.user_id, room_version=version)
    await ben.client.join(room)
    await ana.say(room, "hello")
    await bot.inbox.until_text("hello")
    network = bot.network
    assert await network.is_admin(where(room), who(ana))
    assert not await network.is_admin(where(room), who(ben))
    assert not await network.is_admin(where(room), Identity("console", ana.user_id))
    assert not await network.may_redact(where(room))
    levels = await ana.call("GET", f"/_matrix/client/v3/rooms/{room}/state/m.room.power_levels/")
    assert (ana.user_id in levels["users"]) is (version != "12")
    levels["users"] |= {ben.user_id: 100, bot.user_id: 50}
    levels["events"]["m.room.power_levels"] = 100
    await ana.put_state(room, "m.room.power_levels", levels)
    assert await network.is_admin(where(room), who(ben))
    assert await network.may_redact(where(room))
    levels["users"][ben.user_id] = 50
    if version == "12":
        await ana.put_state(room, "m.room.power_levels", levels)
        assert not await network.is_admin(where(room), who(ben))
