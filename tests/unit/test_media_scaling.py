"""Pictures that are larger than the publisher takes: scaled down on a word only, and as it was approved."""

from dataclasses import replace

import pytest

from bridge.model import Draft, Medium, Post, PostState
from bridge.scaling import permitted, warned
from tests.unit.bot_scene import ANA, COPY, Scene
from tests.unit.drafting_scene import ADA, BEN, POLLY, now_says, shown, team

CAT = Medium("mxc://example.org/cat", "image/jpeg", 7_700_000, "cat.jpg", alt="A cat", sha256="a-hash", copies=(COPY,))
SMALL = replace(CAT, source="mxc://example.org/small", size=100_000)
WARNED = "The picture has 7.3 MB, and X takes 5: it would be scaled down."


async def scaled(scene: Scene) -> list[bool]:
    return [one.scaled for one in (await scene.post()).draft.media]


async def test_it_waits_for_a_word_and_a_word_only(scene: Scene) -> None:
    await team(scene)
    await scene.say(POLLY, "!tweet@acme hello\nalt: A cat", media=(CAT, SMALL))
    post = await scene.post()
    assert (post.state, await scaled(scene)) == (PostState.HELD, [False, False])
    assert post.reason == "X takes pictures of 5 MB, and these have more: 1 (7.3 MB). They would be scaled down."
    assert await scene.ask(POLLY, "!send k1") == "Sending k1."
    assert ((await scene.post()).state, await scaled(scene)) == (PostState.QUEUED, [True, False])


async def test_it_can_be_dropped(scene: Scene) -> None:
    await team(scene)
    await scene.say(POLLY, "!tweet@acme hello", media=(CAT,))
    assert (await scene.post()).reason == WARNED
    await scene.say(POLLY, "!drop k1")
    assert ((await scene.post()).state, await scaled(scene)) == (PostState.FAILED, [False])


async def test_a_word_about_something_else_is_none_about_this(scene: Scene) -> None:
    await team(scene)
    await scene.say(POLLY, "!tweet@acme hello", media=(CAT,))
    post = replace(await scene.post(), reason="")  # it grew old, say
    await scene.store.transact(lambda tx: tx.posts.save(post))
    await scene.say(POLLY, "!send k1")
    assert ((await scene.post()).state, await scaled(scene)) == (PostState.QUEUED, [False])


async def test_a_schedule_waits_for_its_word_and_then_for_its_time(scene: Scene) -> None:
    await team(scene)
    await scene.say(POLLY, "!schedule@acme in 2h | hello", media=(CAT,))
    assert (await scene.post()).state is PostState.HELD
    await scene.say(POLLY, "!send k1")
    assert ((await scene.post()).state, await scaled(scene)) == (PostState.SCHEDULED, [True])


async def test_a_preview_says_it_and_an_approval_covers_it(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!tweet@acme hello", media=(CAT,))
    post = await scene.post()
    assert (post.state, post.reason, await scaled(scene)) == (PostState.DRAFT, "", [True])
    preview = await now_says(scene, await shown(scene, post))
    assert "Picture: cat.jpg (image/jpeg, 7.3 MB, scaled down)" in preview
    await scene.say(ADA, "!approve k1")
    assert ((await scene.post()).state, await scaled(scene)) == (PostState.QUEUED, [True])


async def test_what_was_approved_as_it_was_is_approved_anew_scaled(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!tweet@acme hello", media=(replace(CAT, size=0),))
    await scene.say(ADA, "!approve k1")
    # The outbox fetched it, and found it too large.
    post: Post = await scene.post()
    held = replace(post, state=PostState.HELD, reason=WARNED, draft=Draft("hello", media=(CAT,)))
    await scene.store.transact(lambda tx: tx.posts.save(held))
    assert "waits for approval" in await scene.ask(ANA, "!send k1")
    post = await scene.post()
    assert (post.state, await scaled(scene)) == (PostState.DRAFT, [True])
    assert post.content != held.content
    assert "scaled down" in await now_says(scene, await shown(scene, post, version=2))
    assert not await scene.store.transact(lambda tx: tx.decisions.stands(post, 1))
    await scene.say(BEN, "!approve k1.2")
    assert (await scene.post()).state is PostState.QUEUED


OTHER = replace(CAT, source="mxc://example.org/other", size=9 << 20)


async def test_a_word_about_another_picture_is_none_about_this(scene: Scene) -> None:
    await team(scene)
    await scene.say(POLLY, "!tweet@acme hello", media=(CAT,))
    post = replace(await scene.post(), draft=Draft("hello", media=(OTHER,)))
    await scene.store.transact(lambda tx: tx.posts.save(post))
    await scene.say(POLLY, "!send k1")
    assert await scaled(scene) == [False]  # the outbox asks about it


async def test_a_swapped_picture_needs_a_word_of_its_own(scene: Scene) -> None:
    await team(scene)
    await scene.say(POLLY, "!tweet@acme hello", media=(CAT,))
    await scene.question(POLLY, [await scene.post()])
    await scene.say(POLLY, "!edit k1 hello", media=(OTHER,))
    post = await scene.post()
    assert (post.state, post.question_id, await scaled(scene)) == (PostState.HELD, None, [False])  # it is asked anew
    assert await scene.react(POLLY, "$question", "✅") == ""
    assert (await scene.post()).state is PostState.HELD
    await scene.question(POLLY, [post], "$again")
    await scene.react(POLLY, "$again", "✅")
    assert ((await scene.post()).state, await scaled(scene)) == (PostState.QUEUED, [True])


async def test_an_edit_that_is_none_asks_about_the_picture_too_and_one_word_answers_both(scene: Scene) -> None:
    await team(scene)
    command = await scene.say(POLLY, "!tweet@acme hello", media=(CAT,))
    for text in ("hello there", "or so"):
        assert await scene.edit(POLLY, command, text) == (
            f"Your edit is no !tweet any more. So k1, “hello”, waits, not posted. {WARNED}"
            " Send it as it was all the same: !send k1 or ✅ here · forget it: !drop k1 or ❌ here"
        )
    assert await scene.ask(POLLY, "!send k1") == "Sending k1."
    assert ((await scene.post()).state, await scaled(scene)) == (PostState.QUEUED, [True])


@pytest.mark.parametrize("text", ["hello there", "!tweet@acme hello\nalt: A tom", "!tweet@acme Good morning"])
async def test_what_was_permitted_stays_so_while_the_picture_is_the_same(scene: Scene, text: str) -> None:
    await team(scene)
    await scene.say(POLLY, "!policy @acme hold=1h")
    command = await scene.say(POLLY, "!tweet@acme hello", media=(CAT,))
    await scene.say(POLLY, "!send k1")
    again = replace(CAT, message_id=command, scaled=False)  # what clients send with the edit of a caption
    await scene.edit(POLLY, command, text, media=(again,))
    post = await scene.post()
    if post.state is PostState.HELD:
        assert WARNED not in post.reason
        assert await scene.ask(POLLY, "!send k1") == "Sending k1."
    assert ((await scene.post()).state, await scaled(scene)) == (PostState.QUEUED, [True])


async def test_a_permission_is_part_of_what_is_approved_after_an_edit_as_before(scene: Scene) -> None:
    await team(scene)
    command = await scene.say(ANA, "!tweet@acme hello", media=(CAT,))
    await scene.say(ADA, "!approve k1")
    await scene.edit(ANA, command, "hello there", media=(CAT,))
    post = await scene.post()
    assert (post.state, await scaled(scene)) == (PostState.DRAFT, [True])
    assert post.content == await scene.store.transact(lambda tx: tx.decisions.content(post))
    assert not await scene.store.transact(lambda tx: tx.decisions.stands(post, 1))
    assert await scene.ask(BEN, "!approve k1") == "Approved k1, “hello”: it goes out now."
    assert await scaled(scene) == [True]


@pytest.mark.parametrize("mime", ["image/gif", "video/mp4"])
async def test_only_pictures_can_be_scaled(scene: Scene, mime: str) -> None:
    await team(scene)
    words = await scene.ask(POLLY, "!tweet@acme hello", media=(replace(CAT, mime=mime, size=600 << 20),))
    assert words == "Not posted: “hello”. The picture is too large."


def test_the_sentences() -> None:
    def largest(mime: str) -> int:
        return {"image/jpeg": 5 << 20, "image/gif": 15 << 20}.get(mime, 0)

    gif = replace(CAT, mime="image/gif", size=20 << 20)
    assert warned([Draft("a", media=(SMALL, gif))], largest) == ""
    assert warned([Draft("a", media=(replace(CAT, scaled=True),))], largest) == ""
    assert warned([Draft("a", media=(SMALL,)), Draft("b", media=(CAT,))], largest) == (
        "X takes pictures of 5 MB, and these have more: 2 (7.3 MB). They would be scaled down."
    )
    assert permitted(Draft("a", media=(SMALL, CAT, gif)), largest).media == (SMALL, replace(CAT, scaled=True), gif)
