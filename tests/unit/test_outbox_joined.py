"""The outbox's turns in the transactions of others: claimed with the very commit that queued, or left to the loop."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from bridge.interfaces import Topic, Tx
from bridge.model import Account, Action, PostState, Speech
from bridge.outbox.choosing import choose
from bridge.outbox.turn import Turn
from tests.unit.outbox_stage import ANA, PRESS, START, Stage, stage

T = TypeVar("T")


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as made:
        made.start()
        await made.settle()
        yield made


async def test_a_post_is_claimed_by_the_transaction_that_queues_it(at: Stage) -> None:
    acme = await at.link("acme")
    gate = at.x.hold("post")
    turns = at.outbox.turns
    post = await at.queue(acme)
    assert (await at.row(post)).state is PostState.SENDING
    await gate.entered.wait()
    assert at.outbox.turns == turns + 1
    gate.release()
    await at.until_state(post, PostState.POSTED)
    assert at.outbox.turns == turns + 2


async def test_what_is_queued_meanwhile_waits_for_its_account(at: Stage) -> None:
    acme = await at.link("acme")
    gate = at.x.hold("post")
    first, second = await at.queue(acme, "first"), await at.queue(acme, "second")
    await gate.entered.wait()
    assert (await at.row(second)).state is PostState.QUEUED
    gate.release()
    await at.until_state(second, PostState.POSTED)
    assert (await at.row(first)).state is PostState.POSTED
    assert at.x.texts("acme") == ["first", "second"]


async def test_many_who_queue_at_once_keep_order_and_send_once(at: Stage) -> None:
    accounts = [await at.link(f"h{n}") for n in range(12)]
    texts = {account.handle: [f"{account.handle} {number}" for number in range(8)] for account in accounts}

    async def talk(account: Account) -> None:
        for text in texts[account.handle]:
            await at.queue(account, text)
            await asyncio.sleep(0)

    await asyncio.gather(*(talk(account) for account in accounts))
    await at.settle()
    assert {handle: at.x.texts(handle) for handle in texts} == texts
    assert at.x.overlaps == 0
    assert at.x.repeated == 0


async def test_a_bug_in_it_is_left_to_the_loop(at: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = await at.link("acme")
    broken: list[Turn] = []

    def breaks_once(turn: Turn) -> None:
        choose(turn)
        if turn.errands and not broken:
            broken.append(turn)
            raise LookupError

    monkeypatch.setattr("bridge.outbox.loop.choose", breaks_once)
    post = await at.queue(acme)
    await at.until_state(post, PostState.POSTED)
    assert len(broken) == 1
    assert at.x.count("post") == 1


async def test_nothing_leaves_when_the_commit_fails(at: Stage) -> None:
    acme = await at.link("acme")

    def refused_at_the_end(tx: Tx) -> None:
        raw: sqlite3.Connection = tx.answers._raw  # type: ignore[attr-defined]  # only so can a commit fail at will
        raw.execute("PRAGMA defer_foreign_keys = ON")
        at._add(tx, Action.POST, acme, "lost", ANA, fields)
        tx.answers.add(PRESS, Speech.TEXT, "of no post", post_id=99_999)

    fields: dict[str, object] = {"state": PostState.QUEUED, "fresh_at": START, "due_at": START, "now": START}
    with pytest.raises(sqlite3.IntegrityError):
        await at.store.transact(refused_at_the_end)
    await at.settle()
    assert at.x.count("post") == 0
    post = await at.queue(acme, "kept")
    await at.until_state(post, PostState.POSTED)
    assert at.x.texts("acme") == ["kept"]


async def test_a_caller_who_is_gone_stops_nothing(at: Stage) -> None:
    acme = await at.link("acme")
    task = asyncio.create_task(at.queue(acme))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await at.settle()
    assert at.x.texts("acme") == ["hello"]


async def test_a_post_that_comes_while_a_turn_ends_on_a_busy_machine_is_seen_at_once(at: Stage) -> None:
    acme = await at.link("acme")
    await at.settle()
    at.store.bell(Topic.POSTS).set()
    while not at.outbox._lock.locked():  # noqa: ASYNC110 - until a turn is under way, so that nobody joins
        await asyncio.sleep(0)
    queueing = asyncio.create_task(at.queue(acme))
    await asyncio.sleep(0)
    both = threading.Event()
    at.store._connection.begin(lambda raw: both.set())
    assert both.wait(5.0)  # in the loop's way on purpose: it is to hear of both transactions in one go
    post = await queueing
    async with asyncio.timeout(3.0):  # without a ring, the loop looks around after five
        await at.until_state(post, PostState.POSTED)


async def test_nothing_is_claimed_after_drain(at: Stage) -> None:
    acme = await at.link("acme")
    await at.outbox.drain()
    post = await at.queue(acme)
    await at.settle()
    assert (await at.row(post)).state is PostState.QUEUED


async def test_every_claim_waits_for_the_disk_and_an_outcome_alone_does_not(
    at: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, zoo = await at.link("acme"), await at.link("zoo")
    transact = at.store.transact
    lasted: list[tuple[bool, bool]] = []

    async def watched(work: Callable[[Tx], T], *, lasting: bool = True) -> T:
        def whole(tx: Tx) -> T:
            result = work(tx)
            lasted.append((lasting, isinstance(result, Turn) and bool(result.errands)))
            return result

        return await transact(whole, lasting=lasting)

    monkeypatch.setattr(at.store, "transact", watched)
    for number in range(6):
        post = await at.queue(acme, f"alone {number}")
        await at.until_state(post, PostState.POSTED)
    alone = len(lasted)
    assert (False, False) in lasted
    posts = [*await at.queue_all(acme, ["a", "b", "c"]), *await at.queue_all(zoo, ["d", "e"])]
    for post in posts:
        await at.until_state(post, PostState.POSTED)
    assert (True, True) in lasted[alone:]
    assert (False, True) not in lasted
    assert at.x.texts("acme")[-3:] == ["a", "b", "c"]
