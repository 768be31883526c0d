"""The waiting time of a post, on a real homeserver: a cross or a removed message stops it, and nothing is sent. What
costs more than usual tells it before it is paid.
"""

import pytest

from tests.e2e.stage import Stage

pytestmark = pytest.mark.homeserver


async def test_a_held_post_is_stopped_by_a_cross_and_by_removing_its_command(stage: Stage) -> None:
    ana, dm = await stage.linked("acme", "ana")
    room = await ana.create(stage.bot)
    await ana.until_in(room, stage.bot)
    await ana.until_heard("hold=60s|hold=1min", reply_to=await ana.say(dm, "!policy @acme hold=60s"))

    crossed = await ana.say(room, "!tweet By its words")
    words = await ana.until_heard(r"k1, “By its words”, goes out as @acme in \d+ s\. To stop it", reply_to=crossed)
    await ana.react(room, words.id, "❌")
    await ana.until_heard("Undone before it went out: k1", reply_to=crossed)
    await ana.until_signed(crossed, "❌")

    own = await ana.say(room, "!tweet By its command")
    await ana.until_heard("k2, “By its command”, goes out", reply_to=own)
    await ana.react(room, own, "❌")
    await ana.until_heard("Undone before it went out: k2", reply_to=own)

    removed = await ana.say(room, "!tweet Removed")
    await ana.until_heard("k3, “Removed”, goes out", reply_to=removed)
    await ana.redact(room, removed)
    await ana.until_heard("Undone before it went out: k3", room=room)
    await stage.until_state("failed", "failed", "failed")

    await ana.until_heard("hold=1s", reply_to=await ana.say(dm, "!policy @acme hold=1s"))
    kept = await ana.say(room, "!tweet Kept")
    await ana.until_heard("Posted as @acme", reply_to=kept)
    assert stage.texts("acme") == ["Kept"]
    assert len(stage.sent()) == 1
    late = await ana.until_heard("k4, “Kept”, goes out", reply_to=kept)
    await ana.react(room, late.id, "❌")
    await ana.until_heard(r"Too late to stop k4: it is out\. To delete it: !undo k4", room=room)


async def test_the_price_of_a_link_is_told_before_it_is_paid(stage: Stage) -> None:
    ana, _ = await stage.linked("acme", "ana")
    room = await ana.create(stage.bot)
    await ana.until_in(room, stage.bot)

    dear = r"goes out as @acme in \d+ s\. To stop it: !undo k{} or ❌ here · the link makes it \$0\.20"
    stopped = await ana.say(room, "!tweet Not this: https://example.org/a")
    words = await ana.until_heard(dear.format(1), reply_to=stopped)
    await ana.react(room, words.id, "❌")
    await ana.until_heard("Undone before it went out: k1", reply_to=stopped)

    kept = await ana.say(room, "!tweet This: https://example.org/b")
    await ana.until_heard(dear.format(2), reply_to=kept)
    behind = await ana.say(room, "!tweet And this behind it")
    assert stage.sent() == []
    posted = await ana.until_heard("Posted as @acme", reply_to=kept, within=30.0)
    assert "the link makes it $0.20" in posted.text
    await ana.until_heard("Posted as @acme", reply_to=behind)
    first, second = stage.texts("acme")
    assert (first.startswith("This: "), second) == (True, "And this behind it")
    assert len(stage.sent()) == 2
