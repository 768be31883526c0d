"""The outbox when posts must wait: rests, a publisher that is away, the operator's pause, and posts that grow old."""

import json

import pytest

from bridge.errors import ChatUnreachable, OperatorMustAct, OutOfCredit, Throttled, Unreachable
from bridge.interfaces import Tx
from bridge.model import Action, Draft, Post, PostState, Room, Speech
from bridge.outbox import pausing
from tests.patience import until
from tests.unit.outbox_stage import ANA, BEN, BOSS, PRESS, START, Stage


async def told_boss(at: Stage) -> list[str]:
    return [a.body for a in await at.answers() if a.room == Room("matrix", f"!dm-{BOSS.name}")]


async def resume(at: Stage) -> None:
    """What the bot does with an admin's resume."""

    def work(tx: Tx) -> None:
        tx.notes.drop("outbox", "pause")

    await at.store.transact(work)
    await at.settle()


# ---------------------------------------------------------------- rests


async def test_a_throttled_post_waits_for_its_time_and_says_so(at: Stage) -> None:
    acme = await at.link("acme")
    at.x.fail("post", Throttled("slow down", retry_at=START + 300))
    first, second = await at.queue_all(acme, ["one", "two"])
    at.start()
    await at.pass_slowly(5.0)
    assert (await at.row(first)).state is PostState.QUEUED
    (said,) = await at.texts(first)
    assert "not posted yet" in said
    assert "08:05 UTC" in said
    (behind,) = await at.texts(second)
    assert "not posted yet" in behind
    await at.pass_(290.0)
    assert at.x.count("post") == 1
    await at.pass_(6.0)
    await at.until_state(second, PostState.POSTED)
    assert at.x.texts("acme") == ["one", "two"]


async def test_a_short_rest_is_waited_out_in_silence(at: Stage) -> None:
    acme = await at.link("acme")
    at.x.fail("post", Throttled("slow down", retry_at=START + 4))
    post = await at.queue(acme)
    at.start()
    await at.pass_slowly(5.0)
    assert (await at.row(post)).state is PostState.POSTED
    assert len(await at.texts(post)) == 1


async def test_a_rest_survives_a_restart(at: Stage) -> None:
    acme = await at.link("acme")
    at.x.fail("post", Throttled("slow down", retry_at=START + 300))
    post = await at.queue(acme)
    at.start()
    await at.settle()
    await at.crash()
    at.start()
    await at.pass_(100.0)
    assert at.x.count("post") == 1
    await at.pass_(201.0)
    await at.until_state(post, PostState.POSTED)


async def test_a_receipt_that_announces_a_rest_is_honoured(at: Stage) -> None:
    acme, zoo = await at.link("acme"), await at.link("zoo")
    at.x.rest("post", START + 100)
    first, second = await at.queue_all(acme, ["one", "two"])
    at.start()
    await at.until_state(first, PostState.POSTED)
    await at.until_state(await at.queue(zoo, "three"), PostState.POSTED)
    await at.pass_(50.0)
    assert (await at.row(second)).state is PostState.QUEUED
    await at.pass_(51.0)
    assert (await at.row(second)).state is PostState.POSTED


async def test_a_throttle_in_the_past_does_not_loop(at: Stage) -> None:
    acme = await at.link("acme")
    at.x.always_fail("post", lambda: Throttled("slow down", retry_at=START - 1000))
    await at.queue(acme)
    at.start()
    await at.settle()
    assert at.x.count("post") == 1
    await at.pass_slowly(120.0, 2.0)
    assert at.x.count("post") < 12


async def test_a_clock_set_back_does_not_make_a_rest_longer(at: Stage) -> None:
    acme = await at.link("acme")
    at.x.fail("post", Throttled("slow down", retry_at=START + 300))
    post = await at.queue(acme)
    at.start()
    await at.settle()
    at.time.wall -= 86400.0
    await at.settle()
    await at.pass_(299.0)
    assert at.x.count("post") == 1
    await at.pass_(2.0)
    await at.until_state(post, PostState.POSTED)


# ---------------------------------------------------------------- a publisher that is away


async def test_a_publisher_that_is_away_is_tried_again_at_growing_intervals(at: Stage) -> None:
    acme = await at.link("acme")
    at.x.always_fail("post", lambda: Unreachable("no route"))
    post = await at.queue(acme)
    at.start()
    await at.pass_slowly(10.0)
    assert 3 <= at.x.count("post") <= 5
    (said,) = await at.texts(post)
    assert "cannot be reached" in said
    assert "not posted yet" in said
    await at.pass_slowly(110.0, 5.0)
    assert at.x.count("post") <= 10
    assert len(await at.texts(post)) == 1
    at.x.always_fail("post", None)
    await at.pass_slowly(61.0, 5.0)
    await at.until_state(post, PostState.POSTED)


# ---------------------------------------------------------------- the operator's pause


async def test_out_of_credit_pauses_everything_and_tells_everybody_once(at: Stage) -> None:
    acme, zoo = await at.link("acme"), await at.link("zoo", BEN)
    at.x.always_fail("post", lambda: OutOfCredit("the credit is used up"))
    of_ana = await at.queue_all(acme, ["one", "two"])
    at.start()
    await at.until_state(of_ana[0], PostState.QUEUED)
    await at.pass_(3.0)
    of_ben = await at.queue(zoo, "three", BEN)
    await at.pass_slowly(30.0)
    assert at.x.count("post") <= 2
    assert "the credit is used up" in at.outbox.health().reason
    await until_told(at)
    (words,) = await told_boss(at)
    assert "the credit is used up" in words
    assert "!resume" in words
    said = [t for t in await at.texts() if "waits" in t or "wait," in t]
    assert len([t for t in said if "Posting is paused until" in t]) == 2
    assert "2 of yours wait, not posted yet" in "".join(said)
    assert (await at.texts(of_ben))[0].endswith(f"!undo {of_ben.label}")
    for post in [*of_ana, of_ben]:
        assert "❌" not in await at.signs(post)


async def until_told(at: Stage) -> None:
    async def told() -> bool:
        return bool(await told_boss(at))

    await until(told)


async def test_resume_lifts_it_for_one_try_first(at: Stage) -> None:
    accounts = [await at.link(f"h{n}") for n in range(20)]
    at.x.always_fail("post", lambda: OperatorMustAct("the app is read-only"))
    posts = [await at.queue(account, f"of {account.handle}") for account in accounts]
    at.start()
    await until(lambda: "read-only" in at.outbox.health().reason)
    await at.settle()
    before = at.x.count("post")
    await resume(at)
    assert at.x.count("post") == before + 1
    assert "read-only" in at.outbox.health().reason
    at.x.always_fail("post", None)
    await resume(at)
    await at.until_state(posts[-1], PostState.POSTED)
    assert at.posts_taken() == 20
    assert at.outbox.health().ok


async def test_a_restart_lifts_it_for_one_try(at: Stage) -> None:
    accounts = [await at.link(f"h{n}") for n in range(5)]
    at.x.always_fail("post", lambda: OperatorMustAct("the app is read-only"))
    for account in accounts:
        await at.queue(account, f"of {account.handle}")
    at.start()
    await until(lambda: "read-only" in at.outbox.health().reason)
    await at.settle()
    before = at.x.count("post")
    await at.crash()
    at.start()
    await at.settle()
    assert at.x.count("post") == before + 1


async def test_an_admin_whose_network_is_away_is_told_later(at: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.outbox.loop.pause", lambda tries, **_: 0.001)
    acme = await at.link("acme")
    at.matrix.errors["open_dm"] = ChatUnreachable("away")
    at.x.fail("post", OutOfCredit("the credit is used up"))
    await at.queue(acme)
    at.start()
    await until(lambda: "paused" in at.outbox.health().reason)
    await at.settle()
    assert await told_boss(at) == []
    del at.matrix.errors["open_dm"]
    await until_told(at)
    assert len(await told_boss(at)) == 1


async def test_the_note_is_json_that_others_can_read(at: Stage) -> None:
    acme = await at.link("acme")
    at.x.fail("post", OutOfCredit("the credit is used up"))
    await at.queue(acme)
    at.start()
    await until(lambda: "paused" in at.outbox.health().reason)
    noted = await at.store.transact(lambda tx: tx.notes.get(*pausing.NOTE))
    assert noted is not None
    note = json.loads(noted)
    assert (note["reason"], note["since"]) == ("the credit is used up", START)


@pytest.mark.parametrize("garbage", [b"", b"[]", b"null", b"{", b'{"reason": 1}', b"\xff"])
async def test_a_note_that_cannot_be_read_is_a_pause_too(at: Stage, garbage: bytes) -> None:
    acme = await at.link("acme")
    at.start()
    await at.settle()
    await at.store.transact(lambda tx: tx.notes.put(*pausing.NOTE, garbage))
    await at.queue(acme)
    await at.settle()
    assert at.x.calls == []
    assert at.outbox.health().reason == "paused: no reason noted"


async def test_a_pause_does_not_forget_an_undo(at: Stage) -> None:
    acme = await at.link("acme")
    gate = at.x.hold("post", OutOfCredit("the credit is used up"))
    post = await at.queue(acme)
    at.start()
    await gate.entered.wait()
    wish = await at.undo(post)
    gate.release()
    await at.until_state(wish, PostState.FAILED)
    assert (await at.row(post)).reason == "undone"
    await resume(at)
    assert at.x.count("post") == 1


# ---------------------------------------------------------------- posts that grow old


async def question_words(at: Stage) -> list[str]:
    return [a.body for a in await at.answers() if a.question_id is not None and a.speech is Speech.TEXT]


async def test_a_held_post_is_asked_about(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme, state=PostState.HELD, fresh_at=START - 720)
    at.start()
    await at.settle()
    row = await at.row(post)
    assert row.state is PostState.HELD
    assert row.question_id is not None
    (said,) = await at.texts(post)
    assert "“hello” is 12 min old by now: not posted" in said
    assert f"!send {post.label}" in said
    assert f"!drop {post.label}" in said
    assert "✅" in said
    assert await at.signs(post) == []
    await at.settle()
    assert len(await question_words(at)) == 1


async def test_two_hundred_old_posts_are_one_question_a_person(at: Stage) -> None:
    acme = await at.link("acme", ANA, BEN)
    mine = await at.queue_all(acme, [f"number {n}" for n in range(200)], state=PostState.HELD, fresh_at=START - 7200)
    await at.queue(acme, "of ben", BEN, state=PostState.HELD, fresh_at=START - 7200)
    at.start()
    await at.settle()
    first, second = await question_words(at)
    assert "200 of yours grew old" in first
    assert "“number 9”, 2 h" in first
    assert "number 10" not in first
    assert "… and 190 more" in first
    assert "“of ben”" in second
    rows = [await at.row(post) for post in mine]
    assert len({row.question_id for row in rows}) == 1
    assert at.x.calls == []


async def test_posts_that_grew_old_in_the_queue_are_one_question_and_the_fresh_one_goes(at: Stage) -> None:
    acme = await at.link("acme")
    await at.store.transact(lambda tx: tx.accounts.rest(acme.id, Action.POST, START + 700))
    old = await at.queue_all(acme, ["one", "two", "three"])
    at.start()
    await at.pass_(200.0)
    fresh = await at.queue(acme, "fresh")
    await at.pass_(501.0)
    assert (await at.row(fresh)).state is PostState.POSTED
    assert [(await at.row(post)).state for post in old] == [PostState.HELD] * 3
    assert len(await question_words(at)) == 1
    assert at.x.texts("acme") == ["fresh"]


async def test_sent_by_word_it_counts_as_fresh(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme, state=PostState.HELD, fresh_at=START - 720)
    at.start()
    await at.settle()
    await at.send(post)
    await at.until_state(post, PostState.POSTED)


async def test_a_command_in_a_thread_is_answered_in_its_thread(at: Stage) -> None:
    acme = await at.link("acme")

    def work(tx: Tx) -> Post:
        return tx.posts.add(
            Action.POST, acme.id, ANA, PRESS, "$t", "$thread", Draft("hi"),
            state=PostState.QUEUED, now=START, fresh_at=START, due_at=START,
        )  # fmt: skip

    post = await at.store.transact(work)
    at.start()
    await at.until_state(post, PostState.POSTED)
    (said,) = [a for a in await at.answers(post) if a.speech is Speech.TEXT]
    assert (said.target, said.thread, said.mention) == ("$t", "$thread", ANA)
