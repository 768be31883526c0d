"""undo, and the removal of a command message."""

from dataclasses import replace

import pytest

from bridge.model import Account, Action, Post, PostState, Role, Speech, label
from tests.unit.bot_scene import ANA, BEN, EVE, LOBBY, PRESS, STALE, Scene

REMOTE = "1234567890123456789"


async def tweet(scene: Scene, state: PostState = PostState.QUEUED, text: str = "hello", **more: object) -> Post:
    """A post of Ana's, brought to that state as the outbox would."""
    await scene.say(ANA, f"!tweet {text}")
    post = replace(await scene.post(), state=state, **more)  # type: ignore[arg-type]  # a table of fields
    if state is PostState.POSTED:
        post = replace(post, remote_id=post.remote_id or REMOTE)
    await scene.set(post)
    return post


@pytest.fixture
async def acme(scene: Scene) -> Account:
    return await scene.account("acme", ana=Role.POSTER, ben=Role.APPROVER)


@pytest.mark.parametrize("how", ["!undo", "!undo {label}", "!UNDO  {LABEL} "])
async def test_a_waiting_post_is_dropped_at_once(scene: Scene, acme: Account, how: str) -> None:
    post = await tweet(scene)
    answer = await scene.ask(ANA, how.format(label=post.label, LABEL=post.label.upper()))
    assert "“hello”" in answer
    assert "not posted" in answer
    after = await scene.post()
    assert (after.state, after.reason) == (PostState.FAILED, f"undone by {ANA.name}")
    assert await scene.signs(post.message_id) == ["❌"]  # the ⏳ was never sent, and never will be
    assert len(await scene.posts()) == 1


async def test_a_sign_that_was_sent_is_taken_away(scene: Scene, acme: Account) -> None:
    post = await tweet(scene)
    [sign] = await scene.answers(Speech.REACTION)
    await scene.said(sign, "$sign")
    await scene.say(ANA, "!undo")
    [gone] = await scene.answers(Speech.REDACTION)
    assert gone.target_answer == sign.id
    assert await scene.signs(post.message_id) == ["⏳", "❌"]


@pytest.mark.parametrize("state", [PostState.SENDING, PostState.UNKNOWN])
async def test_a_post_on_its_way_is_deleted_when_its_fate_is_known(
    scene: Scene, acme: Account, state: PostState
) -> None:
    post = await tweet(scene, state)
    assert "on its way" in await scene.ask(ANA, "!undo")
    row = await scene.post()
    assert (row.action, row.undoes, row.state, row.due_at) == (Action.DELETE, post.id, PostState.QUEUED, float("inf"))
    assert "already" in await scene.ask(ANA, "!undo")
    assert len(await scene.posts()) == 2


@pytest.mark.parametrize(
    "how", ["!undo", "!undo {label}", "!undo " + REMOTE, "!undo https://x.example/acme/status/" + REMOTE]
)
async def test_a_post_that_is_out_is_deleted_now(scene: Scene, acme: Account, how: str) -> None:
    post = await tweet(scene, PostState.POSTED)
    said = await scene.say(ANA, how.format(label=post.label))
    row = await scene.post()
    assert (row.action, row.undoes, row.due_at, row.message_id) == (Action.DELETE, post.id, scene.now, said)
    assert await scene.heard() == []  # the outbox says what became of it
    assert await scene.signs(said) == ["⏳"]
    assert "already" in await scene.ask(ANA, f"!undo {post.label}")
    await scene.set(replace(row, state=PostState.POSTED))
    await scene.set(replace(post, deleted=True))
    assert "undone before" in await scene.ask(ANA, f"!undo {post.label}")
    assert len(await scene.posts()) == 2


async def test_a_queued_post_whose_first_attempt_may_be_out_is_not_called_not_posted(
    scene: Scene, acme: Account
) -> None:
    post = await tweet(scene, claimed_at=scene.now)
    assert "not posted" not in await scene.ask(ANA, "!undo")
    row = await scene.post()
    assert (row.action, row.undoes, row.due_at) == (Action.DELETE, post.id, float("inf"))
    assert (await scene.post(0)).state is PostState.QUEUED


async def test_a_deletion_that_failed_can_be_asked_for_again(scene: Scene, acme: Account) -> None:
    post = await tweet(scene, PostState.POSTED)
    await scene.say(ANA, "!undo")
    await scene.set(replace(await scene.post(), state=PostState.FAILED))
    await scene.say(ANA, f"!undo {post.label}")
    assert [p.state for p in await scene.posts()][1:] == [PostState.FAILED, PostState.QUEUED]


async def test_a_post_that_failed_has_nothing_to_undo(scene: Scene, acme: Account) -> None:
    post = await tweet(scene, PostState.FAILED)
    assert "did not go out" in await scene.ask(ANA, f"!undo {post.label}")
    assert len(await scene.posts()) == 1


async def test_the_latest_is_mine_and_of_this_room(scene: Scene, acme: Account) -> None:
    mine = await tweet(scene)
    await scene.say(BEN, "!tweet of Ben")
    await scene.say(ANA, "!tweet elsewhere", LOBBY)
    await scene.say(ANA, "!undo")
    states = {p.id: p.state for p in await scene.posts()}
    assert [p for p, state in states.items() if state is PostState.FAILED] == [mine.id]
    assert "no post of yours" in await scene.ask(EVE, "!undo")


async def test_an_approver_may_undo_any_post_by_its_id_and_its_author_is_told(scene: Scene, acme: Account) -> None:
    post = await tweet(scene)
    await scene.say(BEN, f"!undo {post.label}", LOBBY)
    texts = await scene.answers(Speech.TEXT)
    assert [(a.room, a.mention) for a in texts] == [(PRESS, ANA), (LOBBY, BEN)]
    assert "@ben:example.org" in texts[0].body
    assert "hello" not in texts[1].body  # words of one room are not told in another
    assert (await scene.post(0)).state is PostState.FAILED


async def test_others_do_not_learn_whether_a_post_exists(scene: Scene, acme: Account) -> None:
    await scene.account("other", eve=Role.OWNER)
    post = await tweet(scene, PostState.POSTED)
    there = await scene.ask(EVE, f"!undo {post.label}")
    nowhere = await scene.ask(EVE, f"!undo {label('k', 999)}")
    assert there.replace(post.label, "…") == nowhere.replace(label("k", 999), "…")
    by_id = await scene.ask(EVE, f"!undo {REMOTE}")
    assert by_id.replace(REMOTE, "…") == (await scene.ask(EVE, "!undo 999999999999999999")).replace("9" * 18, "…")
    assert len(await scene.posts()) == 1


async def test_a_poster_cannot_undo_the_post_of_another(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER, ben=Role.POSTER)
    post = await tweet(scene)
    told = await scene.ask(BEN, f"!undo {post.label}")
    assert told == f"{post.label} is by {ANA.name}: only they, an approver or an owner may undo it."
    assert (await scene.post()).state is PostState.QUEUED
    await scene.account("other", eve=Role.OWNER)
    assert await scene.ask(EVE, f"!undo {post.label}") == f"I know no post “{post.label}” that you may undo."


async def test_who_lost_the_account_cannot_delete_what_is_out(scene: Scene, acme: Account) -> None:
    post = await tweet(scene, PostState.POSTED)
    await scene.store.transact(lambda tx: tx.accounts.revoke(acme.id, ANA))
    assert "stays" in await scene.ask(ANA, f"!undo {post.label}")
    assert len(await scene.posts()) == 1


@pytest.mark.parametrize(
    "text", ["!undo 7", "!undo nonsense", "!undo@acme", "!undo q1", "!undo k" + "z" * 11, "!undo \ud800"]
)
async def test_what_names_no_post_is_explained(scene: Scene, acme: Account, text: str) -> None:
    await tweet(scene)
    assert await scene.ask(ANA, text)
    assert (await scene.post()).state is PostState.QUEUED
    assert len(await scene.posts()) == 1


async def test_an_undo_cannot_be_undone(scene: Scene, acme: Account) -> None:
    await tweet(scene, PostState.POSTED)
    await scene.say(ANA, "!undo")
    assert "an undo itself" in await scene.ask(ANA, f"!undo {(await scene.post()).label}")


async def test_an_old_undo_stops_what_waits_but_deletes_nothing(scene: Scene, acme: Account) -> None:
    post = await tweet(scene, PostState.POSTED)
    assert f"!undo {post.label}" in await scene.ask(ANA, "!undo", age=STALE * 2)
    assert len(await scene.posts()) == 1
    await scene.bot.deliver(
        [scene.message(ANA, "!tweet old", age=STALE * 3), scene.message(ANA, "!undo", age=STALE * 2)]
    )
    assert (await scene.post()).state is PostState.FAILED


# ---------------------------------------------------------------- the command message is removed


async def test_removing_the_command_drops_a_waiting_post(scene: Scene, acme: Account) -> None:
    post = await tweet(scene)
    answer = await scene.redact(ANA, post.message_id)
    assert "not posted" in answer
    assert (await scene.post()).state is PostState.FAILED
    assert await scene.signs(post.message_id) == []


@pytest.mark.parametrize(("state", "due"), [(PostState.SENDING, float("inf")), (PostState.POSTED, None)])
async def test_removing_the_command_deletes_the_post(
    scene: Scene, acme: Account, state: PostState, due: float | None
) -> None:
    post = await tweet(scene, state)
    await scene.redact(ANA, post.message_id)
    row = await scene.post()
    assert (row.action, row.undoes, row.due_at) == (Action.DELETE, post.id, scene.now if due is None else due)
    await scene.redact(ANA, post.message_id)
    assert len(await scene.posts()) == 2


async def test_a_removal_by_another_is_only_reported(scene: Scene, acme: Account) -> None:
    post = await tweet(scene, PostState.POSTED)
    answer = await scene.redact(BEN, post.message_id)
    assert "@ben:example.org removed" in answer
    assert "by @ana:example.org" in answer
    assert scene.publisher.post_url("acme", REMOTE) in answer
    assert len(await scene.posts()) == 1
    assert await scene.redact(BEN, post.message_id, LOBBY) == ""  # another room learns nothing


async def test_a_removal_of_ordinary_talk_or_of_an_undo_is_nothing(scene: Scene, acme: Account) -> None:
    await tweet(scene, PostState.POSTED)
    undo = await scene.say(ANA, "!undo")
    assert await scene.redact(ANA, undo) == ""
    assert await scene.redact(ANA, await scene.say(ANA, "nice weather")) == ""
    assert len(await scene.posts()) == 2


async def test_removing_the_command_of_a_lost_account_is_answered(scene: Scene, acme: Account) -> None:
    post = await tweet(scene, PostState.POSTED)
    await scene.store.transact(lambda tx: tx.accounts.revoke(acme.id, ANA))
    assert "stays" in await scene.redact(ANA, post.message_id)
    assert len(await scene.posts()) == 1
