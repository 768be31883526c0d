"""Drafts that are threads, or that go out at a time: approved, changed and taken back as a whole."""

import pytest

from bridge.model import Post, PostState, Reaction
from tests.unit.bot_scene import NOW, PRESS, Scene
from tests.unit.drafting_scene import ADA, ANA, BEN, CHANGED, POLLY, now_says, set_policy, shown, team

THREAD = "!thread@acme one\n---\ntwo\n---\nthree"


async def states(scene: Scene) -> list[PostState]:
    return [post.state for post in await scene.posts()]


async def standing(scene: Scene, post: Post) -> bool:
    return await scene.store.transact(lambda tx: tx.decisions.stands(post, 1))


async def test_a_thread_is_one_draft_and_one_preview(scene: Scene) -> None:
    await team(scene)
    words = await scene.ask(ANA, THREAD)
    assert words.splitlines()[:7] == [
        "Draft k1 for @acme, by @ana:example.org:",
        "│ one",
        "Part 1 of 3 (k1), counts 3 characters.",
        "│ two",
        "Part 2 of 3 (k2), counts 3 characters.",
        "│ three",
        "Part 3 of 3 (k3), counts 5 characters.",
    ]
    assert words.count("Draft k") == 1
    root = await scene.post(0)
    assert await states(scene) == [PostState.DRAFT] * 3
    await scene.react(ADA, await shown(scene, root), "✅")
    assert await states(scene) == [PostState.QUEUED] * 3
    assert [await standing(scene, post) for post in await scene.posts()] == [True] * 3
    assert len({post.content for post in await scene.posts()}) == 1


async def test_one_changed_part_voids_the_approval_of_all(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, THREAD)
    root = await scene.post(0)
    first = await shown(scene, root)
    await scene.react(ADA, first, "✅")
    assert await scene.ask(ANA, "!edit k2 deux") != ""
    assert await states(scene) == [PostState.DRAFT] * 3
    assert [await standing(scene, post) for post in await scene.posts()] == [False] * 3
    assert "is k1.2 now" in await now_says(scene, first)
    assert "│ deux" in await now_says(scene, await shown(scene, root, 2))
    assert "goes out now" in await scene.ask(ADA, "!approve k1.2")
    assert await states(scene) == [PostState.QUEUED] * 3


async def test_a_part_names_its_thread(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, THREAD)
    assert "Approved k1, “one”: it goes out now." in await scene.ask(ADA, "!approve k3")
    assert "waits again" not in await scene.ask(ADA, "!reject k2 no")
    assert await states(scene) == [PostState.FAILED] * 3


async def test_the_edited_message_changes_all_parts(scene: Scene) -> None:
    await team(scene)
    said = await scene.say(ANA, THREAD)
    words = await scene.edit(ANA, said, "!thread@acme one\n---\n2\n---\nthree")
    assert words.startswith("Draft k1.2 for @acme")
    assert [post.draft.text for post in await scene.posts()] == ["one", "2", "three"]
    words = await scene.edit(ANA, said, "!thread@acme one\n---\n2")
    assert words.startswith(
        "Your edit makes 2 parts of 3; that cannot be changed, but you can drop it and say it anew. So k1 keeps"
        " its text"
    )


@pytest.mark.parametrize("how", ["drop", "undo", "redaction", "cross"])
async def test_all_parts_go_together(scene: Scene, how: str) -> None:
    await team(scene)
    said = await scene.say(ANA, THREAD)
    event = await shown(scene, await scene.post(0))
    if how == "redaction":
        await scene.redact(ANA, said)
    elif how == "cross":
        await scene.react(BEN, event, "❌")
    else:
        await scene.say(ANA, f"!{how} k1")
    assert await states(scene) == [PostState.FAILED] * 3
    assert "Not posted" in await now_says(scene, event)


async def test_a_draft_at_a_time(scene: Scene) -> None:
    await team(scene)
    words = await scene.ask(ANA, "!schedule@acme in 2h | hello")
    assert "To go out at " in words
    post = await scene.post()
    assert (post.state, post.scheduled_for) == (PostState.DRAFT, NOW + 7200.0)
    event = await shown(scene, post)
    await scene.bot.deliver([Reaction("$tick", PRESS, ADA, event, "✅", scene.now)])
    post = await scene.post()
    assert (post.state, post.due_at) == (PostState.SCHEDULED, NOW + 7200.0)
    assert "it goes out at its time" in await now_says(scene, event)
    assert await standing(scene, post)
    await scene.redact(ADA, "$tick")
    assert (await scene.post()).state is PostState.DRAFT
    assert "goes out at its time" in await scene.ask(BEN, "!approve k1")


async def test_another_time_is_another_content(scene: Scene) -> None:
    await team(scene)
    said = await scene.say(ANA, "!schedule@acme in 2h | hello")
    first = await shown(scene, await scene.post())
    await scene.react(ADA, first, "✅")
    await scene.edit(ANA, said, "!schedule@acme in 3h | hello")
    post = await scene.post()
    assert (post.state, post.scheduled_for) == (PostState.DRAFT, NOW + 10800.0)
    assert await scene.react(BEN, first, "✅") == CHANGED.format(2, "approve")
    assert (await scene.post()).state is PostState.DRAFT


async def test_approved_after_its_time_it_ages_from_that(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!schedule@acme in 2h | hello")
    event = await shown(scene, await scene.post())
    scene.later(9000.0)
    await scene.react(ADA, event, "✅")
    post = await scene.post()
    assert (post.state, post.fresh_at) == (PostState.QUEUED, NOW + 7200.0)  # the outbox asks about it


async def test_a_poster_moves_what_they_scheduled(scene: Scene) -> None:
    account = await team(scene)
    said = await scene.say(POLLY, "!schedule@acme in 2h | hello")
    words = await scene.edit(POLLY, said, "!schedule@acme in 3h | goodbye")
    assert words.startswith("Changed: k1, “goodbye”, goes out ")
    post = await scene.post()
    assert (post.state, post.due_at, post.scheduled_for) == (PostState.SCHEDULED, NOW + 10800.0, NOW + 10800.0)
    assert (await scene.ask(POLLY, "!edit k1 hello again")).startswith(
        "Changed k1, “hello again”: it still goes out at"
    )
    await set_policy(scene, account, approvals_from="everyone")
    await scene.edit(POLLY, said, "!schedule@acme in 3h | hello")
    assert (await scene.post()).state is PostState.DRAFT
    assert (await scene.ask(POLLY, "!drop k1")).startswith("Dropped k1")


async def test_a_draft_is_told_of_at_its_time_whatever_was_changed(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!schedule@acme in 2h | one")
    assert (await scene.post()).due_at == NOW + 7200.0
    await scene.say(ANA, "!edit k1 in 3h | two")
    assert (await scene.post()).due_at == NOW + 10_800.0
    await scene.say(ADA, "!approve k1.2")
    assert (await scene.post()).state is PostState.SCHEDULED
    await scene.say(ADA, "!unapprove k1.2")
    assert ((await scene.post()).state, (await scene.post()).due_at) == (PostState.DRAFT, NOW + 10_800.0)
    await scene.say(ANA, "!draft@acme some time")
    assert (await scene.post()).due_at == float("inf")
