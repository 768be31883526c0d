"""The verb thread: parts by their author go out, parts by the bot are shown first."""

from dataclasses import replace

import pytest

from bridge.model import Account, Action, PostState, Role
from bridge.text import length
from tests.unit.bot_scene import ANA, BEN, CAP, Scene

LONG = "".join(f"This is sentence number {n} of a long text. " for n in range(17))


@pytest.fixture
async def acme(scene: Scene) -> Account:
    return await scene.account("acme", ana=Role.OWNER, ben=Role.CONTRIBUTOR)


async def test_parts_that_the_author_split_go_out_at_once(scene: Scene, acme: Account) -> None:
    message = await scene.say(ANA, "!thread one\n---\ntwo\n ---- \r\nthree")
    posts = await scene.posts()
    assert [post.draft.text for post in posts] == ["one", "two", "three"]
    assert [post.part for post in posts] == [1, 2, 3]
    assert {post.thread_root for post in posts} == {posts[0].id}
    assert {post.state for post in posts} == {PostState.QUEUED}
    assert {post.account_id for post in posts} == {acme.id}
    assert await scene.signs(message) == ["⏳"]
    assert await scene.heard() == []


async def test_a_long_text_is_split_shown_and_sent_on_a_word(scene: Scene, acme: Account) -> None:
    message = await scene.say(ANA, f"!thread {LONG}")
    (words,) = await scene.heard()
    posts = await scene.posts()
    assert len(posts) == 3
    assert {post.state for post in posts} == {PostState.HELD}
    assert all(length(post.draft.text) <= 280 for post in posts)
    assert " ".join(post.draft.text for post in posts) == LONG.strip()
    for post in posts:
        assert f"│ {post.draft.text}" in words
    assert "!send q1" in words
    assert await scene.signs(message) == []
    assert await scene.ask(ANA, "!send q1") == "Sending 3 posts."
    assert {post.state for post in await scene.posts()} == {PostState.QUEUED}
    assert await scene.signs(message) == ["⏳"]


async def test_a_tick_or_a_cross_on_what_is_shown_decides(scene: Scene, acme: Account) -> None:
    for sign, state in (("✅", PostState.QUEUED), ("❌", PostState.FAILED)):
        await scene.say(ANA, f"!thread {LONG}{sign}")
        shown = (await scene.answers())[-1]
        await scene.said(shown, f"$shown{sign}")
        await scene.react(BEN, f"$shown{sign}", sign)
        assert (await scene.post()).state is PostState.HELD
        await scene.react(ANA, f"$shown{sign}", sign)
        assert {post.state for post in (await scene.posts())[-3:]} == {state}


async def test_a_short_text_is_one_post(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!thread just this")
    (post,) = await scene.posts()
    assert post.state is PostState.QUEUED
    assert post.thread_root is None
    assert post.part == 0


async def test_dashes_inside_a_line_may_be_cuts_so_the_parts_are_shown(scene: Scene, acme: Account) -> None:
    message = await scene.say(ANA, "!thread One part --- two parts\tand ----- three")
    posts = await scene.posts()
    assert [post.draft.text for post in posts] == ["One part", "two parts\tand", "three"]
    assert {post.state for post in posts} == {PostState.HELD}
    (words,) = await scene.heard()
    assert "in 3 parts. Not posted yet." in words
    assert await scene.ask(ANA, "!send q1") == "Sending 3 posts."
    assert await scene.signs(message) == ["⏳"]


@pytest.mark.parametrize("text", ["A dash---without blanks", "--flag and -- more", "a|---|b"])
async def test_other_dashes_are_words(scene: Scene, acme: Account, text: str) -> None:
    await scene.say(ANA, f"!thread {text}")
    (post,) = await scene.posts()
    assert (post.draft.text, post.state) == (text, PostState.QUEUED)


async def test_a_tweet_that_is_too_long_offers_it(scene: Scene, acme: Account) -> None:
    words = await scene.ask(ANA, f"!tweet {LONG}")
    assert "too long" in words
    assert "!thread" in words
    assert await scene.posts() == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no text"),
        ("---\n---", "no text"),
        ("one\n---\n" + "x" * 300, "Part 2 of 2"),
        ("one\n---\ntwo\n---\n one ", "Parts 1 and 3 are the same"),
        ("\n---\n".join(map(str, range(26))), "26 parts; a thread has at most 25"),
        ("\n---\n".join(map(str, range(10_000))), "at most 25 parts"),
        ("word " * 9000, "at most 25"),
    ],
)
async def test_what_cannot_be_a_thread(scene: Scene, acme: Account, text: str, why: str) -> None:
    words = await scene.ask(ANA, f"!thread {text}")
    assert why in words
    assert await scene.posts() == []


async def test_each_part_counts_for_the_cap(scene: Scene, acme: Account) -> None:
    for number in range(CAP - 2):
        await scene.say(ANA, f"!tweet {number}")
    words = await scene.ask(ANA, "!thread one\n---\ntwo\n---\nthree")
    assert "It has 3 parts, and you may make 2 more posts today" in words
    assert len(await scene.posts()) == CAP - 2
    await scene.ask(ANA, "!thread one\n---\ntwo")
    assert len(await scene.posts()) == CAP


async def test_a_contributors_thread_is_one_draft(scene: Scene, acme: Account) -> None:
    words = await scene.ask(BEN, f"!thread {LONG}")
    posts = await scene.posts()
    assert {post.state for post in posts} == {PostState.DRAFT}
    assert words.count("waits for approval") == 1
    assert "Part 3 of 3" in words
    await scene.ask(ANA, f"!approve {posts[0].label}")
    assert {post.state for post in await scene.posts()} == {PostState.QUEUED}


async def test_undo_before_it_is_out_drops_all_of_it(scene: Scene, acme: Account) -> None:
    message = await scene.say(ANA, "!thread one\n---\ntwo\n---\nthree")
    assert "not posted" in await scene.ask(ANA, "!undo")
    assert {post.state for post in await scene.posts()} == {PostState.FAILED}
    assert await scene.signs(message) == ["❌"]


async def test_undo_of_what_is_out_deletes_the_newest_first(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!thread one\n---\ntwo\n---\nthree")
    for number, post in enumerate((await scene.posts())[:2], 1):
        await scene.set(replace(post, state=PostState.POSTED, remote_id=f"10{number}", claimed_at=scene.now))
    name = (await scene.posts())[0].label
    undo = await scene.say(ANA, f"!undo {name}")
    posts = await scene.posts()
    assert posts[2].state is PostState.FAILED
    deletes = [post for post in posts if post.action is Action.DELETE]
    assert [row.undoes for row in deletes] == [posts[1].id, posts[0].id]
    assert {row.thread_root for row in deletes} == {posts[0].id}
    assert await scene.signs(undo) == ["⏳"]


async def test_its_author_removes_the_command(scene: Scene, acme: Account) -> None:
    message = await scene.say(ANA, "!thread one\n---\ntwo")
    assert "not posted" in await scene.redact(ANA, message)
    assert {post.state for post in await scene.posts()} == {PostState.FAILED}


async def test_its_author_edits_the_command(scene: Scene, acme: Account) -> None:
    message = await scene.say(ANA, "!thread one\n---\ntwo")
    await scene.edit(ANA, message, "!thread one\n---\nzwei")
    posts = [post for post in await scene.posts() if post.state is not PostState.FAILED]
    assert [post.draft.text for post in posts] == ["one", "zwei"]
    assert {post.state for post in posts} == {PostState.QUEUED}
    words = await scene.edit(ANA, message, "!thread one\n---\ntwo\n---\nthree")
    assert (await scene.post(0)).state is PostState.HELD  # and nothing goes before it
    assert "3 parts of 2" in words


async def test_a_scheduled_thread(scene: Scene, acme: Account) -> None:
    words = await scene.ask(ANA, "!schedule in 2h | one\n---\ntwo")
    posts = await scene.posts()
    assert {post.state for post in posts} == {PostState.SCHEDULED}
    assert [post.part for post in posts] == [1, 2]
    assert "1 more part" in words
    assert "(2 parts)" in await scene.ask(ANA, "!queue")
    await scene.ask(ANA, f"!drop {posts[0].label}")
    assert {post.state for post in await scene.posts()} == {PostState.FAILED}


async def test_a_split_that_is_too_long_for_a_message_is_shown_on_pages_before(scene: Scene) -> None:
    acme = await scene.account("acme", ana=Role.OWNER)
    await scene.store.transact(lambda tx: tx.accounts.save(replace(acme, premium=True)))
    await scene.heard()
    await scene.say(ANA, "!thread " + " ".join(f"word{n}" for n in range(7000)))
    *pages, asked = await scene.heard()
    assert len(pages) == 3
    assert all(len(page) < 32_000 for page in pages)
    assert "".join(pages).count("word") == 7000
    assert len(asked) < 1000
    assert "The whole of it stands before this, on 3 pages.\nPost it: !send q1" in asked
    assert "send" in await scene.ask(ANA, "!help send")
    assert (await scene.ask(ANA, "!send q1")).startswith("Sending 3 posts.")


async def test_a_split_that_nobody_can_read_whole_says_so(scene: Scene) -> None:
    acme = await scene.account("acme", ana=Role.OWNER)
    await scene.store.transact(lambda tx: tx.accounts.save(replace(acme, premium=True)))
    await scene.heard()
    await scene.say(ANA, "!thread " + " ".join(f"слово{n}" for n in range(20_000)))
    *pages, asked = await scene.heard()
    assert len(pages) == 12
    assert "As much of it as I can show stands before this, on 12 pages.\nPost it: " in asked


# ---------------------------------------------------------------- one that has stopped


async def stop(scene: Scene) -> str:
    """A thread of which one part is out, and the others are asked about; the label of the question."""
    await scene.say(ANA, "!thread one\n---\ntwo\n---\nthree")
    first, *others = await scene.posts()
    await scene.set(replace(first, state=PostState.POSTED, claimed_at=scene.now, remote_id="1800000000000000001"))
    for post in others:
        await scene.set(replace(post, state=PostState.HELD, reason="X refused it"))
    return await scene.question(ANA, others)


async def test_the_words_of_the_part_that_stopped_it_are_changed(scene: Scene, acme: Account) -> None:
    question = await stop(scene)
    words = await scene.ask(ANA, "!edit k2 zwei")
    assert words == f"Changed k2, “zwei”: not posted yet. To go on with the thread: !send {question}"
    first, second, third = await scene.posts()
    assert [post.draft.text for post in (first, second, third)] == ["one", "zwei", "three"]
    assert (first.state, second.state, third.state) == (PostState.POSTED, PostState.HELD, PostState.HELD)
    assert await scene.ask(ANA, f"!send {question}") == "Sending 2 posts."
    assert [post.state for post in await scene.posts()][1:] == [PostState.QUEUED] * 2


async def test_what_looks_wrong_about_the_new_words_is_said(scene: Scene, acme: Account) -> None:
    await stop(scene)
    words = await scene.ask(ANA, "!edit k2 call me: +49 170 1234567")
    assert "not posted yet. Look twice: It looks as if a phone number were in it." in words


async def test_what_is_out_of_it_and_others_words_stay(scene: Scene, acme: Account) -> None:
    await stop(scene)
    assert await scene.ask(ANA, "!edit k1 eins") == (
        "It is too late to change k1: it is posted. To delete it: !undo k1 · then say it anew."
    )
    assert "only its author may" in await scene.ask(BEN, "!edit k2 zwei")
    assert "too long" in await scene.ask(ANA, f"!edit k2 {'x' * 300}")
    assert [post.draft.text for post in await scene.posts()] == ["one", "two", "three"]


async def test_the_rest_of_it_is_dropped_and_what_is_out_is_named(scene: Scene, acme: Account) -> None:
    question = await stop(scene)
    assert "As its author says: 1 of 3 parts posted. Undo: !undo k1" in await scene.ask(ANA, "!show k1")
    words = await scene.ask(ANA, f"!drop {question}")
    assert words == ("Dropped parts 2 to 3 of the thread k1: not posted. What is out of it stays · undo: !undo k1")


async def test_a_drop_of_what_is_not_out_speaks_of_nothing_that_is(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!thread one\n---\ntwo")
    posts = await scene.posts()
    for post in posts:
        await scene.set(replace(post, state=PostState.HELD))
    question = await scene.question(ANA, posts)
    assert await scene.ask(ANA, f"!drop {question}") == "Dropped 2 posts: none of them was posted."
