"""Nobody but the sender's own device makes a command: what a homeserver's admin or a member could try."""

import pytest
from pydantic import SecretStr

from bridge.chat.matrix.crosssigning import sign_own_device
from bridge.model import Unreadable
from bridge.store import Database
from bridge.vault import Vault
from tests.integration.matrix_scene import KEY, Bot, Person, Scene

pytestmark = pytest.mark.homeserver


async def sign(person: Person) -> None:
    """Give that person a cross-signing identity that has signed this device."""
    store = await Database.open(":memory:")
    password = SecretStr("correct horse")
    await sign_own_device(person.client, store=store, vault=Vault([KEY]), replace=True, password=password)
    await store.close()


async def refused(bot: Bot, person: Person) -> Unreadable:
    await bot.inbox.until(lambda: bool(bot.inbox.kind(Unreadable)))
    refusals = bot.inbox.kind(Unreadable)
    assert {told.sender.name for told in refusals} == {person.user_id}
    return refusals[-1]


async def test_a_device_that_the_person_has_not_signed_cannot_command(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    await sign(ana)
    room = await scene.room(bot, ana)
    await ana.say(room, "!tweet mine")
    await bot.inbox.until_text("!tweet mine")
    planted = await scene.person(user_id=ana.user_id)
    await planted.say(room, "!tweet not mine")
    await planted.say(room, "!tweet not mine either")
    assert "verified" in (await refused(bot, ana)).reason
    await ana.say(room, "!tweet mine again")
    await bot.inbox.until_text("!tweet mine again")
    assert bot.inbox.texts() == ["!tweet mine", "!tweet mine again"]


async def test_an_identity_that_was_replaced_cannot_command(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    await sign(ana)
    room = await scene.room(bot, ana)
    await ana.say(room, "!tweet mine")
    await bot.inbox.until_text("!tweet mine")
    planted = await scene.person(user_id=ana.user_id)
    await sign(planted)
    await planted.say(room, "!tweet not mine")
    assert "identity" in (await refused(bot, ana)).reason
    await bot.restart()
    await planted.say(room, "!tweet not mine, after a restart")
    assert "identity" in (await refused(bot, ana)).reason
    assert bot.inbox.texts() == []


async def test_somebody_else_s_ciphertext_is_not_one_s_own(scene: Scene) -> None:
    bot, ana, eve = await scene.bot(), await scene.person("ana"), await scene.person("eve")
    room = await scene.room(bot, ana, eve.user_id)
    await eve.client.join(room)
    await eve.sync()
    await ana.sync()
    event_id = await ana.say(room, "first")
    await bot.inbox.until_text("first")
    _, content = ana.client.encrypt(room, "m.room.message", {"msgtype": "m.text", "body": "!tweet as ana"})
    await eve.send_raw(room, "m.room.encrypted", content)
    assert "device" in (await refused(bot, eve)).reason
    await ana.say(room, "!tweet then")
    await bot.inbox.until_text("!tweet then")
    assert event_id
    assert bot.inbox.texts() == ["first", "!tweet then"]


async def test_an_edit_stripped_of_its_relation_is_not_a_command(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    first = await ana.say(room, "!tweet one")
    await bot.inbox.until_text("!tweet one")
    new = {"msgtype": "m.text", "body": "!tweet two"}
    edit = {"msgtype": "m.text", "body": "!tweet two", "m.new_content": new}
    _, content = ana.client.encrypt(room, "m.room.message", edit | {"m.relates_to": {}})
    await ana.send_raw(room, "m.room.encrypted", {k: v for k, v in content.items() if k != "m.relates_to"})
    _, plain = ana.client.encrypt(room, "m.room.message", {"msgtype": "m.text", "body": "!tweet three"})
    relation = {"rel_type": "m.replace", "event_id": first}  # put on by a homeserver
    await ana.send_raw(room, "m.room.encrypted", plain | {"m.relates_to": relation})
    await ana.say(room, "!tweet last")
    await bot.inbox.until_text("!tweet last")
    assert bot.inbox.texts() == ["!tweet one", "!tweet last"]
    assert len(bot.inbox.heard) == 2
