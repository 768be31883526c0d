"""What every Store promises about transactions, whatever database is behind it."""

import asyncio

import pytest

from bridge.interfaces import Store, Topic, Tx
from bridge.model import Post, Speech
from tests.contract.rows import NOW, PRESS, queue


async def test_a_transaction_that_raises_leaves_nothing_behind(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.notes.put("matrix", "bookmark", b"s1")
        raise LookupError

    with pytest.raises(LookupError):
        await store.transact(work)
    assert await store.transact(lambda tx: tx.notes.get("matrix", "bookmark")) is None


class Joiner:
    """A follower that notes what it is told. ``breaks``: it raises after its share."""

    def __init__(self, *, joins: bool = True, breaks: bool = False) -> None:
        self.joins = joins
        self.breaks = breaks
        self.told: list[bool] = []

    def may_join(self) -> bool:
        return self.joins

    def join(self, tx: Tx) -> bool:
        tx.notes.put("share", "1", b"x")
        if self.breaks:
            raise LookupError
        return True

    def joined(self, *, committed: bool) -> None:
        self.told.append(committed)


def account_with_a_post(tx: Tx) -> Post:
    return queue(tx, tx.accounts.put("x", "1", "acme"))


async def share(store: Store) -> bytes | None:
    return await store.transact(lambda tx: tx.notes.get("share", "1"))


async def test_a_followers_share_is_committed_with_the_rest_and_rings_no_bell(store: Store) -> None:
    follower = Joiner()
    store.follow(follower)
    post = await store.transact(account_with_a_post)
    assert follower.told == [True]
    assert not store.bell(Topic.POSTS).is_set()
    assert await share(store) == b"x"
    assert await store.transact(lambda tx: tx.posts.get(post.id)) == post


async def test_a_follower_is_asked_about_posts_only_and_may_leave_them(store: Store) -> None:
    follower = Joiner(joins=False)
    store.follow(follower)
    await store.transact(lambda tx: tx.notes.put("a", "1", b"x"))
    assert not store.bell(Topic.POSTS).is_set()
    await store.transact(account_with_a_post)
    assert store.bell(Topic.POSTS).is_set()
    assert follower.told == []
    store.follow(None)
    follower.joins = True
    await store.transact(account_with_a_post)
    assert follower.told == []


async def test_a_follower_that_breaks_loses_its_share_alone(store: Store) -> None:
    follower = Joiner(breaks=True)
    store.follow(follower)
    post = await store.transact(account_with_a_post)
    assert follower.told == [False]
    assert store.bell(Topic.POSTS).is_set()
    assert await share(store) is None
    assert await store.transact(lambda tx: tx.posts.get(post.id)) == post


async def test_a_follower_hears_of_it_when_the_caller_is_gone(store: Store) -> None:
    follower = Joiner()
    store.follow(follower)
    task = asyncio.create_task(store.transact(account_with_a_post))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    kept = await share(store)
    assert (kept, follower.told) in [(None, []), (b"x", [True])]


async def test_a_cancelled_caller_cannot_leave_half_a_transaction(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.notes.put("a", "1", b"x")
        tx.notes.put("a", "2", b"x")

    task = asyncio.create_task(store.transact(work))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    kept = await store.transact(lambda tx: (tx.notes.get("a", "1"), tx.notes.get("a", "2")))
    assert kept in [(None, None), (b"x", b"x")]


async def test_what_a_cancelled_caller_changed_rings_the_bell(store: Store) -> None:
    task = asyncio.create_task(store.transact(account_with_a_post))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5.0):
        await store.bell(Topic.POSTS).wait()


async def test_what_need_not_last_is_there_all_the_same(store: Store) -> None:
    await store.transact(lambda tx: tx.notes.put("a", "1", b"x"), lasting=False)

    def breaks(tx: Tx) -> None:
        tx.notes.drop("a", "1")
        raise LookupError

    with pytest.raises(LookupError):
        await store.transact(breaks, lasting=False)
    assert await store.transact(lambda tx: tx.notes.get("a", "1")) == b"x"


async def test_transactions_of_many_tasks_do_not_mix(store: Store) -> None:
    def add_one(tx: Tx) -> None:
        count = int(tx.notes.get("n", "count") or b"0")
        tx.notes.put("n", "count", str(count + 1).encode())

    await asyncio.gather(*(store.transact(add_one) for _ in range(50)))
    assert await store.transact(lambda tx: tx.notes.get("n", "count")) == b"50"


async def test_an_event_and_a_replayed_ciphertext_count_once(store: Store) -> None:
    first = await store.transact(lambda tx: tx.arrivals.first("matrix", "$1", "session:0", NOW))
    again = await store.transact(lambda tx: tx.arrivals.first("matrix", "$1", "session:0", NOW))
    replay = await store.transact(lambda tx: tx.arrivals.first("matrix", "$2", "session:0", NOW))
    elsewhere = await store.transact(lambda tx: tx.arrivals.first("irc", "$1", None, NOW))
    assert (first, again, replay, elsewhere) == (True, False, False, True)


async def test_bells_ring_only_for_what_changed_and_only_after_commit(store: Store) -> None:
    await store.transact(lambda tx: tx.answers.add(PRESS, Speech.TEXT, "hi"))
    assert store.bell(Topic.ANSWERS).is_set()
    assert not store.bell(Topic.LINKS).is_set()
