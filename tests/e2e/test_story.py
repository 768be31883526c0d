"""The whole story of a person, through the whole program: link in private, post from rooms, undo."""

import re

import pytest

from tests.e2e.chatter import URL
from tests.e2e.stage import Stage

pytestmark = [pytest.mark.homeserver, pytest.mark.afresh]


async def test_link_from_a_room_post_and_undo(stage: Stage) -> None:
    ana, bob = await stage.person("ana"), await stage.person("bob")
    room = await ana.create(stage.bot, bob.user_id)  # with ana alone it would be a DM, whatever it is called
    asked = await ana.say(room, "!link")

    # The room hears only that it goes on in private; the bot opens the DM.
    await ana.until_heard(r"private", room=room, reply_to=asked)
    told = await ana.until_heard(r"^https?://\S+$")
    dm = told.room
    assert dm != room
    assert not ana.heard("https?://", room=room)
    assert ana.person.client.rooms[dm].encrypted
    assert re.search(r"only you", told.text, re.IGNORECASE)
    assert "PIN" in told.text
    address = URL.search(told.text)
    assert address is not None
    assert "force_login=true" in address[0]

    # The PIN, and it is taken away: the bot made that room.
    said = await ana.say(dm, stage.x.approve(address[0], "acme"))
    await ana.until_heard("Linked @acme", room=dm)
    await ana.until(lambda: (stage.bot, said) in ana.redacted)

    # One !tweet is one signed request.
    command = await ana.say(room, "!tweet Good  morning!\n  A second line & more")
    posted = await ana.until_heard(r"Posted as @acme", room=room, reply_to=command)
    await ana.until_signed(command, "✅")
    assert stage.texts("acme") == ["Good  morning!\n  A second line & more"]
    assert [(seen.account, seen.taken, seen.note) for seen in stage.sent()] == [("acme", True, "")]
    post_id = next(iter(stage.x.world.user("acme").posts))
    undo = re.fullmatch(rf"Posted as @acme: {stage.x.url}/acme/status/{post_id} · undo: (!undo k\w+)", posted.text)
    assert undo is not None, posted.text

    # !undo, as it was offered.
    wish = await ana.say(room, undo[1])
    await ana.until_heard(rf"Deleted @acme's post “.*” \({post_id}\)\.", room=room, reply_to=wish)
    await stage.until_on_x(handle="acme")

    # The author takes the command away, and with it the post.
    command = await ana.say(room, "!tweet Gone in a moment")
    await ana.until_heard("Posted as @acme", reply_to=command)
    await ana.redact(room, command)
    await stage.until_on_x(handle="acme")
    await ana.until_heard(r"Deleted @acme's post", count=2)
    assert len(stage.sent()) == 2
    assert ana.said_twice() == []


async def test_several_accounts_in_a_dm_and_a_plain_room(stage: Stage) -> None:
    ana, dm = await stage.linked("acme")
    await stage.link(ana, "acme_labs", dm)
    plain = await ana.create(stage.bot, encrypted=False)

    listed = await ana.until_heard("@acme ", reply_to=await ana.say(dm, "!accounts"))
    assert re.search(r"@acme \(.*owner.*\): works", listed.text), listed.text
    assert re.search(r"@acme_labs \(.*owner.*\): works", listed.text), listed.text

    # The first one is the default; the one named wins; !use changes the default.
    await ana.until_heard("Posted as @acme:", reply_to=await ana.say(plain, "!tweet one"))
    await ana.until_heard("Posted as @acme_labs:", reply_to=await ana.say(plain, "!TWEET@acme_labs two"))
    await ana.until_heard("You speak as @acme_labs", reply_to=await ana.say(dm, "use @acme_labs"))
    await ana.until_heard("Posted as @acme_labs:", reply_to=await ana.say(plain, "!t three"))
    # Never silently another account.
    missing = await ana.until_heard("no account", reply_to=await ana.say(plain, "!tweet@ana four"))
    assert "Not posted: “four”" in missing.text
    assert stage.texts("acme") == ["one"]
    assert stage.texts("acme_labs") == ["two", "three"]
    assert stage.texts("ana") == []


async def test_two_people_link_at_once_and_never_mix(stage: Stage) -> None:
    ana, bob = await stage.person("ana"), await stage.person("bob")
    dms = {person: await person.create(stage.bot) for person in (ana, bob)}
    pins = {}
    for person, handle in ((ana, "acme"), (bob, "acme_labs")):
        await person.say(dms[person], "!link")
        told = await person.until_heard(r"^https?://\S+$")
        address = URL.search(told.text)
        assert address is not None
        pins[person] = stage.x.approve(address[0], handle)
    for person in (bob, ana):
        await person.say(dms[person], f"!pin {pins[person]}")
    await ana.until_heard("Linked @acme$|Linked @acme[^_]")
    await bob.until_heard("Linked @acme_labs")
    await ana.say(dms[ana], "!tweet from ana")
    await bob.say(dms[bob], "!tweet from bob")
    await stage.until_on_x("from ana", handle="acme")
    await stage.until_on_x("from bob", handle="acme_labs")


async def test_where_a_link_does_not_go_on(stage: Stage) -> None:
    """A plain DM is refused with the reason; a PIN in a room, or of somebody else, links nothing."""
    ana, bob = await stage.person("ana"), await stage.person("bob")
    plain = await ana.create(stage.bot, encrypted=False)
    await ana.until_heard("Nothing was linked.*not encrypted", reply_to=await ana.say(plain, "!link"))
    dm, bobs_dm = await ana.create(stage.bot), await bob.create(stage.bot)
    room = await ana.create(stage.bot, bob.user_id)

    async def pin() -> str:
        """A new link of ana's; its PIN."""
        told = await ana.until_heard(r"^https?://\S+$", reply_to=await ana.say(dm, "!link"))
        address = URL.search(told.text)
        assert address is not None
        return stage.x.approve(address[0], "ana")

    # Bob has it from her somehow: it is nothing, and hers goes on; she may not take it where others read along.
    first = await pin()
    await bob.say(bobs_dm, first)
    await bob.say(bobs_dm, f"!pin {first}")
    await ana.say(room, first)
    await ana.until_heard("thrown this attempt to link away", room=room)
    await ana.say(dm, first)
    told = await ana.until_heard("no account", reply_to=await ana.say(dm, "!accounts"))
    assert "Linked" not in told.text
    # In her own room the bot may not redact: it asks her to.
    second = await pin()
    await ana.say(dm, second)
    await ana.until_heard("Linked @ana", room=dm)
    await ana.until_heard("Please delete your message with the PIN", room=dm)
    assert bob.heard("Linked") == []
    assert stage.x.log.count("POST", "/oauth/access_token", taken=True) == 1
