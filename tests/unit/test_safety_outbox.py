"""Freeze, hold and budget at the moment of sending: what waits, what goes, and what its author hears."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.interfaces import Tx
from bridge.model import Account, Policy, Post, PostState
from tests.unit.outbox_stage import ANA, BEN, STALE, Stage
from tests.unit.outbox_stage import stage as open_stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path) as made:
        yield made


async def freeze(stage: Stage, account: Account, by: str = str(BEN)) -> None:
    def work(tx: Tx) -> None:
        found = tx.accounts.get(account.id)
        assert found is not None
        tx.accounts.save(replace(found, frozen=by))

    await stage.store.transact(work)


async def cost(stage: Stage, post: Post, amount: int) -> None:
    await stage.store.transact(lambda tx: tx.posts.extend(replace(post, cost=amount)))


# ---------------------------------------------------------------- freeze


async def test_a_frozen_account_sends_nothing_keeps_its_queue_and_holds_no_other(stage: Stage) -> None:
    acme, other = await stage.link("acme"), await stage.link("other")
    out = await stage.queue(acme, "out")
    stage.start()
    await stage.until_state(out, PostState.POSTED)
    await freeze(stage, acme)
    waiting, undo, free = await stage.queue(acme, "waits"), await stage.undo(out), await stage.queue(other, "free")
    await stage.until_state(free, PostState.POSTED)
    await stage.pass_slowly(20.0)
    assert (await stage.row(waiting)).state is PostState.QUEUED
    await stage.until_state(undo, PostState.POSTED)  # what is out may be taken back
    assert any("@acme is frozen" in text for text in await stage.texts())
    assert stage.x.texts("acme") == []
    await freeze(stage, acme, "")
    await stage.until_state(waiting, PostState.POSTED)
    assert stage.x.texts("acme") == ["waits"]


async def test_what_grew_old_in_the_frost_is_asked_about(stage: Stage) -> None:
    acme = await stage.link("acme")
    await freeze(stage, acme)
    post = await stage.queue(acme)
    stage.start()
    await stage.pass_(STALE + 1.0)
    await freeze(stage, acme, "")
    await stage.until_state(post, PostState.HELD)
    assert stage.posts_taken() == 0


# ---------------------------------------------------------------- hold


async def test_a_post_waits_its_hold_and_nobody_hears_of_trouble(stage: Stage) -> None:
    acme = await stage.link("acme")
    post = await stage.queue(acme, due_at=stage.time.wall + 30.0)
    stage.start()
    await stage.pass_slowly(29.0)
    assert (await stage.row(post)).state is PostState.QUEUED
    assert not [text for text in await stage.texts() if "reach" in text]
    await stage.pass_(1.0)
    await stage.until_state(post, PostState.POSTED)


# ---------------------------------------------------------------- budget


async def test_what_a_lowered_budget_does_not_cover_is_not_posted_and_says_why(stage: Stage) -> None:
    acme = await stage.link("acme")
    one, two = await stage.queue_all(acme, ["one", "two"])
    for post in (one, two):
        await cost(stage, post, 15_000)
    await stage.store.transact(lambda tx: tx.policies.put(acme.id, Policy(budget=20_000)))
    stage.start()
    await stage.until_state(one, PostState.POSTED)
    await stage.until_state(two, PostState.FAILED)
    (words,) = await stage.texts(two)
    assert "not posted" in words.lower()
    assert "budget" in words
    undo = await stage.undo(one)
    await stage.until_state(undo, PostState.POSTED)
    assert stage.x.texts("acme") == []


async def test_without_a_budget_nothing_is_counted(stage: Stage) -> None:
    acme = await stage.link("acme")
    post = await stage.queue(acme, author=ANA)
    await cost(stage, post, 10**9)
    stage.start()
    await stage.until_state(post, PostState.POSTED)


# ---------------------------------------------------------------- prices


async def test_a_price_that_is_not_the_usual_one_is_said_with_the_answer(stage: Stage) -> None:
    acme = await stage.link("acme")
    dear, usual = await stage.queue_all(acme, ["see example.org", "hello"])
    await cost(stage, dear, 200_000)
    await cost(stage, usual, 15_000)
    stage.start()
    await stage.until_state(usual, PostState.POSTED)
    (words,) = await stage.texts(dear)
    assert words.startswith("Posted as @acme: ")
    assert words.endswith(" · the link makes it $0.20 · undo: !undo k1")
    (words,) = await stage.texts(usual)
    assert "$" not in words


async def test_a_deletion_costs_too(stage: Stage) -> None:
    acme = await stage.link("acme")
    post = await stage.queue(acme)
    stage.start()
    await stage.until_state(post, PostState.POSTED)
    undo = await stage.undo(post)
    assert (await stage.until_state(undo, PostState.POSTED)).cost == 10_000


async def test_what_waits_for_its_price_to_be_read_hears_of_a_freeze_at_once(stage: Stage) -> None:
    acme = await stage.link("acme")
    await freeze(stage, acme, "matrix:@ben:example.org")
    post = await stage.queue(acme, "see example.org", due_at=stage.time.wall + 20.0)
    stage.start()
    await stage.pass_(10.0)
    assert any("@acme is frozen" in text for text in await stage.texts(post))
