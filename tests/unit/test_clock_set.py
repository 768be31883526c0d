"""Somebody sets the machine's clock, back or forward by an hour: nothing goes out before its time or twice, and nothing
is lost.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.errors import OutcomeUnknown
from bridge.model import PostState
from tests.unit.outbox_stage import Stage
from tests.unit.outbox_stage import stage as open_stage

HOUR = 3600.0


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path) as made:
        yield made


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
