"""A team that lets drafts through, on a real homeserver: nothing goes out that was not approved, and once only."""

import asyncio

import pytest

from tests.e2e.chatter import Chatter, Said
from tests.e2e.stage import Stage
from tests.patience import until

pytestmark = pytest.mark.homeserver


async def give(stage: Stage, owner: Chatter, dm: str, person: Chatter, role: str) -> None:
    """The owner shares @acme with that person, who takes it in their own DM."""
    own = await person.create(stage.bot)
    await person.until_heard(person.user_id, reply_to=await person.say(own, "!whoami"))  # now both have their keys
    await owner.say(dm, f"!share @acme {person.user_id} {role}")
    await person.until_heard(r"!accept", room=own)
    await person.say(own, "!accept @acme")
    await owner.until(lambda: any(person.user_id in said.text for said in owner.notices))


async def team(stage: Stage) -> tuple[Chatter, str, list[Chatter], str]:
    """The owner of @acme and their DM, two approvers and a contributor, and a room with all of them."""
    ana, dm = await stage.linked("acme", "ana")
    others = [await stage.person(name) for name in ("bob", "cid", "dan")]
    room = await ana.create(stage.bot, *(person.user_id for person in others))
    for person, role in zip(others, ("approver", "approver", "contributor"), strict=True):
        await give(stage, ana, dm, person, role)
        await until(lambda person=person: bool(person.heard("@acme")))  # type: ignore[misc]  # bound at once
    for person in (ana, *others):
        for user_id in (stage.bot, *(other.user_id for other in (ana, *others) if other is not person)):
            await person.until_in(room, user_id)
    return ana, dm, others, room


async def preview(chatter: Chatter, command: str) -> Said:
    return await chatter.until_heard(r"^Draft k\w+(\.\d+)? for @acme", reply_to=command)


async def test_two_approvers_react_in_the_same_instant(stage: Stage) -> None:
    ana, dm, (bob, cid, dan), room = await team(stage)
    for approvals in (1, 2):
        await ana.until_heard("@acme", reply_to=await ana.say(dm, f"!policy @acme approvals={approvals}"))
        text = f"Together, {approvals}"
        command = await dan.say(room, f"!tweet@acme {text}")
        await dan.until_signed(command, "👀")
        shown = await preview(bob, command)
        assert f"│ {text}\nCounts {len(text)} characters." in shown.text
        assert f"0 of {approvals}" in shown.text
        await cid.until_heard(text, room=room)
        assert stage.texts("acme") == [f"Together, {n}" for n in range(1, approvals)]
        await asyncio.gather(bob.react(room, shown.id, "✅"), cid.react(room, shown.id, "✅"))
        await dan.until_heard("Posted as @acme", room=room, reply_to=command)
        await dan.until_signed(command, "✅")
    await stage.until_on_x("Together, 1", "Together, 2", handle="acme")
    assert len(stage.sent()) == 2
    assert stage.states() == ["posted", "posted"]
    assert dan.said_twice() == []
    await bob.until_heard(rf"k\w+ by {dan.user_id}, “Together, 2”: Posted as @acme")  # its preview says so too


async def test_demoted_stale_and_edited_in_between(stage: Stage) -> None:
    ana, dm, (bob, cid, dan), room = await team(stage)

    # Demoted between preview and reaction.
    command = await dan.say(room, "!tweet@acme First words")
    shown = await preview(cid, command)
    await ana.until_heard("acme", reply_to=await ana.say(dm, f"!unshare @acme {cid.user_id}"))
    await cid.react(room, shown.id, "✅")
    await cid.until_heard("You may not approve", room=room)
    assert stage.states() == ["draft"]

    # A millisecond before the ✅, the text changes: what goes out is what was approved, or nothing.
    await asyncio.gather(dan.edit(room, command, "!tweet@acme Second words"), bob.react(room, shown.id, "✅"))
    second = await bob.until_heard(r"^Draft k1\.2 for @acme")
    assert "│ Second words" in second.text
    await stage.until_state("draft")
    assert stage.sent() == []

    # The old preview says that it is replaced, and counts for nothing, by reaction or by name.
    await bob.until_heard(r"Replaced: k1 was changed and is k1\.2 now")
    await bob.until_heard(r"was changed since", reply_to=await bob.say(room, "!approve k1"))
    assert stage.states() == ["draft"]

    # The new one counts, and taking the approval back is possible until it is sent: here it waits for the other.
    await ana.until_heard("@acme", reply_to=await ana.say(dm, "!policy @acme approvals=2"))
    tick = await bob.react(room, second.id, "✅")
    await bob.until_heard(r"1 of 2")
    await bob.redact(room, tick)
    await bob.until_heard(r"Draft k1\.2[\s\S]*0 of 2")
    await ana.react(room, second.id, "✅")
    await ana.until_heard(r"1 of 2 \(" + ana.user_id)
    assert stage.states() == ["draft"]
    await bob.say(room, "!approve k1.2")
    await stage.until_on_x("Second words", handle="acme")
    assert len(stage.sent()) == 1


async def test_a_draft_from_private_is_decided_in_the_approval_room(stage: Stage) -> None:
    ana, _, (bob, _, dan), room = await team(stage)
    own = next(said.room for said in dan.notices if said.room != room)
    told = await dan.until_heard("approvers do not see", reply_to=await dan.say(own, "draft@acme Alone"))
    assert "!policy @acme room=here" in told.text
    await ana.until_heard("@acme", room=room, reply_to=await ana.say(room, "!policy @acme room=here"))

    command = await dan.say(own, "!tweet@acme Words of a contributor")
    await preview(dan, command)
    shown = await bob.until_heard(r"^Draft k2 for @acme", room=room)
    assert "│ Words of a contributor" in shown.text
    await dan.until_signed(command, "👀")
    await bob.react(room, shown.id, "✅")
    await dan.until_heard("Posted as @acme", room=own, reply_to=command)
    await dan.until_signed(command, "✅")
    await bob.until_heard(r"“Words of a contributor”: Posted as @acme", room=room)
    assert stage.texts("acme") == ["Words of a contributor"]

    # Its author takes the other one away; who removes somebody else's message removes no draft.
    await dan.until_heard("Dropped k1", reply_to=await dan.say(own, "drop k1"))
    await stage.until_state("failed", "posted")
    command = await dan.say(room, "!tweet@acme Too early")
    shown = await bob.until_heard(r"^Draft k3 for @acme", reply_to=command)
    await ana.redact(room, command)  # she made the room and may
    await dan.until_heard("the draft still waits for approval", room=room)
    await bob.react(room, shown.id, "❌")
    await dan.until_heard(rf"{bob.user_id} rejected k3, “Too early”\. Not posted\.", room=room)
    await stage.until_state("failed", "posted", "failed")
    assert len(stage.sent()) == 1


async def test_decisions_that_were_made_while_it_was_down(stage: Stage) -> None:
    ana, dm, (bob, cid, dan), room = await team(stage)
    await ana.until_heard("@acme", reply_to=await ana.say(dm, "!policy @acme approvals=2"))
    shown = {}
    for text in ("Kept", "Taken back", "Changed"):
        command = await dan.say(room, f"!tweet@acme {text}")
        shown[text] = (command, (await preview(bob, command)).id)
        await dan.until_signed(command, "👀")
    await stage.kantter.kill()
    for person in (bob, cid):
        for text in shown:
            tick = await person.react(room, shown[text][1], "✅")
            if person is bob and text == "Taken back":
                await person.redact(room, tick)
    await dan.edit(room, shown["Changed"][0], "!tweet@acme Changed since")
    await stage.kantter.start()
    await dan.until_heard("Posted as @acme", room=room, reply_to=shown["Kept"][0])
    # The three ticks on the last one came before its edit: it may have gone out as it was approved, or it waits.
    await bob.until_heard(r"1 of 2 \(" + cid.user_id)
    await dan.until(lambda: bool(dan.heard(r"^Draft k3\.2|Edited after it went out")))
    assert "Taken back" not in stage.texts("acme")
    assert "Changed since" not in stage.texts("acme")
    assert len(stage.sent()) == len(stage.texts("acme"))
    await stage.kantter.kill()
    await stage.kantter.start()
    await dan.until_heard("pprove", reply_to=await dan.say(room, "!show k2"))
    assert len(stage.sent()) == len(stage.texts("acme"))


async def test_a_draft_that_is_longer_than_a_message_is_shown_whole_before_it_is_approved(stage: Stage) -> None:
    ana, dm, (bob, _, dan), room = await team(stage)
    stage.x.world.user("acme").premium = True
    await ana.until_heard("premium=on", reply_to=await ana.say(dm, "!policy @acme premium=on"))
    text = "".join(f"{number:05}語" for number in range(1500))
    command = await dan.say(room, f"!tweet@acme {text}")
    shown = await preview(bob, command)
    assert "The whole of it stands before this, on 1 page." in shown.text
    page = await bob.until_heard(r"^k1 for @acme, by .*, page 1 of 1:", room=room)
    assert "".join(line[2:] for line in page.text.splitlines() if line[:2] in ("│ ", "┆ ")) == text
    assert bob.notices.index(page) < bob.notices.index(shown)
    await bob.react(room, page.id, "✅")  # decides nothing
    told = await bob.until_heard(r"page 1 of 1:", room=room, reply_to=await bob.say(room, "!show k1"))
    assert text[-100:] in told.text.replace("\n┆ ", "")
    assert stage.states() == ["draft"]
    await bob.react(room, shown.id, "✅")
    await stage.until_on_x(text, handle="acme", within=30.0)
