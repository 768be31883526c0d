"""A thread named by one of its parts: what is sent, dropped and changed then is said, and never half of it silently."""

import pytest

from bridge.model import Account, PostState, Role
from tests.unit.bot_scene import ANA, Scene
from tests.unit.drafting_scene import ADA, POLLY, now_says, shown, team

HELD, QUEUED, FAILED = PostState.HELD, PostState.QUEUED, PostState.FAILED
LONG = " ".join(f"word {number}" for number in range(80))


@pytest.fixture
async def acme(scene: Scene) -> Account:
    return await scene.account("acme", ana=Role.OWNER)


async def states(scene: Scene) -> list[PostState]:
    return [post.state for post in await scene.posts()]


async def texts(scene: Scene) -> list[str]:
    return [post.draft.text for post in await scene.posts()]


# ---------------------------------------------------------------- sent and dropped


@pytest.mark.parametrize("named", ["k1", "k2", "k3", "q1"])
async def test_send_of_any_part_sends_all_that_wait(scene: Scene, acme: Account, named: str) -> None:
    words = await scene.ask(ANA, f"!thread {LONG}")
    assert "Part 2 of 3 (k2), " in words
    assert await states(scene) == [HELD] * 3
    assert await scene.ask(ANA, f"!send {named}") == "Sending 3 posts."
    assert await states(scene) == [QUEUED] * 3


@pytest.mark.parametrize("said", [f"!thread {LONG}", "!schedule in 2h | one\n---\ntwo\n---\nthree"])
async def test_drop_of_the_first_part_drops_all_and_of_a_later_one_nothing(
    scene: Scene, acme: Account, said: str
) -> None:
    await scene.say(ANA, said)
    before = await states(scene)
    words = await scene.ask(ANA, "!drop k2")
    assert words.startswith("k2 is part 2 of a thread. Nobody can drop a part alone, so I did nothing.")
    assert "All of it that waits: !drop k1" in words
    assert await states(scene) == before
    await scene.say(ANA, "!drop k1")
    assert await states(scene) == [FAILED] * 3


# ---------------------------------------------------------------- changed


async def test_an_edit_with_as_many_parts_changes_all_of_them(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!schedule in 2h | one\n---\ntwo")
    words = await scene.ask(ANA, "!edit k1 eins\n---\nzwei")
    assert words == "Changed k1, “eins” in 2 parts: it still goes out at its time."
    assert await texts(scene) == ["eins", "zwei"]
    words = await scene.ask(ANA, "!edit k1 in 3h | uno\n---\ndos")
    assert "it goes out Friday 15 January 2027, 11:00 UTC" in words
    assert await texts(scene) == ["uno", "dos"]
    assert len({post.scheduled_for for post in await scene.posts()}) == 1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("!edit k1 eins\n---\nzwei\n---\ndrei", "that makes 3 parts, and k1 has 2."),
        ("!edit k2 eins\n---\nzwei", "that makes 2 parts, and k2 is one of 2."),
        ("!edit k3 eins\n---\nzwei", "that makes 2 parts, and k3 has 1."),
    ],
)
async def test_an_edit_into_another_number_of_parts_changes_nothing(
    scene: Scene, acme: Account, said: str, why: str
) -> None:
    await scene.say(ANA, "!schedule in 2h | one\n---\ntwo")
    await scene.say(ANA, "!schedule in 2h | alone")
    words = await scene.ask(ANA, said)
    assert words.startswith(f"Nothing was changed: {why}")
    assert "To have another number of them, drop it and say it anew: !drop k" in words
    assert await texts(scene) == ["one", "two", "alone"]


async def test_a_draft_of_parts_shows_their_names_and_takes_new_words_whole(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!thread@acme one\n---\ntwo")
    assert "Part 2 of 2 (k2), counts 3 characters." in await now_says(scene, await shown(scene, await scene.post(0)))
    await scene.say(ANA, "!edit k1 eins\n---\nzwei")
    words = await now_says(scene, await shown(scene, await scene.post(0), 2))
    assert "│ eins\n" in words
    assert "│ zwei\n" in words
    words = await scene.ask(ADA, "!edit k2 drei")
    assert "Since these are your words, somebody else has to approve them." in words
    assert "Draft k1.3 for @acme, by @ana:example.org, changed by @ada:example.org:" in words


async def test_dashes_in_a_single_post_stay_words(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!draft one")
    await scene.say(ANA, "!edit k1 a\n---\nb")
    assert await texts(scene) == ["a\n---\nb"]


async def test_a_schedule_with_dashes_within_a_line_says_that_it_is_one_post(scene: Scene, acme: Account) -> None:
    words = await scene.ask(ANA, "!schedule in 2h | one --- two")
    assert "It is one post: for a thread, put the --- on lines of their own." in words
    assert "one post" not in await scene.ask(ANA, "!schedule in 3h | one\n---\ntwo")


async def test_a_question_in_the_place_of_a_post_says_what_it_is_about(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, f"!thread {LONG}")
    assert (await scene.ask(ANA, "!edit q1 short")).endswith("My question q1 is about k1, k2, k3.")
    assert "My question" not in await scene.ask(POLLY, "!edit q1 short")


async def test_show_as_a_reply_shows_what_was_spoken_of(scene: Scene, acme: Account) -> None:
    command = await scene.say(ANA, "!schedule in 2h | later")
    assert (await scene.ask(ANA, "!show", reply_to=command)).startswith("Post k1 for @acme")
