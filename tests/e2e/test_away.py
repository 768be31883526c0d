"""Messages that were sent while the bot was down: run when they are young, asked about when they grew old."""

import re
import time

import pytest

from tests.e2e.chatter import Chatter
from tests.e2e.conftest import SetUp
from tests.e2e.stage import Stage
from tests.patience import until

pytestmark = pytest.mark.homeserver

MANY = 200
UNLIMITED = {"post": 10**9}


async def down_with_messages(
    stage: Stage, talks: list[tuple[Chatter, str, list[str]]], *, older_than: float = 0.0
) -> None:
    """Kill the bot, let these people say their texts as tweets, and wait until the newest is that old."""
    await stage.kantter.kill()
    for person, room, texts in talks:
        for text in texts:
            await person.say(room, f"!tweet {text}")
    last = time.time()
    await until(lambda: time.time() > last + older_than, within=older_than + 5)


async def test_young_messages_run_once_each(stage: Stage) -> None:
    ana, dm = await stage.linked()
    room = await ana.create(stage.bot, encrypted=False)
    texts = [f"young {number:02d}" for number in range(30)]
    await down_with_messages(stage, [(ana, dm, texts[:15]), (ana, room, texts[15:])])
    await stage.kantter.start()
    await stage.until_told(ana, *texts, within=30)
    # In the order of each room; which room comes first nobody promised.
    on_x = stage.texts()
    assert [text for text in on_x if text in texts[:15]] == texts[:15]
    assert [text for text in on_x if text in texts[15:]] == texts[15:]
    assert len(stage.sent()) == len(texts)


async def test_two_hundred_old_messages_are_one_question(set_up: SetUp) -> None:
    stage = await set_up('stale_after = "2s"', "posts_per_day = 1000", numbers=UNLIMITED)
    await stage.kantter.start()
    (ana, dm), (bob, bobs_dm) = await stage.linked("ana"), await stage.linked("acme", "bob")
    texts = [f"old {number:03d}" for number in range(MANY)]
    dropped = [f"forget {number}" for number in range(5)]
    await down_with_messages(stage, [(ana, dm, texts), (bob, bobs_dm, dropped)], older_than=2.1)
    await stage.kantter.start()

    asked = await ana.until_heard(rf"^{MANY} of yours grew old", within=40)
    await bob.until_heard("^5 of yours grew old")
    assert stage.sent() == []
    assert len(ana.heard("grew old|is .* old by now")) == 1
    for number in range(10):
        assert f"“old {number:03d}”" in asked.text
    assert f"and {MANY - 10} more" in asked.text

    # Kept over a restart, and not asked again.
    await stage.kantter.kill()
    await stage.kantter.start()
    send = re.search(r"!send (q\w+)", asked.text)
    drop = re.search(r"!drop (q\w+)", bob.heard("grew old")[0].text)
    assert send is not None
    assert drop is not None
    await bob.until_heard("Dropped 5 posts: ", reply_to=await bob.say(bobs_dm, drop[0]))
    assert [len(person.heard("grew old")) for person in (ana, bob)] == [1, 1]
    # A loaded machine takes two seconds to hear a `!send`, which is too old by then, and to send what it let go.
    await stage.kantter.kill()
    stage.kantter.options = ("posts_per_day = 1000",)
    stage.kantter.configure()
    await stage.kantter.start()
    # Only who was asked may answer.
    await bob.until_heard("no question", reply_to=await bob.say(bobs_dm, send[0]))
    await ana.until_heard(f"Sending {MANY} posts", reply_to=await ana.say(dm, send[0]))
    await until(lambda: stage.texts("ana") == texts, within=60)
    assert stage.texts("acme") == []
    assert len(stage.sent()) == MANY
    assert [len(person.heard("grew old")) for person in (ana, bob)] == [1, 1]


async def test_a_tick_answers_an_old_one(set_up: SetUp) -> None:
    stage = await set_up('stale_after = "2s"')
    await stage.kantter.start()
    ana, dm = await stage.linked()
    await down_with_messages(stage, [(ana, dm, ["worth it"])], older_than=2.1)
    await stage.kantter.start()
    asked = await ana.until_heard("“worth it” is .* old by now: not posted")
    await ana.react(dm, asked.id, "✅")
    await stage.until_on_x("worth it")
    await stage.until_told(ana, "worth it")
