"""Kill -9 in the middle of a five-part thread, and before a scheduled post: no part twice, none lost, order kept."""

import asyncio
import itertools
import random
import re
import time

import pytest

from bridge.sandbox.faults import Kind
from tests.e2e.chatter import Chatter
from tests.e2e.stage import Stage, parts, thread
from tests.patience import until
from tests.synapse import Synapse

pytestmark = pytest.mark.homeserver


@pytest.mark.timeout(240)
async def test_killed_while_a_part_is_on_its_way(stage: Stage, subtests: pytest.Subtests) -> None:
    ana, _ = await stage.linked()
    room = await ana.create(stage.bot, encrypted=False)
    for number, taken in itertools.product((1, 3, 5), (False, True)):
        story = f"{number}, {'after' if taken else 'before'} X took it"
        with subtests.test(story):
            stage.begin_anew()
            await killed_in_a_part(stage, ana, room, story, number, taken=taken)


async def killed_in_a_part(stage: Stage, ana: Chatter, room: str, story: str, number: int, *, taken: bool) -> None:
    stage.hang(number, taken=taken)
    command = await ana.say(room, thread(story))
    await until(lambda: len(stage.sent()) == number and len(stage.texts()) == number - (not taken))
    await stage.kantter.kill()
    await stage.kantter.start()

    await stage.until_on_x(*parts(story), within=40.0)
    await ana.until_signed(command, "✅")
    await stage.until_told(ana, parts(story)[0])
    assert stage.chained()
    assert len(stage.sent()) == 5
    assert stage.refused_as_twice() == []
    assert ana.said_twice() == []


@pytest.mark.afresh
@pytest.mark.timeout(240)
async def test_killed_again_and_again(stage: Stage, homeserver: Synapse) -> None:
    ana, _ = await stage.linked()
    room = await ana.create(stage.bot, encrypted=False)
    chance = random.Random(5)
    for _ in range(40):
        stage.fault(Kind.DELAY, taken=chance.random() < 0.5, seconds=chance.random())
    command = await ana.say(room, thread(1))
    await until(lambda: bool(stage.sent()))
    for _ in range(4):
        await asyncio.sleep(chance.random())  # not a wait: the moment of the kill
        await stage.kantter.kill()
        await stage.kantter.start()
    await go_on(stage, ana, room)
    await stage.until_on_x(*parts(1), within=60.0)
    await ana.until_signed(command, "✅")
    assert stage.chained()
    assert stage.refused_as_twice() == []


async def go_on(stage: Stage, ana: Chatter, room: str) -> None:
    """A kill in the moment between a claim and its request leaves what nobody can prove: the author is asked about that
    part, and says `send`. About one that reached X nobody is asked.
    """
    asks = r"Post part \d again and go on: !send (q\w+)"
    await ana.until(lambda: stage.texts() == parts(1) or bool(ana.heard(asks)), within=100.0)
    for asked in ana.heard(asks)[-1:]:
        assert len(stage.sent()) == len(stage.texts()), "the part that is asked about had reached X"
        found = re.search(asks, asked.text)
        assert found is not None
        await ana.say(room, f"!send {found[1]}")


async def test_a_schedule_survives_a_kill(stage: Stage) -> None:
    ana, dm = await stage.linked()
    asked = await ana.say(dm, "!schedule in 8 seconds | on time")
    await ana.until_heard("Scheduled k", room=dm, reply_to=asked)
    await stage.kantter.kill()
    assert stage.texts() == []
    await stage.kantter.start()
    await stage.until_on_x("on time", within=30.0)
    await stage.until_told(ana, "on time")
    assert len(stage.sent()) == 1


async def test_an_undo_that_was_said_while_nothing_ran_comes_before_what_it_is_about(stage: Stage) -> None:
    ana, dm = await stage.linked()
    asked = await ana.say(dm, "!schedule in 6 seconds | better not")
    await ana.until_heard("Scheduled k1", room=dm, reply_to=asked)
    await stage.kantter.stop()
    due = time.time() + 6.0
    undo = await ana.say(dm, "!undo k1")
    await until(lambda: time.time() > due, within=10.0)  # its time comes while nothing runs
    await stage.kantter.start()
    await ana.until_heard("Undone before it went out: k1", reply_to=undo)
    await stage.until_state("failed")
    assert stage.sent() == []
