"""Edits of a command, in each state of its post."""

from dataclasses import replace

import pytest

from bridge.interfaces import Tx
from bridge.model import Account, LinkState, PostState, Role
from tests.unit.bot_scene import ANA, BEN, DM, PRESS, STALE, Scene

URL = "https://x.example/acme/status/1234567890123456789"
OTHER = "https://x.example/acme/status/9999999999999999999"


@pytest.fixture
async def acme(scene: Scene) -> Account:
    account = await scene.account("acme", ana=Role.OWNER, ben=Role.OWNER)
    await scene.store.transact(lambda tx: tx.accounts.set_default(ANA, account.id))
    await scene.account("own", ana=Role.OWNER)
    return account


async def test_before_it_goes_out_the_draft_is_changed(scene: Scene, acme: Account) -> None:
    said = await scene.say(ANA, "!tweet helo")
    assert await scene.edit(ANA, said, "!tweet hello\nyou") == ""
    post = await scene.post()
    assert (post.draft.text, post.state) == ("hello\nyou", PostState.QUEUED)
    await scene.edit(ANA, said, "!t@ACME hello")
    assert (await scene.post()).draft.text == "hello"
    assert len(await scene.posts()) == 1


async def test_a_held_post_stays_held_with_the_new_text(scene: Scene, acme: Account) -> None:
    said = await scene.say(ANA, "!tweet helo", age=STALE * 2)
    words = await scene.edit(ANA, said, "!tweet hello")
    assert "“hello”" in words
    post = await scene.post()
    assert (post.draft.text, post.state) == ("hello", PostState.HELD)


async def test_a_reply_keeps_its_kind_and_may_change_its_target(scene: Scene, acme: Account) -> None:
    said = await scene.say(ANA, f"!reply {URL} helo")
    await scene.edit(ANA, said, f"!reply {OTHER} hello")
    post = await scene.post()
    assert (post.draft.text, post.draft.reply_to) == ("hello", "9999999999999999999")


@pytest.mark.parametrize(
    "text",
    ["!tweet " + "a" * 300, "!tweet", "!help", "hello", "!tweet@own hello", f"!reply {URL} hello", "!undo", "",
     "tweet x", "!tweet @own hello", "!tweet@nobody hello", "!retweet " + URL, "1234567", "!tweet \ud800"],
)  # fmt: skip
async def test_an_edit_that_makes_something_else_of_it_holds_it(scene: Scene, acme: Account, text: str) -> None:
    said = await scene.say(ANA, "!tweet hello")
    words = await scene.edit(ANA, said, text)
    post = await scene.post()
    assert (post.state, post.draft.text) == (PostState.HELD, "hello")
    assert "not posted" in words
    assert f"!send {post.label}" in words
    question = next(a for a in await scene.answers() if a.question_id is not None)
    assert post.question_id == question.question_id
    await scene.said(question, "$question")
    await scene.react(ANA, "$question", "✅")
    assert (await scene.post()).state is PostState.QUEUED


async def test_a_repost_cannot_become_another(scene: Scene, acme: Account) -> None:
    said = await scene.say(ANA, f"!retweet {URL}")
    assert await scene.edit(ANA, said, f"!retweet {URL}") == ""
    assert (await scene.post()).state is PostState.QUEUED
    assert "cannot be changed" in await scene.edit(ANA, said, f"!retweet {OTHER}")
    assert (await scene.post()).state is PostState.HELD


@pytest.mark.parametrize("state", [PostState.SENDING, PostState.UNKNOWN, PostState.POSTED])
@pytest.mark.parametrize("text", ["!tweet hello", "!tweet other", "nothing"])
async def test_after_it_went_out_an_edit_posts_nothing_and_says_so(
    scene: Scene, acme: Account, state: PostState, text: str
) -> None:
    said = await scene.say(ANA, "!tweet hello")
    post = replace(await scene.post(), state=state)
    await scene.set(post)
    words = await scene.edit(ANA, said, text)
    assert words == f"Edited after it went out; X keeps the first text · !undo {post.label}"
    assert await scene.posts() == [post]


async def test_after_an_attempt_that_may_be_out_the_text_stays(scene: Scene, acme: Account) -> None:
    said = await scene.say(ANA, "!tweet hello")
    post = replace(await scene.post(), claimed_at=scene.now)
    await scene.set(post)
    assert "keeps the first text" in await scene.edit(ANA, said, "!tweet other")
    assert await scene.posts() == [post]


async def test_an_edit_of_another_person_counts_for_nothing(scene: Scene, acme: Account) -> None:
    said = await scene.say(ANA, "!tweet hello")
    assert await scene.edit(BEN, said, "!tweet other") == ""
    assert await scene.edit(BEN, said, "") == ""
    post = await scene.post()
    assert (post.draft.text, post.state) == ("hello", PostState.QUEUED)


async def test_an_edit_never_runs_a_command(scene: Scene, acme: Account) -> None:
    talk = await scene.say(ANA, "hello")
    assert "new message" in await scene.edit(ANA, talk, "!tweet hello")
    assert await scene.edit(ANA, talk, "hello again") == ""
    refused = await scene.say(ANA, "!tweet " + "a" * 300)
    assert "new message" in await scene.edit(ANA, refused, "!tweet short")
    dm = await scene.say(ANA, "hi", DM)
    assert "new message" in await scene.edit(ANA, dm, "use @own", DM)
    assert await scene.posts() == []


async def test_after_an_undo_an_edit_changes_nothing(scene: Scene, acme: Account) -> None:
    said = await scene.say(ANA, "!tweet hello")
    undo = await scene.say(ANA, "!undo")
    assert "new message" in await scene.edit(ANA, said, "!tweet other")
    assert await scene.edit(ANA, said, "thoughts") == ""
    await scene.edit(ANA, undo, "!tweet other")
    assert [p.state for p in await scene.posts()] == [PostState.FAILED]
    gone = await scene.say(ANA, "!tweet gone")
    await scene.set(replace(await scene.post(), state=PostState.POSTED, remote_id="1", deleted=True))
    assert await scene.edit(ANA, gone, "!tweet other") == ""


async def test_an_edit_in_another_room_changes_nothing(scene: Scene, acme: Account) -> None:
    said = await scene.say(ANA, "!tweet hello", DM)
    before = await scene.post()
    assert await scene.edit(ANA, said, "!tweet forged in an unencrypted room") == ""
    assert await scene.post() == before


@pytest.mark.parametrize("text", ["1234567", "!pin 1234567"])
@pytest.mark.parametrize("private", [True, False])
async def test_a_pin_in_an_edit_links_nothing_and_counts_as_seen_elsewhere(
    scene: Scene, text: str, private: bool
) -> None:
    def work(tx: Tx) -> None:
        link = tx.links.add(ANA, "x", DM, "$link", None, DM, scene.now)
        tx.links.save(replace(link, state=LinkState.WAITING, due_at=scene.now + 900.0))

    await scene.store.transact(work)
    room = DM if private else PRESS
    said = await scene.say(ANA, "hello", room)
    words = await scene.edit(ANA, said, text, room)
    assert ("new message" if private else "thrown this attempt") in words
    link = await scene.store.transact(lambda tx: tx.links.pending(ANA))
    assert (link is not None and link.state is LinkState.WAITING) == private
