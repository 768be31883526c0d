"""What somebody said after a picture, asked of a real homeserver: in order, vouched for, and theirs alone."""

from typing import Any

import pytest

from bridge.model import Identity, Message, Room, Unreadable
from tests.integration.matrix_scene import Bot, Scene

pytestmark = pytest.mark.homeserver

PICTURE = {"msgtype": "m.image", "info": {"mimetype": "image/png"}}


def image(name: str) -> dict[str, Any]:
    return PICTURE | {"url": f"mxc://kantter.test/{name}"}


async def said_after(bot: Bot, room: str, first: str, who: str, until: str) -> list[Message | Unreadable]:
    found = await bot.network.said_after(Room("matrix", room), first, by=Identity("matrix", who), until=until)
    return list(found)


@pytest.mark.parametrize("encrypted", [True, False])
async def test_pictures_come_in_the_order_they_were_sent(scene: Scene, encrypted: bool) -> None:
    bot, ana, ben = await scene.bot(), await scene.person("ana"), await scene.person("ben")
    room = await scene.room(bot, ana, ben.user_id, encrypted=encrypted)
    await ben.client.join(room)
    await ben.sync()
    await ana.sync()
    await ana.say(room, "a", **image("before"))
    first = await ana.say(room, "a.png", **image("a"))
    await ben.say(room, "not hers", **image("ben"))
    relation = {"rel_type": "m.annotation", "event_id": first, "key": "✅"}
    await ana.send_raw(room, "m.reaction", {"m.relates_to": relation})
    second = await ana.say(room, "b.png", **image("b"))
    gone = await ana.say(room, "gone.png", **image("gone"))
    await ana.client.room_redact(room, gone)
    thread = {"rel_type": "m.thread", "event_id": first, "is_falling_back": True}
    third = await ana.say(room, "c.png", **image("c"), **{"m.relates_to": thread})
    await ana.say(room, "d.png", msgtype="m.image")  # no file at all
    until = await ana.say(room, "!tweet hello")
    await ana.say(room, "after.png", **image("after"))
    await bot.inbox.until_text("!tweet hello")
    found = await said_after(bot, room, first, ana.user_id, until)
    *pictures, damaged = found
    assert [one.id for one in pictures] == [second, third]
    messages = [one for one in pictures if isinstance(one, Message)]
    assert [one.media[0].source for one in messages] == ["mxc://kantter.test/b", "mxc://kantter.test/c"]
    assert [one.thread for one in messages] == [None, first]
    assert isinstance(damaged, Unreadable)


async def test_what_cannot_be_decrypted_or_believed_is_told_as_that(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    first = await ana.say(room, "a.png", **image("a"))
    content = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "ciphertext": "AwgA",
        "session_id": "nobody knows",
        "device_id": "X",
    }
    blind = await ana.send_raw(room, "m.room.encrypted", content)
    plain = await ana.send_raw(room, "m.room.message", {"body": "b.png"} | image("b"))
    until = await ana.say(room, "!tweet hello")
    await bot.inbox.until_text("!tweet hello")
    for _ in range(2):  # however often it is asked
        found = await said_after(bot, room, first, ana.user_id, until)
        assert [(one.id, type(one)) for one in found] == [(blind, Unreadable), (plain, Unreadable)]


async def test_a_hundred_in_a_row_are_looked_at_and_a_room_of_others_costs_nothing(scene: Scene) -> None:
    bot, ana, ben = await scene.bot(), await scene.person("ana"), await scene.person("ben")
    room = await scene.room(bot, ana, ben.user_id, encrypted=False)
    await ben.client.join(room)
    await ben.sync()
    first = await ana.say(room, "a.png", **image("a"))
    for number in range(110):
        await ben.say(room, f"talk {number}")
    second = await ana.say(room, "b.png", **image("b"))
    until = await ana.say(room, "!tweet hello")
    await bot.inbox.until_text("!tweet hello")
    assert [one.id for one in await said_after(bot, room, first, ana.user_id, until)] == [second]


@pytest.mark.parametrize("encrypted", [True, False])
async def test_a_picture_that_was_edited_is_what_people_see(scene: Scene, encrypted: bool) -> None:
    bot, ana, eve = await scene.bot(), await scene.person("ana"), await scene.person("eve")
    room = await scene.room(bot, ana, eve.user_id, encrypted=encrypted)
    await eve.client.join(room)
    await eve.sync()
    await ana.sync()
    first = await ana.say(room, "a.png", **image("a"))
    second = await ana.say(room, "b.png", **image("b"))
    for person, target, name in ((ana, first, "x"), (ana, second, "y"), (eve, second, "evil"), (ana, second, "z")):
        new = {"body": f"{name}.png"} | image(name)
        relation = {"rel_type": "m.replace", "event_id": target}
        await person.say(room, "* edited", **{"m.new_content": new, "m.relates_to": relation} | image(name))
    until = await ana.say(room, "!tweet hello")
    await bot.inbox.until_text("!tweet hello")
    found = [await bot.network.message(Room("matrix", room), first)]
    found += await said_after(bot, room, first, ana.user_id, until)
    messages = [one for one in found if isinstance(one, Message)]
    assert found == messages  # the edits themselves are nothing that was said
    assert [one.media[0].source for one in messages] == ["mxc://kantter.test/a", "mxc://kantter.test/b"]
    assert [one.seen[0].source for one in messages] == ["mxc://kantter.test/x", "mxc://kantter.test/z"]
