"""tweet, reply, retweet: what they queue, as whom, and what they refuse."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.interfaces import Tx
from bridge.model import Action, Draft, Identity, PostState, Role, Speech
from tests.unit.bot_scene import ADMIN, ANA, BEN, DM, EVE, LOBBY, NOW, PRESS, STALE, Scene, open_scene

URL = "https://x.example/acme/status/1234567890123456789"
REMOTE = "1234567890123456789"


async def test_a_tweet_is_one_queued_row_and_one_sign_for_later(scene: Scene) -> None:
    acme = await scene.account("acme", ana=Role.OWNER)
    said = await scene.say(ANA, "!tweet Hello\n  wörld ", thread="$thread", age=3)
    [post] = await scene.posts()
    assert (post.action, post.account_id, post.draft) == (Action.POST, acme.id, Draft("Hello\n  wörld "))
    assert (post.author, post.room, post.message_id, post.thread) == (ANA, PRESS, said, "$thread")
    assert (post.state, post.fresh_at, post.due_at, post.created_at) == (PostState.QUEUED, NOW - 3, NOW, NOW)
    [sign] = await scene.answers()
    assert (sign.speech, sign.body, sign.target) == (Speech.REACTION, "⏳", said)
    assert (sign.due_at, sign.post_id) == (NOW + 1.0, post.id)


async def test_a_clock_that_runs_ahead_keeps_nothing_fresh(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.say(ANA, "!tweet from the future", age=-5000)
    assert (await scene.post()).fresh_at == NOW


@pytest.mark.parametrize("verb", ["!t", "!post", "!TWEET"])
async def test_aliases(scene: Scene, verb: str) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.say(ANA, f"{verb} hello")
    assert (await scene.post()).draft.text == "hello"


async def test_a_reply_and_a_retweet_name_their_target(scene: Scene) -> None:
    await scene.account("acme", ana=Role.POSTER)
    await scene.say(ANA, f"!reply {URL} Well  said.\nIndeed")
    assert (await scene.post()).draft == Draft("Well  said.\nIndeed", reply_to=REMOTE)
    await scene.say(ANA, f"!retweet  {URL} ")
    post = await scene.post()
    assert (post.action, post.target, post.draft) == (Action.REPOST, REMOTE, Draft(""))


@pytest.mark.parametrize("text", ["!reply", "!reply hello there", "!retweet", "!retweet nonsense", f"!reply {URL}"])
async def test_a_reply_or_retweet_without_its_parts_is_explained(scene: Scene, text: str) -> None:
    await scene.account("acme", ana=Role.OWNER)
    assert await scene.ask(ANA, text)
    assert await scene.posts() == []
    assert await scene.signs("$1") == ["❌"]


@pytest.mark.parametrize("text", ["!tweet", "!tweet ", "!tweet \n \t", "!tweet " + "a" * 281])
async def test_what_the_publisher_would_refuse_is_refused_at_once(scene: Scene, text: str) -> None:
    await scene.account("acme", ana=Role.OWNER)
    assert await scene.ask(ANA, text)
    assert await scene.posts() == []
    assert await scene.signs("$1") == ["❌"]


@pytest.mark.parametrize("who", [ANA, EVE])
async def test_who_has_no_account_is_told_how_to_link(scene: Scene, who: object) -> None:
    await scene.account("acme", ben=Role.OWNER)
    assert who in (ANA, EVE)
    answer = await scene.ask(EVE if who == EVE else ANA, "!tweet hello")
    assert "!link" in answer
    assert "acme" not in answer
    assert await scene.posts() == []


async def test_what_was_refused_is_quoted_and_called_not_posted(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    assert (await scene.ask(ANA, "!tweet " + "long " * 100)).startswith("Not posted: “long long")
    assert (await scene.ask(ANA, f"!reply {URL} " + "long " * 100)).startswith("Not posted: “long long")
    assert (await scene.ask(ANA, "!tweet")).startswith("Not posted. ")
    assert (await scene.ask(ANA, "!tweet@nobody hello")).startswith("Not posted: “hello”. You have no account")


async def test_in_a_dm_a_tweet_needs_the_prefix(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    answer = await scene.ask(ANA, "tweet hello", DM)
    assert answer.startswith("Not posted: “tweet hello”.")
    assert "!tweet" in answer
    assert await scene.posts() == []
    await scene.say(ANA, "!tweet hello", DM)
    assert (await scene.post()).draft.text == "hello"


# ---------------------------------------------------------------- as whom


async def test_a_named_account_without_case_and_with_or_without_at(scene: Scene) -> None:
    acme = await scene.account("Acme", ana=Role.POSTER)
    own = await scene.account("own", ana=Role.OWNER)
    for handle in ("acme", "ACME", "@aCMe"):
        await scene.say(ANA, f"!tweet@{handle} hello")
        assert (await scene.post()).account_id == acme.id
    await scene.say(ANA, "!tweet@own hello")
    assert (await scene.post()).account_id == own.id


async def test_several_accounts_and_none_chosen_is_an_error_that_lists_them(scene: Scene) -> None:
    await scene.account("acme", ana=Role.POSTER)
    await scene.account("own", ana=Role.OWNER)
    await scene.account("secret", ben=Role.OWNER)
    answer = await scene.ask(ANA, "!tweet hello")
    assert "@acme" in answer
    assert "@own" in answer
    assert "secret" not in answer
    assert await scene.posts() == []


async def test_room_default_before_own_default_before_only_one(scene: Scene) -> None:
    acme = await scene.account("acme", ana=Role.POSTER)
    own = await scene.account("own", ana=Role.OWNER)
    await scene.store.transact(lambda tx: tx.accounts.set_default(ANA, own.id))
    await scene.store.transact(lambda tx: tx.accounts.set_default(PRESS, acme.id))
    await scene.say(ANA, "!tweet in the press room")
    assert (await scene.post()).account_id == acme.id
    await scene.say(ANA, "!tweet in the lobby", LOBBY)
    assert (await scene.post()).account_id == own.id
    await scene.say(ANA, "!tweet@own in the press room")
    assert (await scene.post()).account_id == own.id


async def test_a_room_default_that_they_may_not_use_is_an_error_and_names_nothing(scene: Scene) -> None:
    secret = await scene.account("secret", ben=Role.OWNER)
    await scene.account("own", ana=Role.OWNER)
    await scene.store.transact(lambda tx: tx.accounts.set_default(PRESS, secret.id))
    answer = await scene.ask(ANA, "!tweet hello")
    assert "!tweet@own" in answer
    assert "secret" not in answer
    assert await scene.posts() == []


async def test_not_yours_and_not_there_sound_the_same(scene: Scene) -> None:
    await scene.account("own", ana=Role.OWNER)
    await scene.account("secret", ben=Role.OWNER)
    there = await scene.ask(ANA, "!tweet@secret hello")
    nowhere = await scene.ask(ANA, "!tweet@sekret hello")
    assert there.replace("secret", "sekret") == nowhere
    assert await scene.posts() == []
    assert await scene.ask(ANA, "!tweet@ hello")
    assert await scene.posts() == []


async def test_one_handle_of_two_accounts_is_asked_about(scene: Scene) -> None:
    await scene.account("acme", "111", ana=Role.OWNER)
    second = await scene.account("ACME", "222", ana=Role.OWNER)
    answer = await scene.ask(ANA, "!tweet@acme hello")
    assert "@111" in answer
    assert "@222" in answer
    await scene.say(ANA, "!tweet@222 hello")
    [post] = await scene.posts()
    assert post.account_id == second.id


async def test_a_handle_behind_a_space_is_asked_about(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.account("own", ana=Role.OWNER)
    answer = await scene.ask(ANA, "!tweet @Acme Hello")
    assert "!tweet@acme Hello" in answer
    assert "!tweet@own @acme Hello" in answer
    assert await scene.posts() == []
    await scene.say(ANA, "!tweet@own @acme Hello")
    assert (await scene.post()).draft.text == "@acme Hello"


@pytest.mark.parametrize("text", ["Hello " * 30, "one\ntwo", ""])
async def test_a_text_that_does_not_fit_the_hint_is_left_out_and_not_halved(scene: Scene, text: str) -> None:
    await scene.account("acme", ana=Role.OWNER)
    answer = await scene.ask(ANA, f"!tweet @acme {text}")
    assert "!tweet@acme TEXT\n" in answer


async def test_a_mention_of_somebody_else_is_just_text(scene: Scene) -> None:
    await scene.account("own", ana=Role.OWNER)
    await scene.account("acme", ben=Role.OWNER)
    await scene.say(ANA, "!tweet @acme Hello")
    assert (await scene.post()).draft.text == "@acme Hello"


async def test_what_a_contributor_tweets_is_a_draft(scene: Scene) -> None:
    await scene.account("acme", ana=Role.CONTRIBUTOR)
    assert (await scene.ask(ANA, "!tweet hello")).startswith("Draft k1 for @acme, by @ana:example.org:\n│ hello\n")
    assert [post.state for post in await scene.posts()] == [PostState.DRAFT]


async def test_a_broken_account_queues_nothing(scene: Scene) -> None:
    acme = await scene.account("acme", ana=Role.OWNER)
    await scene.store.transact(lambda tx: tx.accounts.save(replace(acme, broken="X says the token is dead")))
    answer = await scene.ask(ANA, "!tweet hello")
    assert "!link" in answer
    assert "X says the token is dead" in answer
    assert await scene.posts() == []


# ---------------------------------------------------------------- stale, and too many


async def test_an_old_command_is_held_without_a_word(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    assert await scene.ask(ANA, "!tweet hello", age=STALE + 1) == ""
    post = await scene.post()
    assert (post.state, post.question_id, post.fresh_at) == (PostState.HELD, None, NOW - STALE - 1)
    assert await scene.answers() == []
    await scene.say(ANA, "!tweet just in time", age=STALE)
    assert (await scene.post()).state is PostState.QUEUED


async def test_two_hundred_old_commands_in_one_batch_are_all_held(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    batch = [scene.message(ANA, f"!tweet number {n}", age=STALE * 2) for n in range(200)]
    await scene.bot.deliver(batch, "s2")
    posts = await scene.posts()
    assert [p.draft.text for p in posts] == [f"number {n}" for n in range(200)]
    assert {p.state for p in posts} == {PostState.HELD}
    await scene.say(ANA, "!tweet a fresh one")  # what is held does not use up the cap
    assert (await scene.post()).state is PostState.QUEUED


async def test_holding_has_an_end_too(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    batch = [scene.message(ANA, f"!tweet number {n}", age=STALE * 2) for n in range(551)]
    await scene.bot.deliver(batch)
    assert len(await scene.posts()) == 550
    assert "Not posted: “number 550”" in (await scene.heard())[0]


async def test_the_daily_cap_says_when_the_next_post_is_possible(tmp_path: Path) -> None:
    async with open_scene(tmp_path, cap=2) as scene:
        await scene.account("acme", ana=Role.OWNER, ben=Role.POSTER)
        await scene.say(ANA, "!tweet one")
        scene.later(3600)
        await scene.say(ANA, "!tweet two")
        scene.later(3600)
        answer = await scene.ask(ANA, "!tweet three")
        assert "limit of 2 posts" in answer
        assert "in 22 h" in answer
        assert len(await scene.posts()) == 2
        await scene.say(BEN, "!tweet of another person")
        assert len(await scene.posts()) == 3
        scene.later(22 * 3600)
        await scene.say(ANA, "!tweet three")
        assert len(await scene.posts()) == 4


async def test_an_admin_of_the_operator_has_no_account_by_that(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    assert "!link" in await scene.ask(ADMIN, "!tweet hello")
    assert await scene.posts() == []


async def test_what_others_have_waiting_is_not_read_for_the_cap(tmp_path: Path) -> None:
    async with open_scene(tmp_path, cap=1) as scene:
        account = await scene.account("acme", ana=Role.OWNER)

        def fill(tx: Tx) -> None:
            for number in range(8000):
                who = Identity("matrix", f"@{number % 20}:example.org")
                asked = tx.answers.ask(who, PRESS).id if number < 20 else number % 20 + 1
                tx.posts.add(
                    Action.POST, account.id, who, PRESS, f"$held{number}", None, Draft("x"), state=PostState.HELD,
                    now=scene.now, fresh_at=scene.now, due_at=scene.now, question_id=asked,
                )  # fmt: skip

        await scene.store.transact(fill)
        await scene.say(ANA, "!tweet one")
        began = time.process_time()
        for number in range(10):
            assert "limit of 1 posts" in await scene.ask(ANA, f"!tweet more {number}")
        assert time.process_time() - began < 1.0  # reading them all takes three times that
