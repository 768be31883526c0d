"""Answers that people asked about: each says in plain words what to do next."""

import json
from dataclasses import replace
from functools import partial

import pytest

from bridge.bot.showing import PAUSE
from bridge.interfaces import Tx
from bridge.model import Account, Action, Draft, Post, PostState, Role
from bridge.outbox.words import failed, waits
from tests.unit.bot_scene import ANA, BEN, COPY, DM, LOBBY, NOW, PRESS, Scene
from tests.unit.drafting_scene import ADA, OWEN, set_policy, team

HOW = "Write it like this:"
TWEET = "!tweet Good morning!"
RETWEET = "!retweet https://x.com/acme/status/1234567890123456789"
HOLD = (
    "@acme: hold=none. It says how long a post waits, in which undoing costs nothing. An owner sets it:"
    " !policy @acme hold=VALUE, where VALUE is a time such as 20s or 2min, at most 1h, or none."
)
TOO_FEW = "Mind that only 1 in the team can approve. To add one: !share @acme WHO approver"
ACME = Account(1, "x", "1", "acme")


@pytest.fixture
async def acme(scene: Scene) -> Account:
    return await scene.account("acme", ana=Role.OWNER, ben=Role.POSTER)


async def question(scene: Scene, *texts: str) -> None:
    """One question to Ana about posts with these texts."""
    posts = []
    for text in texts:
        await scene.say(ANA, f"!tweet@acme {text}")
        posts.append(await scene.post())
    asked = await scene.store.transact(lambda tx: tx.answers.ask(ANA, PRESS))
    held = [replace(post, state=PostState.HELD, question_id=asked.id) for post in posts]
    await scene.store.transact(lambda tx: tx.posts.save(*held))


def _extend(post: Post, tx: Tx) -> None:
    tx.posts.extend(post)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("!tweet", f"Not posted. There is no text to post. {HOW} !tweet[@ACCOUNT] TEXT · for instance: {TWEET}"),
        ("!tweet@nobody", "Not posted. You have no account “@nobody” here. !accounts lists yours; !link adds one."),
        (
            "!retweet",
            f"Not posted. I need the address of a post. {HOW} !retweet[@ACCOUNT] URL · for instance: {RETWEET}",
        ),
        ("!share @acme", f"{HOW} !share @ACCOUNT WHO|room [ROLE] · for instance: !share @acme @ben:example.org poster"),
        ("!policy =", f"{HOW} !policy [@ACCOUNT] [KEY=VALUE] · for instance: !policy @acme hold=20s"),
        ("!log 3 no such", f"{HOW} !log [@ACCOUNT] [NUMBER] · for instance: !log @acme 20"),
        ("!edit k1", "There is no text. To change what it says: !edit k1 TEXT"),
        ("!help nonsense", "I know no verb “nonsense”. !help lists those that there are."),
        (
            "!schedule 03/04 | Hello",
            "Not posted: “Hello”. “03/04” has two meanings: which is the day? Write it in the form 2027-01-15.",
        ),
        ("!schedule 25.12. | Hello", "Not posted: “Hello”. At what time? Write it too, such as 25.12. 9:00."),
        ("!send", "Which one? !send ID. Nothing of yours waits for an answer now."),
        (
            "!policy @acme hold",
            HOLD,
        ),
        (
            "!policy @acme approvals=2",
            f"@acme: approvals=2 (was 1). {TOO_FEW}",
        ),
    ],
)
async def test_what_lacks_something_says_how_it_is_written(scene: Scene, acme: Account, said: str, words: str) -> None:
    await scene.say(ANA, "!schedule in 2h | Hello there")
    assert await scene.ask(ANA, said) == words


async def test_the_policies_say_how_one_learns_of_them(scene: Scene, acme: Account) -> None:
    shown = (
        "@acme: approvals=1, approvals_from=contributors, approve_by=reaction, room=none, hold=none, budget=none,"
        " links=tell, alt=off, premium=off (280 characters). What one is for: !policy @acme hold"
    )
    assert await scene.ask(BEN, "!policy @acme") == shown
    assert await scene.ask(ANA, "!policy") == f"{shown} · to set it: !policy @acme hold=20s"


async def test_who_has_nothing_to_undo_here_can_name_another(scene: Scene, acme: Account) -> None:
    assert await scene.ask(ANA, "!undo") == (
        "There is no post of yours in this room that I could undo. To undo another one, name it: !undo [ID or URL]"
    )


async def test_what_waits_for_a_word_is_named_by_its_words(scene: Scene, acme: Account) -> None:
    await question(scene, "one")
    await question(scene, "two", "three")
    rows = [replace(post, thread_root=2, part=post.id - 1) for post in (await scene.posts())[1:]]
    for row in rows:
        await scene.store.transact(partial(_extend, row))
    which = "Which one? !send ID. Waiting for your answer: k1 (“one”), q2 (2 posts)."
    assert await scene.ask(ANA, "!send") == f"{which} !status, in private, shows all that wait."
    assert await scene.ask(ANA, "!send", LOBBY) == "Which one? !send ID. !status, in private, shows all that wait."
    assert await scene.ask(ANA, "!status") == (
        "k1 waits for your word: “one” · !send k1 or !drop k1\n"
        "k2 waits for your word: “two” · !send q2 or !drop q2\n"
        "k3 waits for your word: “three” · !send q2 or !drop q2"
    )


async def test_who_may_lift_a_freeze_reads_how(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!freeze @acme")
    words = "@acme is frozen by @ana:example.org: nothing goes out"
    assert await scene.ask(ANA, "!status") == f"{words} · !unfreeze @acme"
    assert await scene.ask(BEN, "!status") == words


async def test_the_queue_of_a_paused_bot_does_not_go_out_now(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!tweet hello")
    assert await scene.ask(ANA, "!queue") == (
        "k1 @acme goes out now: “hello” by @ana:example.org · to stop it: !undo k1"
    )
    note = json.dumps({"reason": "no credit", "since": NOW, "told": []}).encode()
    await scene.store.transact(lambda tx: tx.notes.put(*PAUSE, note))
    words = await scene.ask(ANA, "!queue")
    assert words == "k1 @acme waits: posting is paused: “hello” by @ana:example.org · to stop it: !undo k1"
    assert (await scene.ask(ANA, "!status", DM)).startswith(
        "Posting is paused, for 0 s now, until the operator acts. Posts wait, and are not lost.\n"
    )


def row(**fields: object) -> Post:
    queued = PostState.QUEUED
    made = Post(1, Action.POST, 1, ANA, PRESS, "$1", None, Draft("hello"), None, None, queued, NOW, NOW, NOW)
    return replace(made, **fields)  # type: ignore[arg-type]  # a table of fields


def test_sentences_of_the_outbox_begin_like_sentences() -> None:
    assert waits([row(thread_root=1, part=2)], "Posting is paused", "!") == (
        "Posting is paused. Part 2 of your thread, “hello”, waits: not posted yet. To stop it: !undo k1"
    )
    assert failed(row(action=Action.REPOST, target="123"), ACME, "X knows no such post") == (
        "The post 123 was not reposted as @acme: X knows no such post."
    )


@pytest.mark.parametrize("said", ["!cost", "!prices"])
async def test_what_posts_cost_can_be_asked(scene: Scene, said: str) -> None:
    await scene.account("acme", ana=Role.OWNER)
    assert await scene.ask(ANA, said) == (
        "A post costs $0.015, one with a link $0.20, each alt text $0.005 more; to delete one costs $0.01. What was"
        " spent: !accounts · by whom: !log · a limit for a month: !policy budget"
    )


async def test_the_daily_limit_is_told_in_private_before_it_is_near(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    assert await scene.ask(ANA, "!status") == "All is well: nothing of yours waits."
    assert await scene.ask(ANA, "!status", DM) == (
        "All is well: nothing of yours waits.\nYou may make 50 more posts now: the limit is 50 in 24 hours."
    )


async def test_an_old_name_takes_an_approval_back(scene: Scene) -> None:
    await team(scene, approvals=2)
    await scene.say(ANA, "!draft@acme helo")
    await scene.say(ANA, "!edit k1 hello")
    await scene.say(ADA, "!approve k1.2")
    assert await scene.ask(ADA, "!unapprove k1") == "Took your approval of k1.2, “hello” back: 0 of 2, it waits."


async def test_who_names_whoever_wrote_the_words(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!draft@acme helo")
    await scene.say(BEN, "!edit k1 hello")
    await scene.say(ADA, "!approve k1.2")
    words = await scene.ask(ADA, "!who k1")
    assert f"asked for by {ANA.name} on " in words
    assert f"; with words of {BEN.name}; approved by {ADA.name} on " in words


async def test_the_author_of_a_private_draft_hears_who_reads_it(scene: Scene) -> None:
    account = await team(scene)
    await set_policy(scene, account, room=PRESS)
    words = await scene.ask(ANA, "!draft@acme hello", DM)
    assert "I show it in the room where drafts of @acme are shown, too: whoever is there reads it." in words
    await set_policy(scene, account, room=None)
    said = await scene.ask(OWEN, "!policy @acme room=here")
    assert said.endswith("Whoever is in that room reads the drafts that are made elsewhere, also without a role.")


async def test_a_marker_before_an_alt_text_is_none_of_it(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.say(ANA, "!schedule in 2h | hello", media=(COPY,))
    assert "has the alt text “A bird”" in await scene.ask(ANA, "!alt k1 alt: A bird")
