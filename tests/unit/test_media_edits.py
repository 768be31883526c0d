"""What an edit makes of a post's pictures, and what becomes of it when one is removed."""

from dataclasses import replace

import pytest

from bridge.model import Draft, Medium, PostState, Role
from tests.unit.bot_scene import ANA, BEN, SOON, Scene
from tests.unit.drafting_scene import ADA, grant, now_says, set_policy, shown, team
from tests.unit.media_scene import A, B, C, D, E, Talk, names, states


@pytest.fixture
async def room(scene: Scene) -> Talk:
    await scene.account("acme", ana=Role.OWNER, ben=Role.OWNER)
    return Talk(scene)


# ---------------------------------------------------------------- edits


async def captioned(scene: Scene, *media: Medium, state: PostState = PostState.QUEUED, **more: object) -> str:
    """A command that is the caption of ``media``; its id."""
    said = await scene.say(ANA, "!tweet@acme hello", media=media, **more)  # type: ignore[arg-type]  # a table of fields
    await scene.set(replace(await scene.post(), state=state))
    await scene.heard()
    return said


async def test_an_edit_swaps_the_picture(scene: Scene, room: Talk) -> None:
    said = await captioned(scene, A)
    described = replace(A, alt="A", remote_id="7", message_id=said)
    await scene.set(replace(await scene.post(), draft=Draft("hello", media=(described,))))
    words = await scene.edit(ANA, said, "!tweet@acme hello", media=(replace(A, key="sealed anew"),))
    assert words == ""  # a caption's edit repeats the file
    assert (await scene.post()).draft.media == (described,)
    words = await scene.edit(ANA, said, "!tweet@acme hello", media=(B,))
    assert words == "Changed: k1 goes out with the picture “b.jpg” now."
    assert (await scene.post()).draft.media == (B,)
    assert await scene.edit(BEN, said, "!tweet@acme hello", media=(C,)) == ""
    assert (await scene.post()).draft.media == (B,)


async def test_an_edit_swaps_its_own_pictures_only(scene: Scene, room: Talk) -> None:
    answered = room.send(ANA, A)
    said = await captioned(scene, B, C, reply_to=answered)
    assert await names(scene) == ["a", "b", "c"]
    await scene.edit(ANA, said, "!tweet@acme hello\nalt: A\nalt: C", media=(C,))
    assert [(one.name, one.alt) for one in (await scene.post()).draft.media] == [("a.jpg", "A"), ("c.jpg", "C")]
    words = await scene.edit(ANA, answered, "", media=(D, E))
    assert words == "You changed a picture of k1: it has 3 pictures (“d.jpg”, “e.jpg”, “c.jpg”) now."
    assert await names(scene) == ["d", "e", "c"]
    assert await scene.edit(ANA, answered, "a caption", media=(D, E)) == ""
    assert await scene.edit(BEN, answered, "", media=(A,)) == ""
    words = await scene.edit(ANA, answered, "", media=(A, B, D, E))
    assert words.startswith(
        "You changed a picture of it. A post has at most 4 pictures. So k1, “hello”, waits, not posted"
    )
    assert (await names(scene), await states(scene)) == (["d", "e", "c"], [PostState.HELD])


async def test_an_edit_of_a_picture_of_a_draft_is_a_new_draft(scene: Scene) -> None:
    await team(scene)
    answered = Talk(scene).send(ANA, A)
    await scene.say(ANA, "!tweet@acme hello", reply_to=answered)
    await scene.say(ADA, "!approve k1")
    assert await states(scene) == [PostState.QUEUED]
    await scene.edit(ANA, answered, "", media=(B,))
    assert (await states(scene), await names(scene)) == ([PostState.DRAFT], ["b"])
    assert "Picture: b.jpg" in await now_says(scene, await shown(scene, await scene.post(), 2))


# ---------------------------------------------------------------- a picture that is removed


@pytest.mark.parametrize("command", ["!tweet@acme hello", "!schedule@acme in 2h | hello", "!draft@acme hello"])
async def test_what_has_not_gone_out_falls_with_its_picture(scene: Scene, command: str) -> None:
    account = await team(scene, hold=20.0)
    await grant(scene, account, ANA, Role.OWNER)
    room = Talk(scene)
    second = room.send(ANA, B)
    await scene.say(ANA, command, reply_to=second)
    await scene.say(ANA, "!tweet@acme other", media=(A,))
    words = await scene.redact(ANA, second)
    assert words == "You removed its picture. Undone before it went out: k1, “hello”, not posted."
    assert await states(scene) == [PostState.FAILED, PostState.QUEUED]
    assert await scene.redact(ANA, second) == ""


async def test_others_who_remove_a_picture_are_reported(scene: Scene, room: Talk) -> None:
    answered = room.send(ANA, A)
    await scene.say(ANA, "!schedule in 2h | hello", reply_to=answered)
    words = await scene.redact(BEN, answered)
    assert words == f"{BEN.name} removed a picture of k1, “hello”, which still waits to go out · undo: !undo k1"
    assert await states(scene) == [PostState.SCHEDULED]


@pytest.mark.parametrize("state", [PostState.SENDING, PostState.UNKNOWN, PostState.POSTED, PostState.FAILED])
async def test_what_may_be_out_stays_when_the_picture_is_removed(scene: Scene, room: Talk, state: PostState) -> None:
    answered = room.send(ANA, A)
    await scene.say(ANA, "!tweet hello", reply_to=answered)
    await scene.set(replace(await scene.post(), state=state, claimed_at=scene.now))
    assert await scene.redact(ANA, answered) == ""
    assert await states(scene) == [state]


async def test_a_thread_falls_whole_with_its_picture(scene: Scene, room: Talk) -> None:
    answered = room.send(ANA, A)
    [(account, _)] = await scene.store.transact(lambda tx: tx.accounts.usable_by(ANA))
    await set_policy(scene, account, hold=20.0)
    await scene.say(ANA, "!thread One\n---\nTwo", reply_to=answered)
    await scene.redact(ANA, answered)
    assert await states(scene) == [PostState.FAILED] * 2


async def test_an_edit_can_give_a_text_a_picture(scene: Scene, room: Talk) -> None:
    said = await captioned(scene)
    await scene.edit(ANA, said, "!tweet@acme hello", media=(B,))
    assert await names(scene) == ["b"]


async def test_a_swapped_picture_is_a_new_draft(scene: Scene) -> None:
    await team(scene)
    said = await captioned(scene, A, state=PostState.DRAFT)
    first = await shown(scene, await scene.post())
    await scene.edit(ANA, said, "!tweet@acme hello", media=(B,))
    assert "Replaced" in await now_says(scene, first)
    assert "Picture: b.jpg" in await now_says(scene, await shown(scene, await scene.post(), 2))


async def test_too_large_a_picture_by_edit_waits(scene: Scene, room: Talk) -> None:
    said = await captioned(scene, A)
    words = await scene.edit(ANA, said, "!tweet@acme hello", media=(replace(B, size=60 << 20),))
    assert "too large" in words
    assert await states(scene) == [PostState.HELD]


async def test_a_picture_by_edit_is_not_scaled_down_unasked(scene: Scene, room: Talk) -> None:
    said = await captioned(scene, A)
    await scene.edit(ANA, said, "!tweet@acme hello", media=(replace(B, size=6 << 20),))
    assert await states(scene) == [PostState.HELD]
    assert (await scene.post()).reason == "The picture has 6 MB, and X takes 5: it would be scaled down."
    await scene.say(ANA, "!send k1")
    assert await states(scene) == [PostState.QUEUED]
    assert [one.scaled for one in (await scene.post()).draft.media] == [True]


@pytest.mark.parametrize("command", ["!edit k1 hello you", "!edit k1"])
async def test_edit_as_a_caption_swaps_the_picture(scene: Scene, room: Talk, command: str) -> None:
    await captioned(scene, A, B)
    words = await scene.ask(ANA, f"{command}\nalt: C", media=(C,))
    text = "hello you" if "you" in command else "hello"
    assert words == f"Changed k1, “{text}”, with the picture “c.jpg”: it goes out {SOON} · the alt text makes it $0.02"
    assert (await scene.post()).draft == Draft(text, media=(replace(C, alt="C"),))


async def test_edit_in_reply_to_the_own_command_keeps_what_it_has(scene: Scene, room: Talk) -> None:
    said = await captioned(scene, A)
    await scene.say(ANA, "!alt k1 A cat")
    await scene.say(ANA, "!edit k1 hello you", reply_to=said)
    assert (await scene.post()).draft == Draft("hello you", media=(replace(A, alt="A cat"),))


async def test_a_repost_takes_no_picture(scene: Scene, room: Talk) -> None:
    url = scene.publisher.post_url("ben", "1234")
    words = await scene.ask(ANA, f"!retweet {url}", media=(A,))
    assert words == "Not posted: !retweet takes no picture. Send it without one."
    assert await scene.posts() == []
    said = await scene.say(ANA, f"!retweet {url}")
    assert (await scene.edit(ANA, said, f"!retweet {url}", media=(A,))).startswith("A repost takes no picture.")


async def test_what_an_edit_brings_is_asked_about_anew(scene: Scene, room: Talk) -> None:
    first = room.send(ANA, A)
    room.send(ANA, B)
    said = await scene.say(ANA, "!tweet hello", reply_to=first)
    assert (await scene.post()).question_id is not None
    await scene.edit(ANA, said, "!tweet hello, password: hunter2!")
    post = await scene.post()
    assert (post.state, post.question_id) == (PostState.HELD, None)  # so it is asked about again
    assert post.reason.endswith("It looks as if a password were in it.")
    await scene.question(ANA, [post], "$again")
    await scene.edit(ANA, said, "!tweet hello you, password: hunter2!")
    assert (await scene.post()).question_id is not None
    await scene.edit(ANA, said, "!tweet hello you, password: hunter2!", media=(replace(C, size=7 << 20),))
    assert (await scene.post()).reason.endswith("these have more: 3 (7 MB). They would be scaled down.")
