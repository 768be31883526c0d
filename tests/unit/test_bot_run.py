"""The running bot: what is heard is answered, and a network that is slow to tell holds nobody for long."""

import asyncio

import pytest

from bridge.bot import facts
from bridge.bot.asked import NO_FACTS, Need
from bridge.interfaces import Privacy
from bridge.model import Identity, Role, Room
from tests.fakes.network import FakeNetwork
from tests.unit.bot_scene import ANA, PRESS, Scene


async def test_what_is_heard_is_answered_until_cancelled(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    assert not scene.bot.health().ok
    talking = asyncio.create_task(scene.network.run(scene.bot))
    running = asyncio.create_task(scene.bot.run())
    try:
        message = scene.message(ANA, "!accounts")
        await scene.network.hear(message, bookmark="s1")
        [said] = await scene.network.until_sent(1)
        assert said.outgoing.body == "@acme (owner): works"
        assert (said.outgoing.target, said.outgoing.mention, said.outgoing.room) == (message.id, ANA, PRESS)
        assert scene.bot.health().ok
    finally:
        talking.cancel()
        running.cancel()
        await asyncio.gather(talking, running, return_exceptions=True)
    assert running.cancelled()
    assert not scene.bot.health().ok


class Slow(FakeNetwork):
    """Never says whether somebody is an admin."""

    async def is_admin(self, room: Room, identity: Identity) -> bool:
        await asyncio.Event().wait()
        return True


async def test_a_network_that_does_not_answer_is_given_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "_DEADLINE", 0.05)
    message = scene.message(ANA, "!use @acme room")
    need = Need.PRIVACY | Need.ROOM_ADMIN | Need.MAY_REDACT
    found = await facts.gather(
        {"matrix": Slow()}, [(0, message, need), (1, message, Need.PRIVACY), (2, message, Need.NOTHING)]
    )
    assert found[0].privacy is Privacy.SHARED
    assert found[0].room_admin is None
    assert "could not check whether you govern this room" in found[0].trouble
    assert found[2] is NO_FACTS


async def test_a_network_that_is_not_there_is_trouble(scene: Scene) -> None:
    found = await facts.gather({}, [(0, scene.message(ANA, "!link"), Need.PRIVACY)])
    assert "could not check who can read" in found[0].trouble
