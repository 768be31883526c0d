"""Drafts: changed content, approvals that are taken back, and time that passes."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.interfaces import Tx
from bridge.model import Action, Draft, Edit, PostState, Reaction, Redaction, Role
from tests.unit.bot_scene import NOW, PRESS, STALE, Scene
from tests.unit.drafting_scene import ADA, ANA, BEN, CHANGED, OWEN, POLLY, URL, drafted, grant, now_says, shown, team

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
        assert await scene.react(who, first, "✅") == CHANGED.format(2, "approve")
        assert await scene.react(who, first, "✅") == ""  # once is enough
        assert await scene.react(who, first, "❌") == CHANGED.format(2, "reject")
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
    for who in (POLLY, ANA):  # it is not theirs to decide
        assert await scene.react(who, first, "✅") == ""
    assert await scene.react(ADA, first, "✅") == CHANGED.format(3, "approve")
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
    stands = "whether it is out is unknown" if state is PostState.UNKNOWN else f"it is {state.value}"
    assert (await scene.ask(ANA, "!edit k1 other")).startswith(f"It is too late to change k1: {stands}.")
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
    assert await scene.ask(POLLY, "!edit k1 hello") == "Changed k1, “hello”: it goes out in 20 s. To stop it: !undo k1"
    assert (await scene.ask(ADA, "!edit k1 no")).startswith("You may not change k1")
    assert (await scene.post()).draft.text == "hello"
    words = await scene.ask(POLLY, "!edit k1 my password: hunter2!")
    assert (
        words == "Changed k1, (words that look like a secret): not posted, it waits for its author's word (!send k1)."
    )


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
    assert f"Not posted: undone by {ANA.name}." in await now_says(scene, event)
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
