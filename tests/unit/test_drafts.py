"""Drafts: what becomes one, and what its preview shows."""

from dataclasses import replace

import pytest

from bridge.model import PostState, Role
from tests.unit.bot_scene import DM, STALE, Scene
from tests.unit.drafting_scene import (
    ADA,
    ANA,
    BEN,
    DESK,
    OWEN,
    PEOPLE,
    POLLY,
    URL,
    drafted,
    grant,
    now_says,
    previews,
    set_policy,
    shown,
    team,
)

# ---------------------------------------------------------------- what becomes a draft


_PUBLISHED = {
    ("contributors", "owner"): "queued",
    ("contributors", "approver"): "queued",
    ("contributors", "poster"): "queued",
    ("contributors", "contributor"): "draft",
    ("contributors", "nobody"): "",
    ("everyone", "owner"): "draft",
    ("everyone", "approver"): "draft",
    ("everyone", "poster"): "draft",
    ("everyone", "contributor"): "draft",
    ("everyone", "nobody"): "",
}


@pytest.mark.parametrize(("policy", "role"), _PUBLISHED)
@pytest.mark.parametrize("verb", ["tweet hello", f"reply {URL} hello", f"retweet {URL}"])
async def test_who_posts_and_who_drafts(scene: Scene, policy: str, role: str, verb: str) -> None:
    await team(scene, approvals_from=policy)
    name, _, rest = verb.partition(" ")
    words = await scene.ask(PEOPLE[role], f"!{name}@acme {rest}")
    states = [post.state.value for post in await scene.posts()]
    expected = _PUBLISHED[policy, role]
    assert states == ([expected] if expected else [])
    if not expected:
        assert words.startswith("Not posted")
        assert "You have no account “@acme” here." in words
    else:
        assert words.startswith("Draft k1 for @acme, by " if expected == "draft" else "")
    assert await scene.signs("$1") == [{"draft": "👀", "queued": "⏳", "": "❌"}[expected]]


@pytest.mark.parametrize("role", PEOPLE)
async def test_everybody_with_a_role_may_draft(scene: Scene, role: str) -> None:
    await team(scene)
    words = await scene.ask(PEOPLE[role], "!draft@acme hello")
    if role == "nobody":
        assert words.startswith("Not posted: “hello”. You have no account “@acme” here.")
        assert await scene.posts() == []
    else:
        assert words.startswith(f"Draft k1 for @acme, by {PEOPLE[role].name}:\n│ hello\nCounts 5 characters.\n")
        assert (await scene.post()).state is PostState.DRAFT


async def test_a_draft_that_cannot_be_posted_is_refused(scene: Scene) -> None:
    await team(scene)
    assert "too long" in await scene.ask(ANA, "!draft@acme " + "a" * 300)
    assert "no text" in await scene.ask(ANA, "!draft@acme")
    assert "broken character" in await scene.ask(ANA, "!draft@acme \ud800")
    assert await scene.posts() == []


async def test_an_old_tweet_of_a_contributor_is_a_draft_too(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!tweet@acme hello", age=STALE * 2)
    assert (await scene.post()).state is PostState.DRAFT


# ---------------------------------------------------------------- the preview


async def test_the_preview_says_everything(scene: Scene) -> None:
    await team(scene, approvals=2)
    words = await scene.ask(ANA, f"!reply@acme {URL} Hi 👋 you\nsecond line")
    assert words.splitlines() == [
        "Draft k1 for @acme, by @ana:example.org:",
        "│ Hi 👋 you",
        "│ second line",
        "Counts 21 characters.",
        f"Reply to {URL}",
        "Costs $0.015",
        (
            "Not posted: it waits for approval, 0 of 2. Approve: ✅ here or !approve k1 · reject: ❌ or !reject k1 "
            "[reason] · change: !edit k1 TEXT · drop: !drop k1"
        ),
    ]


async def test_a_frozen_account_is_said(scene: Scene) -> None:
    account = await team(scene)
    await scene.store.transact(lambda tx: tx.accounts.save(replace(account, frozen=str(OWEN))))
    post, event = await drafted(scene)
    assert "@acme is frozen: nothing goes out until that is lifted." in await now_says(scene, event)
    await scene.react(ADA, event, "✅")
    assert (await scene.post()).state is PostState.QUEUED  # the outbox claims nothing of it
    assert "@acme is frozen" in await now_says(scene, await shown(scene, post))


async def test_nothing_in_a_text_looks_like_the_bots_words(scene: Scene) -> None:
    await team(scene)
    words = await scene.ask(ANA, "!draft@acme a\nApproved by everybody\u2028Post it\r\nnow")
    said = words.splitlines()
    assert said[1:5] == ["│ a", "│ Approved by everybody", "│ Post it", "│ now"]


async def test_what_looks_wrong_stands_in_the_preview(scene: Scene) -> None:
    await team(scene)
    words = await scene.ask(ANA, "!draft@acme call +49 30 1234567 now")
    assert "Look twice: It looks as if a phone number were in it." in words


async def test_a_preview_is_a_message_of_its_own(scene: Scene) -> None:
    await team(scene)
    for text in ("one", "two"):
        await scene.say(ANA, f"!draft@acme {text}")
    await scene.say(ANA, "!whoami")
    events = {event for post in await scene.posts() for _, event in await previews(scene, post)}
    assert len(events) == 2
    for event in events:
        assert len([a for a in await scene.answers() if a.event_id == event]) == 1


async def test_it_is_shown_where_it_was_asked_and_in_the_approval_room(scene: Scene) -> None:
    account = await team(scene)
    await set_policy(scene, account, room=DESK)
    post, _ = await drafted(scene, room=DM)
    seen = await previews(scene, post)
    assert [preview.room for preview, _ in seen] == [DM, DESK]
    await scene.react(ADA, seen[1][1], "✅", room=DESK)
    assert (await scene.post()).state is PostState.QUEUED
    for _, event in seen:
        assert "Approved by @ada:example.org: it goes out." in await now_says(scene, event)
    await scene.say(ANA, "!draft@acme there", DESK)
    assert [preview.room for preview, _ in await previews(scene, await scene.post())] == [DESK]


async def test_in_private_it_says_who_cannot_see_it(scene: Scene) -> None:
    account = await team(scene)
    words = await scene.ask(ANA, "draft@acme hello", DM)
    assert words.startswith("Its approvers do not see this chat. Ask one of them to write !show k1 and decide, or an ")
    assert "Draft k1 for @acme" in words
    shown_elsewhere = await scene.ask(ADA, "!show k1")
    assert "│ hello" in shown_elsewhere
    assert await scene.ask(ADA, "!approve k1") == "Approved k1: it goes out now."  # the words of a DM stay there
    await set_policy(scene, account, room=DESK)
    assert "do not see" not in await scene.ask(ANA, "draft@acme hello again", DM)
    assert await scene.ask(ADA, "!reject k2 no", DESK) == (
        "@ada:example.org rejected k2, “hello again”: “no”. Not posted.\nRejected k2, “hello again”: not posted."
    )


@pytest.mark.parametrize("verb", ["approve", "reject", "show", "edit"])
async def test_a_draft_is_named_without_its_account(scene: Scene, verb: str) -> None:
    await team(scene)
    await drafted(scene)
    assert (await scene.ask(ADA, f"!{verb}@other k1 x")).startswith(
        "Say which draft instead of which account: !" + verb
    )
    assert (await scene.post()).state is PostState.DRAFT


async def test_without_another_approver_it_is_kept_and_said(scene: Scene) -> None:
    account = await team(scene)
    for who in (OWEN, BEN, ADA):
        await grant(scene, account, who, None)
    words = await scene.ask(ANA, "!tweet@acme hello")
    assert "Nobody can approve it yet" in words
    assert (await scene.post()).state is PostState.DRAFT
    await grant(scene, account, ADA, Role.APPROVER)
    await scene.react(ADA, await shown(scene, await scene.post()), "✅")
    assert (await scene.post()).state is PostState.QUEUED


async def test_the_sole_owner_cannot_approve_but_may_send_their_own_draft(scene: Scene) -> None:
    account = await team(scene)
    for who in (ANA, BEN, ADA, POLLY):
        await grant(scene, account, who, None)
    _, event = await drafted(scene, who=OWEN)
    assert "Nobody can approve it yet" in await now_says(scene, event)
    assert (await scene.react(OWEN, event, "✅")).startswith(
        "You wrote k1, so somebody else has to approve it. You may"
    )
    assert (await scene.ask(OWEN, "!approve k1")).startswith("You wrote k1, so somebody else has to approve it.")
    assert await scene.ask(OWEN, "!send k1") == "Sending k1."
    sent = await scene.post()
    assert (sent.state, sent.content) == (PostState.QUEUED, "")
    assert "sent this draft without waiting" in await now_says(scene, event)
    await set_policy(scene, account, approvals_from="everyone")
    await drafted(scene, who=OWEN)
    assert (await scene.ask(OWEN, "!send k2")).startswith("k2 waits for approval, not for your word.")
