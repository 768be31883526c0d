"""Outcomes that nobody knows at first: looked for among the account's own posts, found, or asked about with words."""

import asyncio
import re

import pytest

from bridge.sandbox.faults import Kind
from tests.e2e.chatter import Chatter
from tests.e2e.stage import TWEETS, Stage
from tests.patience import until

pytestmark = pytest.mark.homeserver

MINUTE = 60.0
"""Seconds that the product looks for a post before it asks. Nothing can shorten it from outside."""


@pytest.mark.timeout(200)
async def test_what_is_not_found_is_asked_about(stage: Stage) -> None:
    """The one long test: three people's posts are looked for in vain for a minute, side by side."""
    people: dict[str, tuple[Chatter, str]] = {handle: await stage.linked(handle) for handle in ("ana", "bob", "eve")}
    stage.fault(Kind.ANSWER, answer="503", account="ana")
    stage.fault(Kind.CUT, account="bob")
    stage.fault(Kind.HANG, account="eve")
    commands = {handle: await person.say(dm, f"!tweet {handle} asks") for handle, (person, dm) in people.items()}
    await until(lambda: len(stage.sent()) == 3)
    await stage.kantter.kill()  # eve's is being sent; the others' are being looked for
    await stage.kantter.start()

    for handle, (person, _) in people.items():
        await person.until_heard(f"unknown: .*“{handle} asks”.*Do not send it again", within=10)
        await person.until_signed(commands[handle], "❓")
    ana, dm = people["ana"]
    # Meanwhile the account's queue is held for a moment only.
    await ana.say(dm, "!tweet not held for a minute")
    await stage.until_on_x("not held for a minute", within=30)

    questions = {
        handle: await person.until_heard(f"unknown: “{handle} asks” was probably not posted", within=MINUTE + 15)
        for handle, (person, _) in people.items()
    }
    assert stage.texts("bob") == stage.texts("eve") == []
    # ana sends it again, twice; bob drops it; eve takes the cross and then thinks better of it.
    wanted = re.search(r"!send k\w+", questions["ana"].text)
    assert wanted is not None
    await ana.say(dm, wanted[0])
    again = await ana.say(dm, wanted[0])
    await stage.until_on_x("not held for a minute", "ana asks")
    await ana.until_heard("does not wait for your word", reply_to=again)
    await ana.until_signed(commands["ana"], "✅")
    await stage.until_told(ana, "not held for a minute", "ana asks")
    bob, bobs_dm = people["bob"]
    wanted = re.search(r"!drop k\w+", questions["bob"].text)
    assert wanted is not None
    await bob.until_heard("Dropped .*unknown", reply_to=await bob.say(bobs_dm, wanted[0]))
    eve, eves_dm = people["eve"]
    await eve.react(eves_dm, questions["eve"].id, "❌")
    await eve.until_heard("Dropped .*“eve asks”")
    await eve.react(eves_dm, questions["eve"].id, "✅")
    await eve.until_heard("Posted as @eve", reply_to=await eve.say(eves_dm, "!tweet the end"))
    assert stage.texts("bob") == []
    assert stage.texts("eve") == ["the end"]
    assert len(stage.sent()) == 6
    assert stage.refused_as_twice() == []


async def test_what_was_taken_is_found(stage: Stage) -> None:
    ana, dm = await stage.linked()
    await stage.at_any_price(ana, dm)
    texts = []
    for fault in (Kind.ANSWER, Kind.RESET, Kind.TRUNCATE, Kind.GARBAGE):
        text = f"{fault.value} & <b> https://example.org/{fault.value}?a=1&b=2 \N{PILE OF POO}"  # X shows it otherwise
        texts.append(text)
        stage.fault(fault, taken=True)
        command = await ana.say(dm, f"!tweet {text}")
        await stage.until_told(ana, *texts)
        await ana.until_signed(command, "✅")
    assert stage.texts() == texts
    assert len(stage.sent()) == len(texts)
    assert stage.refused_as_twice() == []


async def test_an_undo_of_what_is_looked_for(stage: Stage) -> None:
    """The wish is kept until the fate is known; also over a kill."""
    ana, dm = await stage.linked()
    stage.x.world.lag = 4.0  # X shows new posts late
    stage.fault(Kind.RESET, taken=True)
    command = await ana.say(dm, "!tweet undone when found")
    await ana.until_heard("unknown: ", reply_to=command)
    await ana.until_heard("As soon as I know that it is out, I delete it", reply_to=await ana.say(dm, "!undo"))
    await stage.kantter.kill()
    await stage.kantter.start()
    await ana.until_heard("Deleted @ana's post")
    assert stage.texts() == []
    assert len(stage.sent()) == 1


async def test_x_is_away(stage: Stage) -> None:
    """No byte went out, so it is certainly not posted: it is tried again by itself, also over a kill."""
    ana, dm = await stage.linked()
    port = int(stage.x.url.rpartition(":")[2])
    await stage.x.stop()
    command = await ana.say(dm, "!tweet when X is back")
    await stage.until_state("queued")
    await ana.until(lambda: ana.signs(command) == ["⏳"])
    await stage.kantter.kill()
    await stage.kantter.start()
    await ana.until_heard("“when X is back” waits: not posted yet", within=20)
    await stage.x._listen(port)
    await stage.until_on_x("when X is back", within=30)
    await stage.until_told(ana, "when X is back")
    await ana.until_signed(command, "✅")
    assert len(stage.x.log.find("POST", TWEETS)) == 1


async def test_the_rate_limit_of_x_is_waited_out(stage: Stage) -> None:
    """Said within 10 seconds when it takes longer; accounts do not wait for each other; nothing is tried in between."""
    (ana, dm), (bob, bobs_dm) = await stage.linked("ana"), await stage.linked("bob")
    stage.fault(Kind.ANSWER, answer="rate-limit", seconds=14.0, account="ana")
    commands = [await ana.say(dm, f"!tweet {text}") for text in ("limited", "behind it")]
    await bob.until_heard("Posted as @bob", reply_to=await bob.say(bobs_dm, "!tweet not limited"))
    await ana.until_heard("lets @ana do this again at .*not posted yet", within=10)
    status = await ana.until_heard("may post again", reply_to=await ana.say(dm, "!status"))
    assert "limited" in status.text
    await stage.kantter.kill()
    await stage.kantter.start()
    await asyncio.gather(*(ana.until_signed(command, "✅", within=30) for command in commands))
    assert stage.texts() == ["limited", "behind it"]
    assert len(stage.x.log.find("POST", TWEETS, "ana")) == 3
