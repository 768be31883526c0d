"""Drafts: what becomes one, what its preview shows, and what approvers can do about it."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.interfaces import Tx
from bridge.model import Action, Draft, Edit, PostState, Reaction, Redaction, Role, Speech
from tests.unit.bot_scene import DM, NOW, PRESS, STALE, Scene
from tests.unit.drafting_scene import (
    ADA,
    ANA,
    BEN,
    DESK,
    NED,
    OWEN,
    POLLY,
    drafted,
    grant,
    now_says,
    previews,
    set_policy,
    shown,
    speak,
    team,
)

URL = "https://x.example/acme/status/1234567890123456789"
PEOPLE = {"owner": OWEN, "approver": ADA, "poster": POLLY, "contributor": ANA, "nobody": NED}


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
    assert (await scene.ask(ADA, "!approve k1")).startswith("Approved k1, “hello”: 1 of 2, it still waits.")
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


# ---------------------------------------------------------------- changed content


async def test_changed_content_is_a_new_preview_and_the_old_one_counts_for_nothing(scene: Scene) -> None:
    await team(scene, approvals=2)
    await scene.say(ANA, "!draft@acme helo")
    post = await scene.post()
    first = await shown(scene, post)
    await scene.react(BEN, first, "✅")
    words = await scene.edit(ANA, post.message_id, "!draft@acme hello")
    assert words.startswith("Draft k1.2 for @acme, by @ana:example.org:\n│ hello\n")
    assert "0 of 2" in words
    second = await shown(scene, post, 2)
    assert await now_says(scene, first) == "Replaced: k1 was changed and is k1.2 now. Nothing said here counts."
    for who in (ADA, BEN):
        assert await scene.react(who, first, "✅") == ""
        assert (await scene.ask(who, "!approve k1")).startswith("k1 was changed since, so nothing was done. It is k1.2")
        assert (await scene.ask(who, "!reject k1.1 no")).startswith("k1 was changed since")
        assert (await scene.ask(who, "!approve", reply_to=first)).startswith("k1 was changed since")
    assert (await scene.post()).state is PostState.DRAFT
    await scene.react(ADA, second, "✅")
    assert "goes out now" in await scene.ask(BEN, "!approve k1.2")
    assert (await scene.post()).draft == Draft("hello")


@pytest.mark.parametrize("how", ["edit", "verb"])
@pytest.mark.parametrize("first", ["edit", "tick"])
async def test_an_edit_in_the_same_batch_as_the_tick(scene: Scene, how: str, first: str) -> None:
    """Whichever comes first: what goes out is what was approved, or nothing."""
    await team(scene)
    await scene.say(ANA, "!draft@acme helo")
    post = await scene.post()
    preview = await shown(scene, post)
    edit = (
        Edit("$edit", PRESS, ANA, post.message_id, "!draft@acme hello", scene.now)
        if how == "edit"
        else scene.message(ANA, "!edit k1 hello")
    )
    tick = Reaction("$tick", PRESS, ADA, preview, "✅", scene.now + 0.001)
    await scene.bot.deliver([edit, tick] if first == "edit" else [tick, edit])
    post = await scene.post()
    assert (post.state, post.draft.text) == (PostState.DRAFT, "hello")
    assert not await scene.store.transact(lambda tx: tx.decisions.stands(post, 1))
    await scene.react(ADA, await shown(scene, post, 2), "✅")
    assert (await scene.post()).state is PostState.QUEUED


async def test_an_edit_back_to_the_first_text_needs_a_new_approval(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!draft@acme one")
    post = await scene.post()
    first = await shown(scene, post)
    await scene.edit(ANA, post.message_id, "!draft@acme two")
    await scene.edit(ANA, post.message_id, "!draft@acme one")
    assert await scene.react(ADA, first, "✅") == ""
    assert (await scene.post()).state is PostState.DRAFT
    await scene.react(ADA, await shown(scene, post, 3), "✅")
    assert (await scene.post()).state is PostState.QUEUED


async def test_an_edit_after_the_approval_takes_it_back(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!tweet@acme one")
    post = await scene.post()
    await scene.react(ADA, await shown(scene, post), "✅")
    assert (await scene.post()).state is PostState.QUEUED
    await scene.edit(ANA, post.message_id, "!tweet@acme two")
    changed = await scene.post()
    assert (changed.state, changed.draft.text) == (PostState.DRAFT, "two")


async def test_an_edit_that_makes_something_else_of_it_voids_the_approval(scene: Scene) -> None:
    await team(scene, approvals=2)
    await scene.say(ANA, "!tweet@acme one")
    post = await scene.post()
    event = await shown(scene, post)
    await scene.react(ADA, event, "✅")
    words = await scene.edit(ANA, post.message_id, "oops")
    assert words.startswith("Your edit is no !tweet any more. So k1 keeps its text and waits for approval anew")
    assert "0 of 2" in await now_says(scene, event)
    await scene.react(BEN, event, "✅")
    assert (await scene.post()).state is PostState.DRAFT


async def test_who_changed_it_cannot_approve_it(scene: Scene) -> None:
    account = await team(scene)
    post, _ = await drafted(scene)
    await scene.ask(ADA, "!edit k1 goodbye")
    second = await shown(scene, post, 2)
    assert (await scene.react(ADA, second, "✅")).startswith("You changed k1 to what it says now")
    await grant(scene, account, BEN, None)
    await grant(scene, account, OWEN, None)
    assert "Nobody can approve" in await scene.ask(ADA, "!show k1")
    await grant(scene, account, BEN, Role.OWNER)
    await scene.react(BEN, second, "✅")
    assert (await scene.post()).state is PostState.QUEUED


@pytest.mark.parametrize("state", [PostState.SENDING, PostState.POSTED, PostState.UNKNOWN])
async def test_what_may_be_out_is_not_changed(scene: Scene, state: PostState) -> None:
    await team(scene)
    post, event = await drafted(scene)
    await scene.react(ADA, event, "✅")
    await scene.set(replace(await scene.post(), state=state, claimed_at=scene.now))
    assert (await scene.ask(ANA, "!edit k1 other")).startswith("It is too late to change k1: it is")
    assert "keeps the first text" in await scene.edit(ANA, post.message_id, "!draft@acme other")
    assert await scene.react(BEN, event, "✅") == ""
    assert (await scene.ask(BEN, "!approve k1")).startswith("k1 does not wait for approval")
    assert (await scene.post()).draft.text == "hello"


async def test_edit_has_words_for_every_wrong_text(scene: Scene) -> None:
    await team(scene)
    await drafted(scene)
    assert "says just that already" in await scene.ask(ANA, "!edit k1 hello")
    assert "no text" in await scene.ask(ANA, "!edit k1")
    assert "too long" in await scene.ask(ANA, "!edit k1 " + "a" * 300)
    assert "Which one?" in await scene.ask(ANA, "!edit")
    assert "I know no post “k9”" in await scene.ask(ANA, "!edit k9 x")
    assert "k1 was changed since" in await scene.ask(ANA, "!edit k1.7 x")
    await scene.say(ANA, f"!retweet@acme {URL}")
    assert "no text that could be changed" in await scene.ask(ANA, "!edit k2 x")
    assert (await scene.post(0)).draft.text == "hello"


async def test_edit_changes_a_queued_post_of_its_author(scene: Scene) -> None:
    await team(scene, hold=20.0)
    await scene.say(POLLY, "!tweet@acme helo")
    assert (await scene.post()).due_at == NOW + 20.0
    assert await scene.ask(POLLY, "!edit k1 hello") == "Changed k1, “hello”: it goes out."
    assert (await scene.ask(ADA, "!edit k1 no")).startswith("You may not change k1")
    assert (await scene.post()).draft.text == "hello"
    words = await scene.ask(POLLY, "!edit k1 my password: hunter2!")
    assert words == "Changed k1, (words that look like a secret): not posted, it waits for its author's word."


# ---------------------------------------------------------------- taking it back


@pytest.mark.parametrize("by", ["reaction", "command"])
async def test_taking_the_approval_back_before_it_is_sent(scene: Scene, by: str) -> None:
    await team(scene)
    post, event = await drafted(scene)
    if by == "reaction":
        await scene.bot.deliver([Reaction("$tick", PRESS, ADA, event, "✅", scene.now)])
        tick = "$tick"
    else:
        tick = await scene.say(ADA, "!approve k1")
    assert (await scene.post()).state is PostState.QUEUED
    assert await scene.redact(BEN, tick) == ""  # a moderator's broom is no approver's word
    assert (await scene.post()).state is PostState.QUEUED
    words = await scene.redact(ADA, tick)
    assert words == "@ada:example.org took the approval back: k1, “hello”, waits again, not posted."
    assert (await scene.post()).state is PostState.DRAFT
    assert "0 of 1" in await now_says(scene, event)
    await scene.react(ADA, event, "✅")
    assert (await scene.post()).state is PostState.QUEUED
    assert post.content == (await scene.post()).content


async def test_taking_back_one_of_more_than_enough_changes_nothing(scene: Scene) -> None:
    await team(scene)
    _, event = await drafted(scene)
    ticks = [Reaction(f"$tick-{who.name}", PRESS, who, event, "✅", scene.now) for who in (ADA, BEN)]
    await scene.bot.deliver(ticks)
    assert await scene.redact(BEN, ticks[1].id) == ""
    assert (await scene.post()).state is PostState.QUEUED
    assert "waits again" in await scene.redact(ADA, ticks[0].id)
    assert (await scene.post()).state is PostState.DRAFT


async def test_taking_it_back_too_late_is_said(scene: Scene) -> None:
    await team(scene)
    _, event = await drafted(scene)
    await scene.bot.deliver([Reaction("$tick", PRESS, ADA, event, "✅", scene.now)])
    await scene.set(replace(await scene.post(), state=PostState.POSTED, remote_id="1", claimed_at=scene.now))
    assert await scene.redact(ADA, "$tick") == "Too late: k1 is posted already · !undo k1"


async def test_a_tick_and_its_end_in_one_batch(scene: Scene) -> None:
    await team(scene)
    _, event = await drafted(scene)
    await scene.bot.deliver(
        [Reaction("$tick", PRESS, ADA, event, "✅", scene.now), Redaction("$gone", PRESS, ADA, "$tick", scene.now)]
    )
    assert (await scene.post()).state is PostState.DRAFT


@pytest.mark.parametrize("state", ["draft", "approved"])
async def test_its_author_takes_the_command_away(scene: Scene, state: str) -> None:
    await team(scene)
    post, event = await drafted(scene)
    if state == "approved":
        await scene.react(ADA, event, "✅")
    words = await scene.redact(ANA, post.message_id)
    assert words == "You removed the command. Undone before it went out: k1, “hello”, not posted."
    assert (await scene.post()).state is PostState.FAILED
    assert "Not posted: undone." in await now_says(scene, event)
    assert await scene.react(BEN, event, "✅") != ""
    assert (await scene.post()).state is PostState.FAILED


async def test_somebody_else_removes_the_command(scene: Scene) -> None:
    await team(scene)
    post, _ = await drafted(scene)
    words = await scene.redact(BEN, post.message_id)
    assert "the draft still waits for approval" in words
    assert (await scene.post()).state is PostState.DRAFT


# ---------------------------------------------------------------- time, rest, log


async def test_a_scheduled_draft_waits_for_its_time(scene: Scene) -> None:
    await team(scene)
    post, event = await drafted(scene)

    def work(tx: Tx) -> None:
        tx.posts.extend(replace(post, scheduled_for=NOW + 3600.0))

    await scene.store.transact(work)
    assert not await scene.store.transact(lambda tx: tx.decisions.stands(post, 1))
    await scene.react(ADA, event, "✅")
    assert (await scene.post()).state is PostState.DRAFT  # the time is part of what is approved


async def test_an_approved_post_that_grew_old_asks_its_author_and_then_goes(scene: Scene) -> None:
    await team(scene)
    _, event = await drafted(scene)
    await scene.react(ADA, event, "✅")
    post = replace(await scene.post(), state=PostState.HELD)
    await scene.set(post)
    await scene.question(ANA, [post], "$question")
    assert await scene.react(ANA, "$question", "✅") == ""
    assert (await scene.post()).state is PostState.QUEUED


async def test_a_held_post_of_somebody_demoted_becomes_a_draft(scene: Scene) -> None:
    account = await team(scene)
    await scene.say(POLLY, "!tweet@acme hello", age=STALE * 2)
    post = await scene.post()
    assert post.state is PostState.HELD
    label = await scene.question(POLLY, [post])
    await grant(scene, account, POLLY, Role.CONTRIBUTOR)
    message = await scene.say(POLLY, f"!send {label}")
    assert "k1 waits for approval now, not for your word" in "\n".join(await scene.heard())
    assert await scene.signs(message) == []  # nothing failed
    assert (await scene.post()).state is PostState.DRAFT


async def test_the_log_tells_it_all(scene: Scene) -> None:
    account = await team(scene, approvals=2)
    _, event = await drafted(scene)
    await scene.bot.deliver([Reaction("$tick", PRESS, ADA, event, "✅", scene.now)])
    await scene.redact(ADA, "$tick")
    await scene.ask(ANA, "!edit k1 goodbye")
    await scene.ask(ADA, "!approve k1.2")
    await scene.ask(BEN, "!reject k1.2 no")
    deeds = await scene.store.transact(lambda tx: tx.log.of_account(account.id, 100))
    assert [(deed.actor, deed.verb, deed.outcome) for deed in deeds if deed.post_id is not None] == [
        (ANA, "draft", "waits for approval"),
        (ADA, "approve", "1 of 2"),
        (ADA, "withdraw", "waits again"),
        (ANA, "edit", "draft"),
        (ADA, "approve", "1 of 2"),
        (BEN, "reject", "“no”"),
    ]


async def test_every_content_has_its_own_hash(scene: Scene) -> None:
    account = await team(scene)
    other = await scene.account("own", ana=Role.OWNER)
    post, _ = await drafted(scene)

    def work(tx: Tx) -> int:
        seen: set[str] = set()
        changes: tuple[dict[str, Any], ...] = (
            {},
            {"draft": Draft("hello ")},
            {"draft": Draft("hello", "1")},
            {"scheduled_for": NOW},
            {"scheduled_for": NOW + 1},
        )
        for change in changes:
            row = replace(post, **change)
            tx.posts.save(row)
            tx.posts.extend(row)
            seen.add(tx.decisions.content(row))
        for account_id, target in ((other.id, None), (account.id, "1")):
            row = tx.posts.add(
                Action.POST, account_id, ANA, PRESS, "$m", None, Draft("hello"), state=PostState.DRAFT, now=NOW,
                fresh_at=NOW, due_at=NOW, target=target,
            )  # fmt: skip
            seen.add(tx.decisions.content(row))
        return len(seen)

    assert await scene.store.transact(work) == 7
