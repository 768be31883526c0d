"""What must not post: repetitions, edits, notices, other bots, strangers, people without a link, old history.

Each test ends with a message that does post: what came before it in the room has been dealt with by then.
"""

import pytest

from bridge.sandbox.faults import Kind
from tests.e2e.conftest import SetUp
from tests.e2e.stage import Stage
from tests.patience import until

pytestmark = pytest.mark.homeserver


async def test_the_same_event_again_posts_once(stage: Stage) -> None:
    ana, dm = await stage.linked()
    command = await ana.say(dm, "!tweet once")
    await stage.until_told(ana, "once")
    event = await ana.person.event(dm, command)
    assert event["type"] == "m.room.encrypted"
    await ana.person.send_raw(dm, "m.room.encrypted", event["content"])
    await stage.kantter.kill()
    await ana.person.send_raw(dm, "m.room.encrypted", event["content"])
    await stage.kantter.start()
    await ana.edit(dm, command, "!tweet twice")
    await ana.until_heard("keeps the first text", reply_to=command)
    await ana.say(dm, "!tweet the end")
    await stage.until_on_x("once", "the end")
    assert len(stage.sent()) == 2


async def test_an_edit_before_it_goes_out_changes_it(stage: Stage) -> None:
    """It waits behind a slow one; X gets the corrected text, once."""
    ana, dm = await stage.linked()
    stage.fault(Kind.DELAY, seconds=2.0)
    await ana.say(dm, "!tweet slow")
    await stage.until_state("sending")
    command = await ana.say(dm, "!tweet tpyo")
    await stage.until_state("sending", "queued")
    await ana.edit(dm, command, "!tweet typo")
    await stage.until_on_x("slow", "typo")
    await ana.until_signed(command, "✅")
    assert len(stage.sent()) == 2


async def test_nobody_else_posts(set_up: SetUp) -> None:
    stage = await set_up()
    ana, stranger, unlinked = [await stage.person(name) for name in ("ana", "stranger", "unlinked")]
    stage.kantter.matrix_options = (f'allow = ["{ana.user_id}", "{unlinked.user_id}"]',)
    stage.kantter.configure()
    await stage.kantter.start()
    dm = await ana.create(stage.bot)
    await stage.link(ana, "ana", dm)

    # The history of a room where the bot is not yet.
    room = await ana.create(stranger.user_id, unlinked.user_id, encrypted=False)
    await ana.say(room, "!tweet history")
    await ana.invite(room, stage.bot)
    await ana.until_in(room, stage.bot)

    # A stranger: silence. Also their invitation.
    silent = [await stranger.say(room, text) for text in ("!tweet stranger", "!link", "!help", "!twet stranger")]
    theirs = await stranger.create(stage.bot, join=False)
    # Somebody without a link is told what to do.
    said = await unlinked.say(room, "!tweet unlinked")
    await unlinked.until_heard("Not posted: “unlinked”.*!link", reply_to=said)
    # Bots speak in notices, and other bots use the same sign.
    await ana.say(room, "!tweet notice", msgtype="m.notice")
    await ana.say(room, "!tweet emote", msgtype="m.emote")
    await ana.say(room, "!karma ana")
    await ana.say(room, "see !tweet in the middle")
    # Plaintext in an encrypted room is nobody's.
    await ana.person.send_raw(dm, "m.room.message", {"msgtype": "m.text", "body": "!tweet plain"})
    await ana.until_heard("Posted as @ana", room=dm, reply_to=await ana.say(dm, "!tweet from the dm"))
    await ana.until_heard("Posted as @ana", room=room, reply_to=await ana.say(room, "!tweet the end"))
    assert stage.texts() == ["from the dm", "the end"]
    assert len(stage.sent()) == 2
    assert [said for said in stranger.notices if said.room != room or said.reply_to in silent] == []
    await until(lambda: stranger.membership(theirs, stage.bot, "leave"))  # turned down, not left open
