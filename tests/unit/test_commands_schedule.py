"""The verbs schedule, timezone and queue."""

from datetime import UTC, datetime

import pytest

from bridge.model import PostState, Role
from tests.unit.bot_scene import ANA, BEN, DM, EVE, LOBBY, NOW, Scene

TODAY = datetime.fromtimestamp(NOW, UTC)
"""Friday 15 January 2027, 08:00 UTC."""


async def test_it_is_echoed_with_the_absolute_time_and_zone(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    words = await scene.ask(ANA, "!schedule 18:30 | Good evening!")
    post = await scene.post()
    assert post.state is PostState.SCHEDULED
    assert post.scheduled_for == post.due_at == NOW + 10.5 * 3600
    assert post.draft.text.strip() == "Good evening!"
    assert "Friday 15 January 2027, 18:30 UTC, in 10 h" in words
    for part in (post.label, "@acme", f"!drop {post.label}", f"!edit {post.label} [WHEN |] TEXT"):
        assert part in words


async def test_a_zone_is_the_one_said_else_ones_own(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    assert "Europe/Berlin" in await scene.ask(ANA, "!timezone berlin")
    await scene.ask(ANA, "!schedule 18:30 | one")
    assert (await scene.post()).scheduled_for == NOW + 9.5 * 3600
    words = await scene.ask(ANA, "!schedule tomorrow 9:00 America/New_York | two")
    assert "Saturday 16 January 2027, 09:00 EST (America/New_York)" in words
    assert "Your time zone is Europe/Berlin" in await scene.ask(ANA, "!timezone")
    assert "no time zone, so it is UTC" in await scene.ask(BEN, "!timezone")
    assert "no time zone “Atlantis”" in await scene.ask(ANA, "!timezone Atlantis")
    assert "Your time zone is Europe/Berlin" in await scene.ask(ANA, "!timezone")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("!schedule", "When, and what?"),
        ("!schedule 18:30 Good evening", "When, and what?"),
        ("!schedule soon | Good evening", "do not understand"),
        ("!schedule today 7:00 | Good evening", "past"),
        ("!schedule 18:30 |", "no text"),
        ("!schedule 18:30 | " + "x" * 400, "too long"),
        ("!schedule@other 18:30 | Hello", "no account"),
        ("!schedule next friday 9:00 | Hello", "two meanings"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_kept(scene: Scene, text: str, why: str) -> None:
    await scene.account("acme", ana=Role.OWNER)
    words = await scene.ask(ANA, text)
    assert why in words
    assert await scene.posts() == []


async def test_a_choice_for_a_double_time_is_said(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    words = await scene.ask(ANA, "!schedule 2027-10-31 02:30 Europe/Berlin | Night!")
    assert "02:30 happens twice that night; I take the first, 02:30 CEST." in words


async def test_a_contributors_is_a_draft_for_that_time(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER, ben=Role.CONTRIBUTOR)
    words = await scene.ask(BEN, "!schedule 18:30 | Good evening!")
    post = await scene.post()
    assert post.state is PostState.DRAFT
    assert post.scheduled_for == NOW + 10.5 * 3600
    assert "waits for approval" in words
    await scene.ask(ANA, f"!approve {post.label}")
    assert (await scene.post()).state is PostState.SCHEDULED


async def test_it_is_dropped_and_undone_by_its_label(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.ask(ANA, "!schedule in 2h | one")
    assert "not posted" in await scene.ask(ANA, f"!drop {(await scene.post()).label}")
    assert (await scene.post()).state is PostState.FAILED
    await scene.ask(ANA, "!schedule in 2h | two")
    assert "not posted" in await scene.ask(ANA, f"!undo {(await scene.post()).label}")
    assert (await scene.post()).state is PostState.FAILED


async def test_its_author_removes_the_command(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    message = await scene.say(ANA, "!schedule in 2h | one")
    assert "not posted" in await scene.redact(ANA, message)
    assert (await scene.post()).state is PostState.FAILED


async def test_its_author_edits_the_command(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    message = await scene.say(ANA, "!schedule in 2h | one")
    words = await scene.edit(ANA, message, "!schedule in 3h | two")
    (post,) = await scene.posts()
    assert post.state is PostState.SCHEDULED
    assert post.draft.text.strip() == "two"
    assert post.scheduled_for == post.due_at == NOW + 3 * 3600
    assert "11:00 UTC" in words
    assert await scene.edit(BEN, message, "!schedule in 3h | mine") == ""
    assert (await scene.post()).draft.text.strip() == "two"


async def test_an_edit_that_is_no_schedule_any_more_is_asked_about(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    message = await scene.say(ANA, "!schedule in 2h | one")
    words = await scene.edit(ANA, message, "!schedule whenever | one")
    assert (await scene.post()).state is PostState.HELD
    assert "do not understand" in words
    assert "!send" in words


async def test_the_queue_shows_what_waits_here(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER, ben=Role.CONTRIBUTOR)
    await scene.account("secret", eve=Role.OWNER)
    await scene.say(ANA, "!schedule@acme in 2h | from ana")
    await scene.say(BEN, "!tweet@acme from ben")
    await scene.say(ANA, "!schedule@acme in 3h | elsewhere", LOBBY)
    await scene.say(EVE, "!schedule@secret in 1h | of eve")
    words = await scene.ask(ANA, "!queue")
    assert "from ana" in words
    assert "goes out Friday 15 January 2027, 10:00 UTC, in 2 h" in words
    assert "from ben" in words
    assert "waits for approval" in words
    assert "elsewhere" not in words
    assert "1 from other rooms" in words
    assert "of eve" not in words
    assert "elsewhere" in await scene.ask(ANA, "!queue", DM)
    assert "of eve" not in await scene.ask(BEN, "!queue")
    assert "from ana" not in await scene.ask(EVE, "!queue")


async def test_the_queue_of_an_approval_room_shows_the_drafts_that_are_before_it(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER, ben=Role.CONTRIBUTOR)
    await scene.say(ANA, "!schedule@acme in 3h | elsewhere", LOBBY)
    assert await scene.ask(ANA, "!queue") == "1 from other rooms: ask me in private"
    await scene.ask(ANA, "!policy @acme room=here")
    await scene.say(BEN, "!tweet@acme a draft from private", DM)
    words = await scene.ask(ANA, "!queue")
    assert "a draft from private" in words
    assert words.endswith("and 1 from other rooms: ask me in private")


async def test_an_empty_queue(scene: Scene) -> None:
    assert await scene.ask(ANA, "!queue") == "Nothing waits."


async def test_the_time_counts_from_when_it_was_said(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.say(ANA, "!schedule in 2h | one", age=60.0)
    assert (await scene.post()).scheduled_for == NOW + 2 * 3600 - 60
    await scene.say(ANA, "!schedule 8:00 | two", age=5.0)
    assert (await scene.post()).scheduled_for == NOW
    assert (await scene.post()).state is PostState.QUEUED  # its time has come just now


async def test_the_text_is_taken_raw(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.say(ANA, "!schedule in 2h |  two | three\n ")
    assert (await scene.post()).draft.text == " two | three\n "


async def test_a_very_old_schedule_does_nothing(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.say(ANA, "!schedule in 2h | one", age=3600.0)
    assert await scene.posts() == []


async def test_the_queue_of_a_frozen_account_promises_no_time(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.say(ANA, "!schedule in 2h | later")
    await scene.say(ANA, "!freeze @acme")
    words = await scene.ask(ANA, "!queue")
    assert "waits: the account is frozen" in words
    assert "goes out" not in words


async def test_an_edit_by_name_changes_the_time_too(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.ask(ANA, "!schedule 18:30 | Good evening!")
    words = await scene.ask(ANA, "!edit k1 19:00 | Good night!")
    assert words == "Changed k1, “Good night!”: it goes out Friday 15 January 2027, 19:00 UTC."
    post = await scene.post()
    assert (post.state, post.due_at, post.scheduled_for) == (PostState.SCHEDULED, NOW + 11 * 3600, NOW + 11 * 3600)
    assert post.draft.text == "Good night!"


@pytest.mark.parametrize("text", ["tomorrow 10:00", "tomorrow 10:00 |", "tomorrow 10:00 | Good evening!"])
async def test_a_time_alone_leaves_the_words(scene: Scene, text: str) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.ask(ANA, "!schedule 18:30 | Good evening!")
    words = await scene.ask(ANA, f"!edit k1 {text}")
    assert words == "Changed k1, “Good evening!”: it goes out Saturday 16 January 2027, 10:00 UTC."
    post = await scene.post()
    assert (post.scheduled_for, post.draft.text.strip()) == (NOW + 26 * 3600, "Good evening!")


async def test_a_time_that_cannot_be_changes_nothing(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.ask(ANA, "!schedule 18:30 | Good evening!")
    assert "That is past" in await scene.ask(ANA, "!edit k1 2027-01-14 10:00 | Late")
    assert (await scene.post()).draft.text.strip() == "Good evening!"
    assert (await scene.ask(ANA, "!edit k1 18:30 | Good evening!")) == "k1 says just that already."


@pytest.mark.parametrize("text", ["tea | coffee", "Doors 18:00, show 20:00 | come!", "At noon we open"])
async def test_words_with_a_bar_are_words_where_no_time_is_before_it(scene: Scene, text: str) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.ask(ANA, "!schedule 18:30 | Good evening!")
    assert (await scene.ask(ANA, f"!edit k1 {text}")).endswith("it still goes out at its time.")
    assert (await scene.post()).draft.text == text


async def test_of_what_is_not_scheduled_a_time_is_words(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.ask(ANA, "!draft hello")
    await scene.say(ANA, "!edit k1 19:00 | Good night!")
    assert (await scene.post()).draft.text == "19:00 | Good night!"


async def test_a_new_time_of_a_draft_voids_its_approval_and_says_what_was_chosen(scene: Scene) -> None:
    account = await scene.account("acme", ana=Role.OWNER, ben=Role.CONTRIBUTOR)
    await scene.ask(BEN, "!schedule 18:30 | Good evening!")
    await scene.ask(ANA, "!approve k1")
    words = await scene.ask(BEN, "!edit k1 2027-10-31 02:30 Europe/Berlin")
    assert "Changed k1: it is k1.2 now and waits for approval. 02:30 happens twice that night" in words
    post = await scene.post()
    assert (post.account_id, post.state) == (account.id, PostState.DRAFT)


async def test_a_thread_gets_a_new_time_with_all_of_its_parts(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.ask(ANA, "!schedule 18:30 | one\n---\ntwo")
    await scene.ask(ANA, "!edit k2 19:00 | zwei")
    assert [(post.draft.text, post.due_at) for post in await scene.posts()] == [
        ("one", NOW + 11 * 3600),
        ("zwei", NOW + 11 * 3600),
    ]


async def test_an_approval_after_its_time_says_that_it_is_asked_about(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER, ben=Role.CONTRIBUTOR)
    await scene.ask(BEN, "!schedule in 1h | Good evening!")
    scene.later(7200.0)
    words = await scene.ask(ANA, "!approve k1")
    assert words.endswith("its time was 60 min ago, so I ask @ben:example.org whether it shall still go out.")
