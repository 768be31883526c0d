"""send, drop, and the tick or cross on a question."""

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.model import Account, Action, Post, PostState, Role, Speech
from tests.unit.bot_scene import ANA, BEN, LOBBY, STALE, Scene, open_scene


@pytest.fixture
async def acme(scene: Scene) -> Account:
    return await scene.account("acme", ana=Role.POSTER, ben=Role.OWNER)


async def held(scene: Scene, count: int = 1) -> list[Post]:
    await scene.bot.deliver([scene.message(ANA, f"!tweet number {n}", age=STALE * 2) for n in range(count)])
    return (await scene.posts())[-count:]


async def unknown(scene: Scene) -> Post:
    await scene.say(ANA, "!tweet perhaps")
    post = replace(await scene.post(), state=PostState.UNKNOWN)
    await scene.set(post)
    return post


async def test_send_by_label_lets_a_held_post_go(scene: Scene, acme: Account) -> None:
    [post] = await held(scene)
    scene.later(30)
    assert post.label in await scene.ask(ANA, f"!send {post.label}")
    after = await scene.post()
    assert (after.state, after.fresh_at, after.due_at) == (PostState.QUEUED, scene.now, scene.now)
    assert await scene.signs(post.message_id) == ["⏳"]
    assert "does not wait" in await scene.ask(ANA, f"!send {post.label}")


@pytest.mark.parametrize("how", ["!send {}", "✅", "✅\ufe0f"])
async def test_one_answer_sends_all_posts_of_a_question(scene: Scene, acme: Account, how: str) -> None:
    name = await scene.question(ANA, await held(scene, 20))
    if how.startswith("!"):
        await scene.say(ANA, how.format(name))
    else:
        assert await scene.react(ANA, "$question", how) == ""
    assert {(p.state, p.question_id) for p in await scene.posts()} == {(PostState.QUEUED, None)}
    assert "any more" in await scene.ask(ANA, f"!send {name}")


async def test_the_words_about_many_posts_are_said_before_their_signs(scene: Scene, acme: Account) -> None:
    """However long they wait: in a room that is busy, or on a machine that is, hundreds of signs take their time."""
    posts = [*await held(scene, 20), await unknown(scene)]
    unsure = posts[-1]
    await scene.store.transact(
        lambda tx: tx.answers.add(unsure.room, Speech.REACTION, "❓", target=unsure.message_id, post_id=unsure.id)
    )
    name = await scene.question(ANA, posts)  # all that was to be said is said now
    await scene.say(ANA, f"!send {name}")
    scene.later(5)
    [(_, first)] = await scene.store.transact(lambda tx: tx.answers.claim(scene.now, (), 32))
    assert [answer.body for answer in first] == ["Sending 21 posts."]
    assert {post.state for post in await scene.posts()} == {PostState.QUEUED}
    assert len(await scene.signs(unsure.message_id)) == 3  # ⏳, ❓ (to be taken away), ⏳


@pytest.mark.parametrize("how", ["!drop {}", "❌", "❌\ufe0f"])
async def test_one_answer_drops_all_posts_of_a_question(scene: Scene, acme: Account, how: str) -> None:
    name = await scene.question(ANA, await held(scene, 20))
    if how.startswith("!"):
        words = await scene.ask(ANA, how.format(name))
    else:
        words = await scene.react(ANA, "$question", how)
    assert "20 posts" in words
    texts_first = [a.speech for a in await scene.answers()][1:]
    assert texts_first == [Speech.TEXT] + [Speech.REACTION] * 20
    assert {p.state for p in await scene.posts()} == {PostState.FAILED}
    assert {tuple(await scene.signs(p.message_id)) for p in await scene.posts()} == {("❌",)}


@pytest.mark.parametrize("key", ["✔️", "☑️", "❎", "👍", "✅✅", "x", ""])
async def test_other_signs_are_no_answer(scene: Scene, acme: Account, key: str) -> None:
    await scene.question(ANA, await held(scene))
    assert await scene.react(ANA, "$question", key) == ""
    assert (await scene.post()).state is PostState.HELD


async def test_only_the_person_asked_may_answer(scene: Scene, acme: Account) -> None:
    [post] = await held(scene)
    name = await scene.question(ANA, [post])
    for key in "✅❌":
        assert await scene.react(BEN, "$question", key) == ""
    for text in (f"!send {name}", f"!drop {name}", f"!send {post.label}", f"!drop {post.label}", "!send", "!drop x"):
        assert await scene.ask(BEN, text)
    assert (await scene.post()).state is PostState.HELD
    assert await scene.react(ANA, "$question", "✅", room=LOBBY) == ""
    assert await scene.react(ANA, "$other", "✅") == ""
    assert (await scene.post()).state is PostState.HELD


async def test_send_without_an_id_lists_what_waits(scene: Scene, acme: Account) -> None:
    assert "Nothing of yours waits" in await scene.ask(ANA, "!send")
    await scene.question(ANA, await held(scene))
    assert "Waiting for your answer: k1 (“number 0”)." in await scene.ask(ANA, "!send")


async def test_an_unknown_post_is_sent_again_only_on_the_word_of_its_author(scene: Scene, acme: Account) -> None:
    post = await unknown(scene)
    assert "still looking" in await scene.ask(ANA, f"!send {post.label}")
    assert (await scene.post()).state is PostState.UNKNOWN
    await scene.store.transact(
        lambda tx: tx.answers.add(post.room, Speech.REACTION, "❓", target=post.message_id, post_id=post.id)
    )
    await scene.said((await scene.answers(Speech.REACTION))[-1], "$unsure")
    name = await scene.question(ANA, [post])
    await scene.say(ANA, f"!send {name}")
    assert (await scene.post()).state is PostState.QUEUED
    assert len(await scene.answers(Speech.REDACTION)) == 2  # the ⏳ and ❓ that had been said


async def test_dropping_an_unknown_post_says_that_it_stays_unknown(scene: Scene, acme: Account) -> None:
    post = await unknown(scene)
    await scene.question(ANA, [post])
    words = await scene.ask(ANA, f"!drop {post.label}")
    assert "outcome unknown" in words
    assert "not posted" not in words
    assert (await scene.post()).state is PostState.FAILED
    assert "❌" not in await scene.signs(post.message_id)


async def test_an_unknown_post_that_is_to_be_undone_is_not_sent_again(scene: Scene, acme: Account) -> None:
    post = await unknown(scene)
    name = await scene.question(ANA, [post])
    await scene.say(ANA, f"!undo {post.label}")
    assert "to be undone" in await scene.ask(ANA, f"!send {name}")
    await scene.say(ANA, f"!drop {name}")
    states = [(p.action, p.state) for p in await scene.posts()]
    assert states == [(Action.POST, PostState.FAILED), (Action.DELETE, PostState.FAILED)]


async def test_rights_and_health_are_looked_at_again(scene: Scene, acme: Account) -> None:
    name = await scene.question(ANA, await held(scene))
    await scene.store.transact(lambda tx: tx.accounts.save(replace(acme, broken="dead")))
    assert "linked again" in await scene.ask(ANA, f"!send {name}")
    await scene.store.transact(lambda tx: tx.accounts.revoke(acme.id, ANA))
    assert "any more" in await scene.react(ANA, "$question", "✅")
    assert (await scene.post()).state is PostState.HELD


async def test_an_old_word_sends_nothing_and_an_old_drop_drops(scene: Scene, acme: Account) -> None:
    [post] = await held(scene)
    name = await scene.question(ANA, [post])
    assert "ago" in await scene.ask(ANA, f"!send {name}", age=STALE * 2)
    assert f"!send {name}" in await scene.react(ANA, "$question", "✅", age=STALE * 2)
    assert (await scene.post()).state is PostState.HELD
    await scene.say(ANA, f"!drop {name}", age=STALE * 2)
    assert (await scene.post()).state is PostState.FAILED


async def test_send_stops_at_the_daily_cap(tmp_path: Path) -> None:
    async with open_scene(tmp_path, cap=3) as scene:
        await scene.account("acme", ana=Role.OWNER)
        await scene.say(ANA, "!tweet a fresh one")
        name = await scene.question(ANA, await held(scene, 4))
        words = await scene.ask(ANA, f"!send {name}")
        assert "2 posts" in words
        assert "limit is 3" in words
        states = [p.state for p in (await scene.posts())[1:]]
        assert states == [PostState.QUEUED] * 2 + [PostState.HELD] * 2
        scene.later(86401)
        await scene.say(ANA, f"!send {name}")
        assert [p.state for p in (await scene.posts())[3:]] == [PostState.QUEUED] * 2


async def test_answers_of_one_event_each_count_for_the_person_asked(scene: Scene, acme: Account) -> None:
    """Several questions can be one message; a tick answers only those to the person who ticks."""
    await scene.bot.deliver(
        [scene.message(ANA, "!tweet of Ana", age=STALE * 2), scene.message(BEN, "!tweet of Ben", age=STALE * 2)]
    )
    of_ana, of_ben = await scene.posts()
    await scene.question(ANA, [of_ana], "$both")
    await scene.question(BEN, [of_ben], "$both")
    await scene.react(BEN, "$both", "✅")
    assert [p.state for p in await scene.posts()] == [PostState.HELD, PostState.QUEUED]
