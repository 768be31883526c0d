"""What waits of somebody who loses the right is not sent: the outbox asks for it at the moment of sending."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bridge.interfaces import Tx
from bridge.model import Account, Action, PostState, Role
from tests.unit.outbox_stage import ANA, BEN, PRESS, Stage
from tests.unit.outbox_stage import stage as open_stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path) as made:
        yield made


async def shared(stage: Stage, role: Role = Role.POSTER) -> Account:
    """An account of Ana's, shared with the room that she and Ben are in."""
    account = await stage.link("acme")

    def work(tx: Tx) -> None:
        tx.shares.gather(PRESS, {ANA, BEN}, closed=True)
        tx.shares.give(account.id, PRESS, role, stage.time.wall)

    await stage.store.transact(work)
    return account


async def test_a_member_of_the_room_posts(stage: Stage) -> None:
    post = await stage.queue(await shared(stage), author=BEN)
    stage.start()
    await stage.until_state(post, PostState.POSTED)


LOSSES: dict[str, Callable[[Tx, Account], object]] = {
    "leaves": lambda tx, _: tx.shares.gather(PRESS, {ANA}, closed=True),
    "opens": lambda tx, _: tx.shares.gather(PRESS, {ANA, BEN}, closed=False),
    "lost": lambda tx, _: tx.shares.scatter(PRESS),
    "unshared": lambda tx, account: tx.shares.take(account.id, PRESS),
    "demoted": lambda tx, account: tx.shares.give(account.id, PRESS, Role.CONTRIBUTOR, 0.0),
}


@pytest.mark.parametrize("loss", LOSSES)
async def test_what_waits_of_who_lost_the_right_is_not_sent(stage: Stage, loss: str) -> None:
    account = await shared(stage)
    await stage.store.transact(
        lambda tx: tx.accounts.rest(account.id, Action.POST, stage.time.wall + 60.0)
    )  # X asked for a pause
    his, hers = await stage.queue(account, "his", author=BEN), await stage.queue(account, "hers")
    stage.start()
    await stage.settle()
    assert (await stage.row(his)).state is PostState.QUEUED
    await stage.store.transact(lambda tx: LOSSES[loss](tx, account))
    await stage.pass_(61.0)
    await stage.until_state(hers, PostState.POSTED)
    assert (await stage.row(his)).state is PostState.FAILED
    assert stage.x.texts("acme") == ["hers"]
    words = (await stage.texts(his))[-1]
    assert "not posted" in words.lower()
    assert "@acme" in words
