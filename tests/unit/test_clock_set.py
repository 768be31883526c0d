"""Somebody sets the machine's clock, back or forward by an hour: nothing goes out before its time or twice, and nothing
is lost.
"""

from dataclasses import replace

import pytest

from bridge.errors import OutcomeUnknown
from bridge.interfaces import Topic, Tx
from bridge.model import Account, Post, PostState
from tests.unit.outbox_stage import Stage

HOUR = 3600.0


async def test_back_before_a_scheduled_time_it_waits_for_that_and_goes_once(at: Stage) -> None:
    acme = await at.link("acme")
    due = at.time.wall + 60.0
    post = await at.queue(acme, state=PostState.SCHEDULED, due_at=due)
    at.start()
    await at.pass_(59.0)
    at.time.wall -= HOUR
    await at.pass_(2.0)
    assert (await at.row(post)).state is PostState.SCHEDULED
    await at.pass_(HOUR - 2.0)
    assert at.posts_taken() == 0
    await at.pass_(2.0)
    await at.until_state(post, PostState.POSTED)
    assert at.posts_taken() == 1


async def test_forward_over_a_scheduled_time_it_is_asked_about(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme, state=PostState.SCHEDULED, due_at=at.time.wall + 60.0)
    soon = await at.queue(acme, "soon", state=PostState.SCHEDULED, due_at=at.time.wall + HOUR - 60.0)
    at.start()
    at.time.wall += HOUR
    await at.settle()
    row = await at.until_state(post, PostState.HELD)
    assert row.question_id is not None
    await at.until_state(soon, PostState.POSTED)  # a minute late only
    assert at.x.texts("acme") == ["soon"]


@pytest.mark.parametrize("seconds", [-HOUR, HOUR])
async def test_while_a_post_is_on_its_way_it_ends_as_it_would(at: Stage, seconds: float) -> None:
    acme = await at.link("acme")
    gate = at.x.hold("post")
    post = await at.queue(acme)
    behind = await at.queue(acme, "behind")
    at.start()
    await gate.entered.wait()
    at.time.wall += seconds
    gate.release()
    await at.until_state(post, PostState.POSTED)
    row = await at.until_state(behind, PostState.HELD if seconds > 0 else PostState.POSTED)
    assert at.x.texts("acme") == (["hello"] if seconds > 0 else ["hello", "behind"])
    assert row.attempts == (0 if seconds > 0 else 1)


@pytest.mark.parametrize("seconds", [-HOUR, HOUR])
@pytest.mark.parametrize("taken", [True, False])
async def test_while_its_fate_is_unknown_it_is_looked_for_and_not_sent_again(
    at: Stage, seconds: float, taken: bool
) -> None:
    acme = await at.link("acme")
    at.x.fail("post", OutcomeUnknown("cut"), taken=taken)
    at.x.blind = True
    post = await at.queue(acme)
    at.start()
    await at.until_state(post, PostState.UNKNOWN)
    at.time.wall += seconds
    at.x.blind = False
    await at.pass_slowly(90.0, 3.0)
    row = await at.row(post)
    assert at.posts_taken() == int(taken)
    assert at.x.count("post") == 1
    assert row.state is (PostState.POSTED if taken else PostState.UNKNOWN)
    assert taken or row.question_id is not None


@pytest.mark.parametrize("seconds", [-HOUR, HOUR])
async def test_and_killed_then_it_is_found_or_asked_about(at: Stage, seconds: float) -> None:
    acme = await at.link("acme")
    gate = at.x.hold("post", taken=True)
    post = await at.queue(acme)
    at.start()
    await gate.entered.wait()
    await at.crash()
    at.time.wall += seconds
    at.start()
    await at.pass_slowly(90.0, 3.0)
    assert at.x.count("post") == 1
    row = await at.row(post)
    assert row.state is PostState.UNKNOWN
    assert row.question_id is not None


async def held(at: Stage, seconds: float = 20.0) -> Post:
    """A post that its account's policy holds."""
    return await at.queue(await at.link("acme"), due_at=at.time.wall + seconds)


async def scheduled_thread(at: Stage, account: Account, due: float) -> list[Post]:
    """Two parts that go out at ``due``."""
    rows = await at.queue_all(account, ["one", "two"], state=PostState.SCHEDULED, due_at=due)

    def work(tx: Tx) -> None:
        for number, row in enumerate(rows, 1):
            tx.posts.extend(replace(row, scheduled_for=due, thread_root=rows[0].id, part=number))

    await at.store.transact(work)
    return rows


async def test_back_while_a_policy_holds_it_the_hold_is_as_long_as_it_was(at: Stage) -> None:
    at.start()
    await at.settle()
    post = await held(at)
    await at.pass_(5.0)
    at.time.wall -= HOUR
    await at.pass_(14.0)
    assert at.posts_taken() == 0
    await at.pass_(2.0)
    await at.until_state(post, PostState.POSTED)


async def test_back_while_a_policy_holds_it_and_nothing_runs_the_hold_begins_anew(at: Stage) -> None:
    at.start()
    post = await held(at)
    await at.pass_(5.0)
    await at.crash()
    at.time.wall -= HOUR
    at.start()
    await at.settle()
    await at.pass_(19.0)
    assert at.posts_taken() == 0
    await at.pass_(2.0)
    await at.until_state(post, PostState.POSTED)


async def test_what_is_held_right_after_the_clock_was_set_back_is_held_as_long(at: Stage) -> None:
    at.start()
    await at.settle()
    at.time.wall -= HOUR
    post = await held(at)
    await at.settle()
    await at.pass_(19.0)
    assert at.posts_taken() == 0
    await at.pass_(2.0)
    await at.until_state(post, PostState.POSTED)


@pytest.mark.parametrize("running", [True, False])
async def test_back_when_what_was_scheduled_has_joined_the_queue_it_waits_for_its_time(
    at: Stage, running: bool
) -> None:
    acme = await at.link("acme")
    await at.store.transact(lambda tx: tx.accounts.save(replace(acme, frozen="ana")))
    due = at.time.wall + 60.0
    rows = await scheduled_thread(at, acme, due)
    at.start()
    await at.pass_(61.0)
    await at.until_state(rows[0], PostState.QUEUED)
    if not running:
        await at.crash()
    at.time.wall -= HOUR
    if not running:
        at.start()
    await at.settle()
    await at.store.transact(lambda tx: tx.accounts.save(replace(acme, frozen="")))
    await at.pass_(HOUR - 10.0)
    assert at.posts_taken() == 0
    assert (await at.row(rows[0])).state is PostState.SCHEDULED
    await at.pass_(10.0)
    await at.until_state(rows[1], PostState.POSTED)
    assert at.x.texts("acme") == ["one", "two"]


async def test_back_while_a_scheduled_thread_is_half_out_the_rest_follows_at_once(at: Stage) -> None:
    acme = await at.link("acme")
    due = at.time.wall + 60.0
    rows = await scheduled_thread(at, acme, due)
    at.start()
    gate = at.x.hold("post")
    at.time.wall += 60.0
    at.time.mono += 60.0
    at.store.bell(Topic.POSTS).set()
    await gate.entered.wait()
    at.time.wall -= HOUR
    gate.release()
    await at.until_state(rows[1], PostState.POSTED)
    assert at.x.texts("acme") == ["one", "two"]
