"""Kill -9 in the middle of what a team decides: nothing posted twice, nothing lost, nothing that was not approved."""

import asyncio
import random

import pytest

from bridge.sandbox.faults import Kind
from tests.e2e.chatter import Chatter
from tests.e2e.stage import Stage
from tests.e2e.test_drafts import preview, team
from tests.patience import until

pytestmark = pytest.mark.homeserver


async def restart(stage: Stage) -> None:
    await stage.kantter.kill()
    await stage.kantter.start()


async def out_or_asked(stage: Stage, author: Chatter, texts: list[str]) -> bool:
    """Wait until these are out. False when the author was asked about the last one instead: killed when the row was
    claimed and no byte had left, nobody can know that.
    """

    def out() -> bool:
        return stage.texts("acme") == texts

    await author.until(lambda: out() or bool(author.heard(f"“{texts[-1]}” was probably not posted")), within=100.0)
    return out()


async def test_killed_between_the_tick_and_the_sending(stage: Stage) -> None:
    ana, dm, (bob, cid, dan), room = await team(stage)
    chance = random.Random(3)
    wanted: list[str] = []
    for number in range(3):
        if number == 2:
            await ana.until_heard("@acme", reply_to=await ana.say(dm, "!policy @acme approvals=2"))
        text = f"Decided, {number}"
        command = await dan.say(room, f"!tweet@acme {text}")
        shown = await preview(bob, command)
        stage.fault(Kind.DELAY, taken=chance.random() < 0.5, seconds=1.0)
        await bob.react(room, shown.id, "✅")
        if number >= 2:
            await cid.react(room, shown.id, "✅")
        await asyncio.sleep(chance.random() * 0.4)  # not a wait: the moment of the kill
        await restart(stage)
        wanted.append(text)
        if not await out_or_asked(stage, dan, wanted):
            await dan.say(room, f"!send k{number + 1}")
        await stage.until_on_x(*wanted, handle="acme")
        await dan.until_signed(command, "✅", within=30.0)
        await dan.until_heard("Posted as @acme", reply_to=command)
    assert stage.refused_as_twice() == []
    assert stage.states() == ["posted"] * 3
    assert dan.said_twice() == []


async def test_a_thread_is_rolled_back_while_a_part_is_on_its_way(stage: Stage) -> None:
    ana, _ = await stage.linked()
    room = await ana.create(stage.bot, encrypted=False)
    stage.fault(Kind.DELAY)
    stage.fault(Kind.DELAY)
    stage.fault(Kind.DELAY, taken=True, seconds=5.0)
    parts = [f"part {number}" for number in range(1, 6)]
    await ana.say(room, "!thread " + "\n---\n".join(parts))
    await until(lambda: stage.texts() == parts[:3])
    await ana.say(room, "!undo k1")
    await until(lambda: len(stage.states()) == 8)  # a row for each part that is out or on its way
    await restart(stage)
    await stage.until_on_x(within=60.0)
    await ana.until_heard("Deleted @ana's thread", room=room, within=30.0)
    await restart(stage)
    assert len(stage.sent()) == 3
    assert stage.texts() == []
    assert set(stage.states()) == {"posted", "failed"}


async def test_unfrozen_undone_and_killed(stage: Stage) -> None:
    ana, dm = await stage.linked()
    chance = random.Random(8)
    for number in range(3):
        await ana.until_heard("is frozen", reply_to=await ana.say(dm, "!freeze @ana"), count=1)
        command = await ana.say(dm, f"!tweet Frozen, {number}")
        await ana.until_heard("is frozen: nothing goes out until", reply_to=command)
        stage.fault(Kind.DELAY, taken=chance.random() < 0.5, seconds=0.5)
        await ana.say(dm, "!unfreeze @ana")
        undo = await ana.say(dm, "!undo")
        await asyncio.sleep(chance.random() * 0.5)  # not a wait: the moment of the kill
        await restart(stage)
        await ana.until_heard("Undone before it went out|Deleted @ana|There was nothing|did not go out",
                              reply_to=undo, within=90.0)  # fmt: skip
        assert stage.texts() == []
    assert not {"queued", "sending", "unknown"} & set(stage.states())


async def test_a_scheduled_draft_is_approved_just_before_its_time(stage: Stage) -> None:
    _, _, (bob, _, dan), room = await team(stage)
    approved = await dan.say(room, "!schedule@acme in 10 seconds | Approved in time")
    never = await dan.say(room, "!schedule@acme in 10 seconds | Never approved")
    shown = await preview(bob, approved)
    assert "To go out at" in shown.text
    await preview(bob, never)
    await bob.react(room, shown.id, "✅")
    await stage.until_state("scheduled", "draft")
    await stage.kantter.kill()
    assert stage.sent() == []
    await stage.kantter.start()
    await stage.until_on_x("Approved in time", handle="acme", within=30.0)
    await dan.until_heard("Posted as @acme", reply_to=approved)
    await dan.until_heard("“Never approved” of .* is not approved yet: not posted", reply_to=never)
    await restart(stage)
    await dan.until_heard("0 of 1", reply_to=await dan.say(room, "!show k2"))
    assert len(stage.sent()) == 1
    assert stage.states() == ["posted", "draft"]
