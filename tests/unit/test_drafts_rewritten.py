"""Words that came into a draft by somebody else's hand: whoever wrote them does not approve them, and nobody sends
them unseen.
"""

from dataclasses import replace

import pytest

from bridge.model import PostState, Role
from tests.unit.bot_scene import Scene
from tests.unit.drafting_scene import ADA, ANA, BEN, POLLY, grant, team
from tests.unit.test_alt_texts import CAT, DOG


async def test_who_wrote_a_part_cannot_approve_the_thread_when_another_part_is_mended(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!thread one\n---\ntwo")
    first, second = await scene.posts()
    await scene.say(BEN, f"!edit {first.label} words of ben")
    await scene.say(ANA, f"!edit {second.label} two, mended")
    words = await scene.ask(BEN, f"!approve {first.label}.3")
    assert words == "You changed k1 to what it says now, so somebody else has to approve it."
    assert {post.state for post in await scene.posts()} == {PostState.DRAFT}
    assert "it goes out now" in await scene.ask(ADA, f"!approve {first.label}.3")


async def test_who_wrote_what_is_not_in_it_any_more_may_approve(scene: Scene) -> None:
    await team(scene)
    message = await scene.say(ANA, "!thread one\n---\ntwo")
    first, second = await scene.posts()
    await scene.say(BEN, f"!edit {second.label} words of ben")
    await scene.edit(ANA, message, "!thread one\n---\ntwo again")
    assert "it goes out now" in await scene.ask(BEN, f"!approve {first.label}.3")


async def test_an_edit_to_a_later_time_counts_also_when_the_first_one_has_come(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    message = await scene.say(ANA, "!schedule in 1 minute | hello")
    post = await scene.post()
    scene.later(61.0)
    await scene.set(replace(post, state=PostState.QUEUED, fresh_at=post.due_at))  # as the outbox does; it is frozen
    words = await scene.edit(ANA, message, "!schedule in 2h | hello")
    post = await scene.post()
    assert (post.state, post.due_at) == (PostState.SCHEDULED, scene.now + 7200.0)
    assert words.startswith("Changed: k1, “hello”, goes out ")


async def test_nobody_sends_words_unseen_that_another_put_into_their_draft(scene: Scene) -> None:
    await team(scene)
    await scene.say(POLLY, "!draft hello")
    await scene.say(BEN, "!edit k1 words of ben")
    words = await scene.ask(POLLY, "!send k1")
    assert words == "k1 was changed since, so nothing was done. It is k1.2 now; !show k1 shows it. Then: !send k1.2"
    assert (await scene.post()).state is PostState.DRAFT
    assert await scene.ask(POLLY, "!send k1.2") == "Sending k1."


async def test_who_changed_their_own_draft_sends_it_by_its_plain_name(scene: Scene) -> None:
    await team(scene)
    await scene.say(POLLY, "!draft hello")
    await scene.say(POLLY, "!edit k1 hello again")
    assert await scene.ask(POLLY, "!send k1") == "Sending k1."


async def test_who_wrote_it_cannot_approve_it_after_an_edit_that_was_not_taken(scene: Scene) -> None:
    account = await team(scene)
    command = await scene.say(BEN, "!draft@acme hello")
    await scene.say(ADA, "!edit k1 goodbye")
    await grant(scene, account, BEN, None)
    await scene.edit(BEN, command, "!draft@acme hello again")  # by nobody any more: it keeps its text
    assert (await scene.post()).draft.text == "goodbye"
    await grant(scene, account, BEN, Role.POSTER)
    assert (await scene.ask(ADA, "!approve k1.2")).startswith("You changed k1 to what it says now")
    assert (await scene.post()).state is PostState.DRAFT


@pytest.mark.parametrize(
    ("bens", "anas"),
    [
        ("!edit k1 words of ben", "!alt k1 A cat"),
        ("!alt k1 A cat", "!edit k1 hello again"),
        ("!edit k1 words of ben with an alt: A cat", "!alt k1"),
    ],
)
async def test_who_wrote_what_stays_cannot_approve_it_when_the_rest_is_changed(
    scene: Scene, bens: str, anas: str
) -> None:
    await team(scene)
    await scene.say(ANA, "!tweet hello", media=(CAT,))
    await scene.say(BEN, bens)
    await scene.say(ANA, anas)
    assert (await scene.ask(BEN, "!approve k1.3")).startswith("You changed k1 to what it says now")
    assert "it goes out now" in await scene.ask(ADA, "!approve k1.3")


async def test_who_brought_a_picture_cannot_approve_it_beside_another_text(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!tweet hello", media=(CAT,))
    await scene.say(BEN, "!edit k1", media=(DOG,))
    await scene.say(ANA, "!edit k1 hello again")
    assert [one.source for one in (await scene.post()).draft.media] == [DOG.source]
    assert (await scene.ask(BEN, "!approve k1.3")).startswith("You changed k1 to what it says now")


async def test_who_wrote_a_text_that_was_replaced_may_approve_the_new_one(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!tweet hello")
    await scene.say(BEN, "!edit k1 words of ben")
    await scene.say(ANA, "!edit k1 hello again")
    assert "it goes out now" in await scene.ask(BEN, "!approve k1.3")
