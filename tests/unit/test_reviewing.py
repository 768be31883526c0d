"""What waits is looked at again when a policy, a role or a room has changed."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from bridge.bot.notices import notices
from bridge.interfaces import Tx
from bridge.model import Gathering, Identity, OfferState, Post, PostState, Role, Room, RoomLost, RoomMoved, Speech
from tests.unit.bot_scene import DM, LOBBY, NOW, PRESS, Scene
from tests.unit.drafting_scene import (
    ADA,
    ANA,
    BEN,
    DESK,
    OWEN,
    POLLY,
    drafted,
    grant,
    now_says,
    previews,
    shown,
    speak,
    team,
)  # fmt: skip

DRAFT, QUEUED, SCHEDULED, HELD = PostState.DRAFT, PostState.QUEUED, PostState.SCHEDULED, PostState.HELD
THREAD = "!thread@acme one\n---\ntwo\n---\nthree"


async def gather(scene: Scene, room: Room, *people: Identity, closed: bool = True) -> None:
    scene.count += 1
    await scene.bot.deliver([Gathering(f"$g{scene.count}", room, frozenset(people), closed)])


async def offered(scene: Scene) -> None:
    """What the offerer does."""

    def work(tx: Tx) -> None:
        for offer in tx.shares.open_offers():
            tx.shares.save_offer(replace(offer, state=OfferState.ASKED))

    await scene.store.transact(work)


async def deeds(scene: Scene) -> list[tuple[str, str, str]]:
    """Who, what, and how it ended."""
    found = await scene.store.transact(lambda tx: tx.log.tail(50))
    return [(deed.actor.name if deed.actor else "", deed.verb, deed.outcome) for deed in found]


# ---------------------------------------------------------------- policies


async def test_fewer_approvals_let_go_what_has_enough_and_raised_ones_call_it_back(scene: Scene) -> None:
    await team(scene, approvals=2)
    one, event = await drafted(scene, "one")
    two, other = await drafted(scene, "two")
    await scene.react(ADA, event, "✅")
    said = await scene.ask(OWEN, "!policy @acme approvals=1")
    assert said == (
        "@acme: approvals=1 (was 2).\nk1 has enough approvals now: it goes out in 10 s. To stop it: !undo k1"
    )
    assert (await scene.post(0)).due_at == scene.now + 10.0
    assert [post.state for post in await scene.posts()] == [QUEUED, DRAFT]
    assert "Approved by @ada:example.org: it goes out." in await now_says(scene, event)
    assert "it waits for approval, 0 of 1." in await now_says(scene, other)
    assert ("", "approve", "enough approvals now") in await deeds(scene)

    said = await scene.ask(OWEN, "!policy @acme approvals=2")
    assert "k1 has too few approvals now: it waits again." in said
    assert "k1 has too few approvals now: not posted, it waits again." in said
    assert [post.state for post in await scene.posts()] == [DRAFT, DRAFT]
    assert "it waits for approval, 1 of 2 (@ada:example.org)." in await now_says(scene, event)
    assert "it waits for approval, 0 of 2." in await now_says(scene, other)
    await scene.react(BEN, event, "✅")
    assert (await scene.post(0)).state is QUEUED
    assert (one.id, two.id) == (1, 2)


async def test_an_approval_that_was_lost_with_its_role_does_not_come_back(scene: Scene) -> None:
    await team(scene, approvals=2)
    _, event = await drafted(scene)
    await scene.react(BEN, event, "✅")
    await scene.say(OWEN, f"!share @acme {BEN.name} poster")
    assert "0 of 2" in await now_says(scene, event)
    assert (BEN.name, "withdraw", "no approver any more") in await deeds(scene)
    over = (
        "Your approval of k1 is over: you are no approver of its account any more, and it does not come back with that"
    )
    assert f"{over} role." in [notice.words for notice in await scene.store.transact(notices) if notice.to == BEN]
    await scene.react(ADA, event, "✅")
    await scene.say(OWEN, f"!share @acme {BEN.name} approver")
    assert (await scene.post()).state is DRAFT
    assert "1 of 2 (@ada:example.org)" in await now_says(scene, event)
    assert "it goes out now" in await scene.ask(BEN, "!approve k1")


async def test_what_stays_a_draft_though_it_needs_no_approval_any_more_is_named(scene: Scene) -> None:
    await team(scene)
    await scene.say(POLLY, "!schedule@acme in 2h | later")
    said = await scene.ask(OWEN, "!policy @acme approvals_from=everyone")
    assert "k1 waits for approval now." in said
    said = await scene.ask(OWEN, "!policy @acme approvals_from=contributors")
    assert said == (
        "@acme: approvals_from=contributors (was everyone).\nk1 stays a draft; @polly:example.org, who needs no"
        " approval now, can send it: !send k1"
    )
    assert await scene.ask(POLLY, "!send k1") == "Sending k1."
    assert (await scene.post()).state is PostState.SCHEDULED


async def test_of_many_that_go_another_way_the_number_is_said(scene: Scene) -> None:
    await team(scene, approvals=2)
    for number in range(7):
        await scene.say(ANA, f"!draft@acme number {number}")
        await scene.say(ADA, f"!approve k{number + 1}")
    said = await scene.ask(OWEN, "!policy @acme approvals=1")
    assert said.count("has enough approvals now: it goes out in 10 s. To stop it: !undo k") == 5
    assert said.endswith("And so for 2 more: !queue shows what waits.")
    assert [post.state for post in await scene.posts()] == [QUEUED] * 7


async def test_what_was_to_go_out_without_approval_is_shown_when_everybody_needs_one(scene: Scene) -> None:
    await team(scene)
    await scene.say(POLLY, "!schedule@acme in 2h | later")
    assert (await scene.post()).state is SCHEDULED
    assert "k1 waits for approval now." in await scene.ask(OWEN, "!policy @acme approvals_from=everyone")
    post = await scene.post()
    assert post.state is DRAFT
    await scene.react(ADA, await shown(scene, post), "✅")
    assert (await scene.post()).state is SCHEDULED


async def test_the_sign_of_a_draft_comes_back_with_it_and_once_only(scene: Scene) -> None:
    await team(scene)
    command = await scene.say(ANA, "!tweet@acme hello")
    post = await scene.post()
    await speak(scene)
    tick = await scene.say(ADA, "!approve k1")
    await speak(scene)
    await scene.redact(ADA, tick)
    await scene.redact(ADA, "$other")
    await scene.edit(ANA, command, "!nothing of that")
    await speak(scene)
    put = [a.id for a in await scene.answers(Speech.REACTION) if a.target == command and a.body == "👀"]
    gone = [a for a in await scene.answers(Speech.REDACTION) if a.post_id == post.id and a.target_answer in put]
    assert (len(put), len(gone)) == (2, 1)


# ---------------------------------------------------------------- roles


@pytest.mark.parametrize("text", [f"!unshare @acme {ADA.name}", f"!share @acme {ADA.name} poster"])
async def test_an_approval_goes_with_the_role_of_who_gave_it(scene: Scene, text: str) -> None:
    await team(scene)
    await scene.say(ANA, "!schedule@acme in 2h | later")
    post = await scene.post()
    event = await shown(scene, post)
    await scene.react(ADA, event, "✅")
    assert (await scene.post()).state is SCHEDULED
    await scene.ask(OWEN, text)
    assert (await scene.post()).state is DRAFT
    assert "it waits for approval, 0 of 1." in await now_says(scene, event)


async def test_an_approver_by_a_room_who_leaves_it_takes_their_approval_along(scene: Scene) -> None:
    account = await team(scene)
    await grant(scene, account, ADA, None)
    await gather(scene, DESK, ADA)
    await scene.store.transact(lambda tx: tx.shares.give(account.id, DESK, Role.APPROVER, NOW))
    for text, lose in (
        ("one", Gathering("$left", DESK, frozenset(), True)),
        ("two", RoomLost("$lost", DESK)),
        ("three", Gathering("$opened", DESK, frozenset({ADA}), False)),
    ):
        await gather(scene, DESK, ADA)
        _, event = await drafted(scene, text)
        await scene.react(ADA, event, "✅")
        assert (await scene.post()).state is QUEUED
        await scene.bot.deliver([lose])
        assert (await scene.post()).state is DRAFT, text


# ---------------------------------------------------------------- the approval room


async def test_the_approval_room_is_shown_what_waits_and_a_former_one_hides_it(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!draft@acme secret words", DM)
    post = await scene.post()
    await scene.say(OWEN, "!policy @acme room=here", DESK)
    event = await shown(scene, post, room=DESK)
    assert "│ secret words" in await now_says(scene, event)
    await scene.say(OWEN, "!policy @acme room=here", LOBBY)
    assert await now_says(scene, event) == "k1: not shown here any more. Nothing said here counts."
    assert await scene.react(ADA, event, "✅", room=DESK) == ""
    assert (await scene.post()).state is DRAFT
    await scene.react(ADA, await shown(scene, post, room=LOBBY), "✅", room=LOBBY)
    assert (await scene.post()).state is QUEUED
    assert len([1 for preview, _ in await previews(scene, post) if preview.room == LOBBY]) == 1


async def open_by_gathering(scene: Scene) -> None:
    await gather(scene, DESK, ADA, closed=False)


async def open_by_upgrade(scene: Scene) -> None:
    await gather(scene, LOBBY, ADA, closed=False)
    await scene.bot.deliver([RoomMoved("$moved", DESK, LOBBY)])


@pytest.mark.parametrize("opens", [open_by_gathering, open_by_upgrade])
async def test_an_approval_room_that_opens_shows_no_drafts_any_more(
    scene: Scene, opens: Callable[[Scene], Awaitable[None]]
) -> None:
    account = await team(scene)
    await gather(scene, DESK, ADA, OWEN)
    await scene.say(OWEN, "!policy @acme room=here", DESK)
    await scene.say(ANA, "!draft@acme secret words", DM)
    event = await shown(scene, await scene.post(), room=DESK)
    await opens(scene)
    await open_by_gathering(scene)  # told again: nothing more to say
    assert "secret" not in await now_says(scene, event)
    assert await scene.store.transact(lambda tx: tx.policies.of(account.id).room) is None
    assert await scene.react(ADA, event, "✅", room=DESK) == ""
    await scene.say(ANA, "!draft@acme more of them", DM)
    assert (await scene.post()).state is DRAFT
    heard = [a for a in await scene.answers() if a.room in (DESK, LOBBY) and a.id > 0]
    assert not any("more of them" in a.body for a in heard)
    assert sum("drafts from elsewhere are not shown here any more" in a.body for a in heard) == 1

    def told(tx: Tx) -> list[tuple[Identity, str]]:
        return [(notice.to, notice.words) for notice in notices(tx)]

    [(who, words)] = await scene.store.transact(told)
    assert who == OWEN
    assert "anybody could read the drafts of @acme there" in words
    assert ("", "policy", "not invite-only") in await deeds(scene)


async def test_a_preview_stays_where_it_was_asked_for_when_that_room_is_upgraded(scene: Scene) -> None:
    await team(scene)
    post, event = await drafted(scene)
    await scene.bot.deliver([RoomMoved("$moved", PRESS, LOBBY)])
    await scene.say(OWEN, "!policy @acme approvals=2", LOBBY)
    assert "│ hello" in await now_says(scene, event)
    for who in (ADA, BEN):
        await scene.react(who, event, "✅")
    assert (await scene.post()).state is QUEUED
    assert (await scene.post()).room == LOBBY
    assert post.room == PRESS


async def test_a_new_approver_is_counted_at_once(scene: Scene) -> None:
    account = await team(scene)
    for who in (BEN, ADA, OWEN):
        await grant(scene, account, who, None)
    await grant(scene, account, BEN, Role.OWNER)
    _, event = await drafted(scene, who=BEN)
    assert "Nobody can approve it yet" in await now_says(scene, event)
    await scene.say(BEN, f"!share @acme {ADA.name} approver")
    await offered(scene)
    await scene.say(ADA, "!accept", direct=True)
    assert "Nobody can approve it yet" not in await now_says(scene, event)


# ---------------------------------------------------------------- threads whose approval lapsed


async def stopped(scene: Scene, account_id: int) -> list[Post]:
    """A contributor's thread, approved by Ada, whose first part is out; then she was no approver any more."""
    await scene.say(ANA, THREAD)
    root = await scene.post(0)
    await scene.react(ADA, await shown(scene, root), "✅")
    first, *rest = await scene.posts()
    await scene.set(replace(first, state=PostState.POSTED, remote_id="1", claimed_at=NOW))
    for post in rest:
        await scene.set(replace(post, state=HELD))
    await scene.question(ANA, rest)
    account = await scene.store.transact(lambda tx: tx.accounts.get(account_id))
    assert account is not None
    await grant(scene, account, ADA, Role.POSTER)
    await scene.heard()
    return await scene.posts()


async def test_an_approver_lets_a_thread_go_on_whose_approval_lapsed(scene: Scene) -> None:
    account = await team(scene)
    await stopped(scene, account.id)
    refused = await scene.ask(ANA, "!send q1")
    assert refused.startswith("k2 is not approved any more, so the rest of its thread is not sent.")
    assert "An approver or owner can let it go on: !send k2" in refused
    for who in (ADA, POLLY):
        assert await scene.ask(who, "!send k2") == "k2 is by @ana:example.org, and only they can say that."
    assert await scene.ask(BEN, "!send k2") == "Sending 2 posts."
    assert [post.state for post in await scene.posts()] == [PostState.POSTED, QUEUED, QUEUED]
    assert await scene.store.transact(lambda tx: all(tx.decisions.stands(p, 1) for p in tx.posts.thread(1)))
    said = await deeds(scene)
    assert (BEN.name, "approve", "1 of 1") in said
    assert (BEN.name, "send", "queued") in said


async def test_a_thread_that_needs_two_goes_on_by_two(scene: Scene) -> None:
    account = await team(scene)
    await stopped(scene, account.id)
    await scene.say(OWEN, "!policy @acme approvals=2")
    assert "Approved k1: 1 of 2, so the rest of it still waits." in await scene.ask(BEN, "!send k2")
    assert (await scene.post(1)).state is HELD
    assert await scene.ask(OWEN, "!send k2") == "Sending 2 posts."


async def test_an_edit_into_another_number_of_parts_holds_all_of_them(scene: Scene) -> None:
    await team(scene)
    command = await scene.say(POLLY, THREAD)
    words = await scene.edit(POLLY, command, "!thread@acme one\n---\ntwo")
    assert "makes 2 parts of 3; that cannot be changed, but you can drop it and say it anew. So k1" in words
    assert "So k1, “one”, waits, not posted." in words
    assert [post.state for post in await scene.posts()] == [HELD] * 3
    assert await scene.ask(POLLY, "!send q1") == "Sending 3 posts."
    assert [post.state for post in await scene.posts()] == [QUEUED] * 3


# ---------------------------------------------------------------- what it says


async def test_a_time_is_shown_in_its_authors_zone_and_in_utc(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!timezone America/New_York")
    words = await scene.ask(ANA, "!schedule@acme 2027-01-16 09:00 | Good morning")
    at = "Saturday 16 January 2027, 09:00 EST (America/New_York), that is 14:00 UTC"
    assert f"To go out at {at}\n" in words
    assert f"To go out at {at}\n" in await scene.ask(ADA, "!show k1")


async def test_a_preview_that_says_it_already_is_not_edited(scene: Scene) -> None:
    await team(scene)
    await drafted(scene)
    await scene.say(OWEN, "!policy @acme hold=5s")
    assert await scene.answers(Speech.EDIT) == []
    await scene.say(OWEN, "!policy @acme approvals=2")
    await scene.say(OWEN, "!policy @acme hold=6s")
    assert len(await scene.answers(Speech.EDIT)) == 1
    await scene.say(OWEN, "!policy @acme approvals=1")
    assert [answer.body.splitlines()[-1][:48] for answer in await scene.answers(Speech.EDIT)] == [
        "Not posted: it waits for approval, 0 of 1. Appro"
    ]


async def test_who_said_send_stands_in_the_log(scene: Scene) -> None:
    await team(scene)
    await scene.say(POLLY, "!draft@acme hello")
    await scene.say(POLLY, "!send k1")
    assert (POLLY.name, "send", "queued") in await deeds(scene)


@pytest.mark.parametrize("verb", ["drop", "send", "approve", "show"])
async def test_several_names_in_one_command_do_nothing(scene: Scene, verb: str) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.say(ANA, "!schedule in 2h | one")
    await scene.say(ANA, "!schedule in 3h | two")
    words = await scene.ask(ANA, f"!{verb} k1 k2")
    assert words == f"One at a time, so I did nothing: !{verb} k1, then the next."
    assert {post.state for post in await scene.posts()} == {PostState.SCHEDULED}
