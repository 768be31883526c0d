"""Drafts: who decides about them, how many it takes, and what a decision is worth later."""

from dataclasses import replace

import pytest

from bridge.model import PostState, Reaction, Role, Speech
from tests.unit.bot_scene import PRESS, STALE, Scene
from tests.unit.drafting_scene import ADA, ANA, BEN, DESK, OWEN, PEOPLE, drafted, grant, now_says, speak, team

# ---------------------------------------------------------------- who decides


_TICKED = {
    ("✅", "owner"): ("", PostState.QUEUED),
    ("✅", "approver"): ("", PostState.QUEUED),
    ("✅", "poster"): ("You may not approve k1: your role is poster", PostState.DRAFT),
    ("✅", "contributor"): ("You wrote k1, so somebody else has to approve it.", PostState.DRAFT),
    ("✅", "nobody"): ("You may not approve k1: you have no role on its account.", PostState.DRAFT),
    ("❌", "owner"): ("@owen:example.org rejected k1, “hello”. Not posted.", PostState.FAILED),
    ("❌", "approver"): ("@ada:example.org rejected k1, “hello”. Not posted.", PostState.FAILED),
    ("❌", "poster"): ("You may not reject k1: your role is poster", PostState.DRAFT),
    ("❌", "contributor"): ("", PostState.FAILED),
    ("❌", "nobody"): ("You may not reject k1: you have no role on its account.", PostState.DRAFT),
    ("👍", "approver"): ("", PostState.DRAFT),
}


@pytest.mark.parametrize(("key", "role"), _TICKED)
async def test_every_reaction_by_every_role(scene: Scene, key: str, role: str) -> None:
    await team(scene)
    _, event = await drafted(scene)
    words, state = _TICKED[key, role]
    said = await scene.react(PEOPLE[role], event, key)
    assert said.startswith(words)
    assert bool(said) == bool(words)
    assert (await scene.post()).state is state
    assert await scene.react(PEOPLE[role], event, key) == ""  # the same words are said once


@pytest.mark.parametrize("role", PEOPLE)
@pytest.mark.parametrize("key", ["✅", "❌"])
async def test_by_command_reactions_count_for_nothing_and_that_is_said_once(scene: Scene, role: str, key: str) -> None:
    await team(scene, approve_by="command")
    _, event = await drafted(scene)
    assert "(reactions do not count here)" in await now_says(scene, event)
    words = "Reactions do not count for this account. Write !approve k1 or !reject k1"
    assert await scene.react(PEOPLE[role], event, key) == words
    assert await scene.react(PEOPLE[role], event, key) == ""
    assert (await scene.post()).state is PostState.DRAFT


@pytest.mark.parametrize(
    ("state", "kind"),
    [("draft", "Draft"), ("queued", "Draft"), ("failed", "Draft"), ("posted", "Post"), ("unknown", "Post")],
)
async def test_what_may_be_out_is_no_draft_any_more(scene: Scene, state: str, kind: str) -> None:
    await team(scene)
    post, _ = await drafted(scene)
    await scene.set(replace(post, state=PostState(state)))
    assert (await scene.ask(ADA, "!show k1")).startswith(f"{kind} k1 for @acme, by @ana:example.org:")


async def test_a_reaction_elsewhere_counts_for_nothing(scene: Scene) -> None:
    await team(scene)
    post, event = await drafted(scene)
    shown_again = await scene.ask(ADA, "!show k1")
    assert "✅" not in shown_again
    await speak(scene)
    listing = next(a for a in await scene.answers() if a.body == shown_again)
    assert listing.event_id is not None
    for target in (post.message_id, listing.event_id, "$other"):
        assert await scene.react(ADA, target, "✅") == ""
    assert await scene.react(ADA, event, "✅", room=DESK) == ""  # an event of that id in another room is another one
    assert (await scene.post()).state is PostState.DRAFT


async def test_an_old_tick_approves_nothing_and_an_old_cross_rejects(scene: Scene) -> None:
    await team(scene)
    _, event = await drafted(scene)
    words = await scene.react(ADA, event, "✅", age=STALE * 2)
    assert words == "Your ✅ is 20 min old, so it approved nothing. If you still want it: !approve k1"
    assert (await scene.post()).state is PostState.DRAFT
    await scene.react(ADA, event, "❌", age=STALE * 2)
    assert (await scene.post()).state is PostState.FAILED


async def test_a_rejection_tells_the_author_why(scene: Scene) -> None:
    await team(scene)
    post, event = await drafted(scene)
    await scene.ask(ADA, "!reject k1 the date\nis wrong", DESK)
    told = [a for a in await scene.answers(Speech.TEXT) if a.room == PRESS and a.target == post.message_id][-1]
    assert told.body == "@ada:example.org rejected k1, “hello”: “the date is wrong”. Not posted."
    assert told.mention == ANA
    assert "Not posted: rejected by @ada:example.org: “the date is wrong”." in await now_says(scene, event)
    assert "❌" in await scene.signs(post.message_id)
    assert (await scene.ask(BEN, "!approve k1")).startswith("k1 does not wait for approval: it is not posted")


async def test_replying_to_the_preview_names_it(scene: Scene) -> None:
    await team(scene)
    _, event = await drafted(scene)
    assert "Which one?" in await scene.ask(ADA, "!approve")
    assert "Which one?" in await scene.ask(ADA, "!approve hello", reply_to=event)
    assert "goes out now" in await scene.ask(ADA, "!approve", reply_to=event)


# ---------------------------------------------------------------- two of them


async def test_two_distinct_people_are_needed(scene: Scene) -> None:
    await team(scene, approvals=2)
    _, event = await drafted(scene)
    await scene.react(ADA, event, "✅")
    assert "1 of 2 (@ada:example.org)" in await now_says(scene, event)
    await scene.react(ADA, event, "✅\ufe0f")
    assert (await scene.ask(ADA, "!approve k1")).startswith("You had approved k1, “hello” before: 1 of 2, it")
    assert (await scene.post()).state is PostState.DRAFT
    await scene.react(BEN, event, "✅")
    assert (await scene.post()).state is PostState.QUEUED
    assert "Approved by @ada:example.org, @ben:example.org" in await now_says(scene, event)


@pytest.mark.parametrize("approvals", [1, 2])
@pytest.mark.parametrize("apart", [False, True])
async def test_in_the_same_instant_it_is_queued_once(scene: Scene, approvals: int, apart: bool) -> None:
    await team(scene, approvals=approvals)
    post, event = await drafted(scene)
    ticks = [Reaction(f"$tick-{who.name}", PRESS, who, event, "✅", scene.now) for who in (ADA, BEN)]
    if apart:
        for tick in ticks:
            await scene.bot.deliver([tick])
    else:
        await scene.bot.deliver(ticks)
    assert await scene.heard() == []
    assert [p.state for p in await scene.posts()] == [PostState.QUEUED]
    assert (await scene.signs(post.message_id)).count("⏳") == 1
    stands = await scene.store.transact(lambda tx: tx.decisions.stands(post, 2))
    assert stands


async def test_demoted_between_preview_and_tick(scene: Scene) -> None:
    account = await team(scene)
    _, event = await drafted(scene)
    await grant(scene, account, ADA, Role.POSTER)
    assert (await scene.react(ADA, event, "✅")).startswith("You may not approve k1: your role is poster")
    await grant(scene, account, ADA, None)
    assert (await scene.react(ADA, event, "✅")).startswith("You may not approve k1: you have no role")
    assert (await scene.post()).state is PostState.DRAFT


async def test_an_approval_of_somebody_demoted_since_does_not_count(scene: Scene) -> None:
    account = await team(scene, approvals=2)
    _, event = await drafted(scene)
    await scene.react(ADA, event, "✅")
    await grant(scene, account, ADA, Role.POSTER)
    await scene.react(BEN, event, "✅")
    assert (await scene.post()).state is PostState.DRAFT
    assert "1 of 2 (@ben:example.org)" in await now_says(scene, event)
    await scene.react(OWEN, event, "✅")
    post = await scene.post()
    assert post.state is PostState.QUEUED
    await grant(scene, account, BEN, None)
    assert not await scene.store.transact(lambda tx: tx.decisions.stands(post, 2))
