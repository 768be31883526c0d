"""Threads in the outbox through crashes and any run of troubles: no part twice, none lost, order kept."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import OutcomeUnknown, PublishError, Rejected, Unreachable
from bridge.model import Post, PostState
from tests.unit.outbox_stage import Stage, stage
from tests.unit.thread_stage import TEXTS, check_chain, roll_back, rows, send_all, thread


async def come_to_rest(at: Stage, parts: list[Post]) -> None:
    """Searches end; a person answers every question with `send`."""
    for _ in range(8):
        await at.pass_slowly(70.0, 5.0)
        now = await rows(at, parts)
        if all(row.state is PostState.POSTED for row in now):
            return
        await send_all(at, parts)
        await at.settle()


@pytest.mark.parametrize("steps", range(0, 60, 2))
async def test_a_crash_after_any_step_of_a_thread(at: Stage, steps: int) -> None:
    acme = await at.link("acme")
    parts = await thread(at, acme)
    at.start()
    for _ in range(steps):
        await asyncio.sleep(0.0002)  # not a wait: the moment of the crash
    await at.crash()
    at.start()
    await come_to_rest(at, parts)
    check_chain(at)
    assert at.x.texts("acme") == TEXTS
    assert at.x.repeated <= 1, "only on its author's word"
    assert {row.state for row in await rows(at, parts)} == {PostState.POSTED}
    assert (await at.signs(parts[0]))[-1:] == ["✅"]


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("taken", [False, True])
async def test_a_crash_during_each_exchange(at: Stage, number: int, taken: bool) -> None:
    acme = await at.link("acme")
    parts = await thread(at, acme)
    at.x.succeed("post", number - 1)
    gate = at.x.hold("post")
    at.start()
    await gate.entered.wait()
    if taken:
        before = at.x.person("acme").posts
        at.x._make(at.x.person("acme"), TEXTS[number - 1], before[-1].id if before else None)
    await at.crash()
    at.start()
    await come_to_rest(at, parts)
    check_chain(at)
    assert at.x.texts("acme") == TEXTS


ERRORS = st.sampled_from(
    [None, Rejected("no"), OutcomeUnknown("?"), "taken", Unreachable("no way"), "crash", "crash"]
)  # fmt: skip


def let(at: Stage, troubles: list[object]) -> None:
    """What becomes of the next posts, each in turn; of a crash, nothing here."""
    for trouble in troubles:
        if isinstance(trouble, PublishError):
            at.x.fail("post", trouble)
        elif trouble == "taken":
            at.x.fail("post", OutcomeUnknown("?"), taken=True)
        elif trouble is None:
            at.x.succeed("post")


@given(st.lists(ERRORS, max_size=9))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_run_of_troubles_keeps_the_order_and_doubles_nothing(troubles: list[object]) -> None:
    async def run(folder: Path) -> None:
        async with stage(folder) as at:
            acme = await at.link("acme")
            parts = await thread(at, acme)
            let(at, troubles)
            at.start()
            for trouble in troubles:
                if trouble == "crash":
                    await asyncio.sleep(0.002)  # not a wait: the moment of the crash
                    await at.crash()
                    at.start()
            await at.pass_slowly(120.0, 5.0)
            check_chain(at)
            for row in await rows(at, parts):
                assert row.state is not PostState.SENDING
                waits = row.state in (PostState.HELD, PostState.UNKNOWN)
                assert not waits or row.question_id is not None
            assert at.x.repeated == 0
            assert await at.texts()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


@given(st.lists(ERRORS, max_size=6), st.integers(0, 12), st.booleans())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_rollback_at_any_moment_leaves_nothing_out(troubles: list[object], moment: int, crash: bool) -> None:
    async def run(folder: Path) -> None:
        async with stage(folder) as at:
            acme = await at.link("acme")
            parts = await thread(at, acme)
            let(at, [None if trouble == "crash" else trouble for trouble in troubles])
            at.start()
            for _ in range(moment):
                await asyncio.sleep(0.0005)  # not a wait: the moment of the undo
            made = await roll_back(at, parts)
            if crash:
                await at.crash()
                at.start()
            await at.pass_slowly(160.0, 5.0)
            assert at.x.texts("acme") == []
            assert at.x.repeated == 0
            assert {row.state for row in await rows(at, parts)} <= {PostState.POSTED, PostState.FAILED}
            assert {row.state for row in await rows(at, made)} <= {PostState.POSTED, PostState.FAILED}
            if made:
                assert len([sign for row in made for sign in await at.signs(row)]) == 1

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))
