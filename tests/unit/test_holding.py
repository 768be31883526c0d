"""The waiting time of an account's posts: what is said of it, and the cross that stops one."""

from dataclasses import replace

import pytest

from bridge.model import Identity, Post, PostState, Role, Speech
from tests.unit.bot_scene import ANA, BEN, EVE, LOBBY, Scene
from tests.unit.drafting_scene import ADA, NED, POLLY, drafted, set_policy, speak, team

HELD = "k1, “hello”, goes out as @acme in 20 s. To stop it: !undo k1 or ❌ here"


async def held(scene: Scene, text: str = "!tweet@acme hello", who: Identity = POLLY) -> tuple[Post, str, str]:
    """A post in its 20 seconds: the row, its command, and the event of the words about it."""
    account = await team(scene)
    await set_policy(scene, account, hold=20.0)
    command = await scene.say(who, text)
    await speak(scene)
    [words] = [a for a in await scene.answers(Speech.TEXT) if "❌ here" in a.body]
    await scene.heard()
    return (await scene.posts())[0], command, words.event_id or ""


async def test_it_says_when_it_goes_out_and_how_to_stop_it(scene: Scene) -> None:
    account = await team(scene)
    await set_policy(scene, account, hold=20.0)
    assert await scene.ask(POLLY, "!tweet@acme hello") == HELD
    assert "in 20 s: “hello”" in await scene.ask(POLLY, "!queue")
    dear = await scene.ask(POLLY, "!tweet@acme see https://example.org")
    assert dear.endswith("or ❌ here · the link makes it $0.20")
    words = await scene.ask(POLLY, "!thread@acme one\n---\ntwo\n---\nthree")
    assert words == "k3, “one” and 2 more parts, goes out as @acme in 20 s. To stop it: !undo k3 or ❌ here"


async def test_without_a_waiting_time_and_with_a_question_nothing_is_said_of_it(scene: Scene) -> None:
    account = await team(scene)
    assert await scene.ask(POLLY, "!tweet@acme hello") == ""
    await set_policy(scene, account, hold=20.0)
    words = await scene.ask(POLLY, f"!thread@acme {'word ' * 70}")  # split by us, so it is shown first
    assert "Post it: !send q1" in words
    assert "goes out" not in words


async def test_an_approval_and_an_own_word_say_it_too(scene: Scene) -> None:
    account = await team(scene)
    await set_policy(scene, account, hold=20.0)
    await drafted(scene)
    words = await scene.ask(ADA, "!approve k1")
    assert words == "Approved k1, “hello”: it goes out in 20 s. To stop it: !undo k1"
    await drafted(scene, "later", POLLY)
    assert await scene.ask(POLLY, "!send k2") == "k2 goes out in 20 s. To stop it: !undo k2"


@pytest.mark.parametrize("on", ["command", "words"])
@pytest.mark.parametrize("key", ["❌", "❌\ufe0f"])
async def test_its_author_stops_it_with_a_cross(scene: Scene, on: str, key: str) -> None:
    _, command, words = await held(scene)
    said = await scene.react(POLLY, command if on == "command" else words, key)
    assert said == "Undone before it went out: k1, “hello”, not posted."
    assert (await scene.post()).state is PostState.FAILED
    await speak(scene)
    assert (await scene.signs(command))[-1] == "❌"
    assert await scene.react(POLLY, words, key) == ""  # once is enough


async def test_all_parts_of_a_thread_stop(scene: Scene) -> None:
    _, _, words = await held(scene, "!thread@acme one\n---\ntwo")
    await scene.react(POLLY, words, "❌")
    assert [post.state for post in await scene.posts()] == [PostState.FAILED] * 2


async def test_an_approver_stops_it_on_the_words_and_its_author_hears(scene: Scene) -> None:
    _, command, words = await held(scene)
    assert await scene.react(BEN, command, "❌") == ""  # a cross on what somebody said may mean anything
    assert (await scene.post()).state is PostState.QUEUED
    assert await scene.react(BEN, words, "❌") == f"{BEN.name} stopped this before it went out: not posted: “hello”"
    assert (await scene.post()).state is PostState.FAILED


@pytest.mark.parametrize("who", [ANA, NED, EVE])
async def test_of_others_no_cross_counts_and_the_team_hears_so(scene: Scene, who: Identity) -> None:
    _, command, words = await held(scene)
    assert await scene.react(who, command, "❌") == ""
    said = await scene.react(who, words, "❌")
    assert said == (f"You may not stop k1: only {POLLY.name}, an approver or an owner may." if who == ANA else "")
    assert await scene.react(who, words, "❌") == ""
    assert (await scene.post()).state is PostState.QUEUED


async def test_a_bare_undo_beside_somebody_elses_held_post_is_asked_about(scene: Scene) -> None:
    account = await team(scene)
    await scene.say(ANA, "!tweet@acme earlier")
    await scene.say(BEN, "!approve k1")
    await scene.set(replace(await scene.post(), state=PostState.POSTED, remote_id="1700000000000000001"))
    await set_policy(scene, account, hold=20.0)
    await scene.say(POLLY, "!tweet@acme hello")
    assert await scene.ask(ANA, "!undo") == (
        "k2, which waits here, is not yours, and your last post here, k1, “earlier”, is out, so I did nothing yet. To"
        " delete yours: !undo k1"
    )
    assert len(await scene.posts()) == 2
    await scene.say(ANA, "!undo k1")
    assert len(await scene.posts()) == 3


async def test_only_a_cross_counts_and_only_where_it_was_said(scene: Scene) -> None:
    _, command, words = await held(scene)
    for target in (command, words):
        for key in ("✅", "👎", "x"):
            assert await scene.react(POLLY, target, key) == ""
        assert await scene.react(POLLY, target, "❌", room=LOBBY) == ""
    assert (await scene.post()).state is PostState.QUEUED


async def test_too_late_it_says_how_to_undo_it_once(scene: Scene) -> None:
    post, command, words = await held(scene)
    for state, stands in (
        (PostState.SENDING, "on its way"),
        (PostState.UNKNOWN, "perhaps out"),
        (PostState.POSTED, "out"),
    ):
        await scene.set(replace(post, state=state))
        said = await scene.react(POLLY, words, "❌")
        assert said == f"Too late to stop k1: it is {stands}. To delete it: !undo k1"
        assert await scene.react(POLLY, command, "❌") == ""
    assert await scene.react(BEN, words, "❌") == "Too late to stop k1: it is out. To delete it: !undo k1"


async def test_a_cross_on_an_own_draft_or_schedule_ends_it(scene: Scene) -> None:
    await team(scene)
    command = await scene.say(ANA, "!tweet@acme a draft")
    assert "not posted" in await scene.react(ANA, command, "❌")
    later = await scene.say(POLLY, "!schedule@acme in 2h | later")
    assert "not posted" in await scene.react(POLLY, later, "❌")
    assert [post.state for post in await scene.posts()] == [PostState.FAILED] * 2


async def test_no_approver_ends_a_draft_but_on_its_preview(scene: Scene) -> None:
    await team(scene)
    command = await scene.say(ANA, "!tweet@acme a draft")
    await speak(scene)
    await scene.say(ANA, "!edit k1 a second draft")
    await speak(scene)
    [changed] = [a for a in await scene.answers(Speech.TEXT) if a.body.startswith("Changed k1")]
    for target in (command, changed.event_id or ""):
        assert await scene.react(BEN, target, "❌") == ""
    assert (await scene.post()).state is PostState.DRAFT


async def test_drop_stops_it_too_and_says_later_what_does(scene: Scene) -> None:
    await held(scene)
    assert "only its author, an approver or an owner may" in await scene.ask(ANA, "!drop k1")
    assert await scene.ask(POLLY, "!drop k1") == "Dropped k1, “hello”: not posted."
    assert (await scene.post()).state is PostState.FAILED
    await scene.say(POLLY, "!tweet@acme later")
    scene.later(21.0)
    words = await scene.ask(POLLY, "!drop k2")
    assert words == "k2 does not wait for your word: it goes out as soon as it can. To take it back: !undo k2"


async def test_an_edit_of_the_command_says_what_goes_out_and_when(scene: Scene) -> None:
    _, command, _ = await held(scene)
    words = await scene.edit(POLLY, command, "!tweet@acme hallo")
    assert words == "Changed: k1, “hallo”, goes out in 20 s. To stop it: !undo k1"


async def test_after_a_freeze_the_time_begins_anew_and_says_so(scene: Scene) -> None:
    await held(scene)
    await scene.say(BEN, "!freeze @acme")
    assert await scene.ask(POLLY, "!tweet@acme frozen") == ""  # the outbox tells of the freeze
    scene.later(100.0)
    words = await scene.ask(BEN, "!unfreeze @acme")
    assert "k1, k2 go out in 20 s. To stop one: !undo ID" in words
    assert f"{BEN.name} has lifted the freeze of @acme. This goes out in 20 s: k1, k2." in words
    assert [post.due_at for post in await scene.posts()] == [scene.now + 20.0] * 2


async def test_who_lost_their_role_still_stops_their_own(scene: Scene) -> None:
    _, _, words = await held(scene)
    account = (await scene.post()).account_id
    await scene.store.transact(lambda tx: tx.accounts.revoke(account, POLLY))
    assert "not posted" in await scene.react(POLLY, words, "❌")


async def test_a_role_that_cannot_undo_others_stops_none_of_them(scene: Scene) -> None:
    _, _, words = await held(scene)
    account = (await scene.post()).account_id
    await scene.store.transact(lambda tx: tx.accounts.grant(account, NED, Role.POSTER, 0.0))
    assert "You may not stop k1" in await scene.react(NED, words, "❌")


async def test_a_cross_on_words_about_several_posts_asks_which(scene: Scene) -> None:
    account = await team(scene)
    await set_policy(scene, account, hold=20.0)
    await scene.say(POLLY, "!tweet@acme one")
    await scene.say(POLLY, "!tweet@acme two")
    await speak(scene)
    events = {a.event_id for a in await scene.answers(Speech.TEXT) if "❌ here" in a.body}
    assert len(events) == 1  # said in one message
    words = await scene.react(POLLY, events.pop() or "", "❌")
    assert words == "That is about k1, k2, so I did nothing. Say which: !undo ID"
    assert [post.state for post in await scene.posts()] == [PostState.QUEUED] * 2
