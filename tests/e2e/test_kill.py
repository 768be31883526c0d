"""Kill -9 at every state of a post: each tweet goes out once, and its author hears of its end once.

X is made slow or broken to hold a post in the state where the kill shall find it. All texts differ, so that a second
attempt would be refused by X as a duplicate and be seen.
"""

import asyncio
import random
import re
from dataclasses import dataclass

import pytest

from bridge.sandbox.faults import Kind
from tests.e2e.conftest import SetUp
from tests.e2e.stage import Stage
from tests.patience import until
from tests.synapse import Synapse

pytestmark = pytest.mark.homeserver

KILLS, TWEETS = 8, 12


@dataclass(frozen=True)
class Moment:
    """Where the kill finds the post. ``sent``: requests that X saw by then; ``on_x``: whether it stands there."""

    kind: Kind
    taken: bool
    seconds: float
    state: str
    on_x: bool
    answer: str = "503"


MOMENTS = {
    "recorded, and its account rests": Moment(Kind.ANSWER, False, 3.0, "queued", False, "rate-limit"),
    "sending, before X took it": Moment(Kind.DELAY, False, 3.0, "sending", False),
    "sending, after X took it": Moment(Kind.DELAY, True, 6.0, "sending", True),
    "cut after X took it, while it is looked for": Moment(Kind.CUT, True, 0.0, "unknown", True),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
async def test_killed_in_a_state(stage: Stage, moment: Moment) -> None:
    ana, _ = await stage.linked()
    room = await ana.create(stage.bot, encrypted=False)
    stage.fault(moment.kind, taken=moment.taken, seconds=moment.seconds, answer=moment.answer)
    first = await ana.say(room, "!tweet the first")
    await until(lambda: len(stage.sent()) == 1 and bool(stage.texts()) == moment.on_x)
    await stage.until_state(moment.state)
    await stage.kantter.kill()

    second = await ana.say(room, "!tweet the second")
    await stage.kantter.start()

    await stage.until_on_x("the first", "the second")
    await stage.until_told(ana, "the first", "the second")
    await ana.until_signed(first, "✅")
    await ana.until_signed(second, "✅")
    assert stage.refused_as_twice() == []
    assert len(stage.sent()) == (3 if moment.state == "queued" else 2)
    assert ana.said_twice() == []


async def test_killed_after_it_was_posted_and_before_that_was_said(set_up: SetUp, own_homeserver: Synapse) -> None:
    """Also: a start while the homeserver is away waits for it, and is not ready meanwhile."""
    stage = await set_up(server=own_homeserver)
    await stage.kantter.start()
    ana, dm = await stage.linked()
    stage.fault(Kind.DELAY, taken=True, seconds=1.5)
    command = await ana.say(dm, "!tweet said later")
    await stage.until_on_x("said later")
    await asyncio.to_thread(own_homeserver.kill)
    await stage.until_state("posted")
    await stage.kantter.kill()

    await stage.kantter.start(ready=False)
    await until(lambda: stage.kantter.says("/live", 200), within=20)
    assert await stage.kantter.says("/ready", 503)
    await asyncio.to_thread(own_homeserver.resume)
    await stage.kantter.until_ready()

    await ana.until_heard("Posted as @ana", reply_to=command, within=30)
    await ana.until_signed(command, "✅")
    # What comes after it is answered after it: nothing of the first is still to be said. Nor does it need a new start.
    await asyncio.to_thread(own_homeserver.kill)
    await until(lambda: stage.kantter.says("/ready", 503), within=20)
    await asyncio.to_thread(own_homeserver.resume)
    await stage.kantter.until_ready(within=15)
    await ana.until_heard("Posted as @ana", reply_to=await ana.say(dm, "!tweet another"), within=30)
    assert stage.texts() == ["said later", "another"]
    assert len(stage.sent()) == 2
    assert ana.said_twice() == []


@pytest.mark.timeout(240)
async def test_killed_at_random_moments(stage: Stage) -> None:
    ana, _ = await stage.linked()
    room = await ana.create(stage.bot)
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    print(f"seed: {seed}")  # noqa: T201 - pytest shows it when the test fails
    for _ in range(TWEETS):
        stage.fault(Kind.DELAY, taken=chance.random() < 0.5, seconds=chance.uniform(0.0, 0.6))
    commands: dict[str, str] = {}

    async def talk() -> None:
        for number in range(TWEETS):
            text = f"random {number:02d}"
            commands[await ana.say(room, f"!tweet {text}")] = text
            await asyncio.sleep(chance.uniform(0.0, 1.5))

    async def kill() -> None:
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.0, 1.5))  # the random moment
            await stage.kantter.kill()
            await stage.kantter.start(ready=chance.random() < 0.7)

    await asyncio.gather(talk(), kill())
    await stage.kantter.until_ready()
    asked: set[str] = set()

    async def answered() -> bool:
        """A kill between the claim and the first byte leaves a doubt that only the author can lift."""
        for said in ana.heard(r"unknown: .*probably not posted"):
            wanted = re.search(r"!send (\w+)", said.text)
            if wanted is not None and said.id not in asked:
                asked.add(said.id)
                quoted = re.findall("“(.*?)”", said.text)
                assert not set(quoted) & set(stage.texts()), f"asked about what stands on X: {said.text}"
                await ana.say(room, wanted[0])
        return len(stage.texts()) == TWEETS

    await until(answered, within=150)
    await stage.until_told(ana, *commands.values(), within=30)
    assert sorted(stage.texts()) == sorted(commands.values())
    assert stage.refused_as_twice() == []
    for command in commands:
        await ana.until_signed(command, "✅")
    assert ana.said_twice() == []
