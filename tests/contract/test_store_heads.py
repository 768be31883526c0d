"""What every Store promises about the accounts' oldest posts: whose turn it is, and that long queues cost little."""

from dataclasses import replace

from bridge.interfaces import Store, Tx
from bridge.model import Action, Draft, Post, PostState
from tests.contract.rows import ANA, NOW, PRESS


def queue(tx: Tx, account_id: int, action: Action = Action.POST) -> Post:
    draft, state = Draft("hello"), PostState.QUEUED
    return tx.posts.add(
        action, account_id, ANA, PRESS, "$of", None, draft, state=state, now=NOW, fresh_at=NOW, due_at=NOW
    )


def accounts(tx: Tx, count: int) -> list[int]:
    return [tx.accounts.put("x", str(number), f"acme{number}").id for number in range(count)]


async def test_accounts_take_turns_from_behind_the_one_that_was_served_last(store: Store) -> None:
    def work(tx: Tx) -> None:
        ids = accounts(tx, 120)
        posts = {account_id: queue(tx, account_id).id for account_id in reversed(ids)}
        for account_id in ids:
            queue(tx, account_id)
        for served in (0, ids[0], ids[70], ids[-1], ids[-1] + 5):
            order = [n for n in ids if n > served] + [n for n in ids if n <= served]
            assert list(tx.posts.heads(served)) == [(n, posts[n], NOW) for n in order]

    await store.transact(work)


async def test_what_is_to_be_deleted_is_nobodys_head(store: Store) -> None:
    def work(tx: Tx) -> None:
        first, second, third = accounts(tx, 3)
        queue(tx, first, Action.DELETE)
        posted = queue(tx, first)
        queue(tx, second, Action.DELETE)
        assert [head[1] for head in tx.posts.heads()] == [posted.id]
        last = queue(tx, third)
        assert [head[1] for head in tx.posts.heads(second)] == [last.id, posted.id]
        for post in (posted, last):
            tx.posts.save(replace(post, state=PostState.SENDING))
        assert list(tx.posts.heads()) == []

    await store.transact(work)


async def test_a_lone_post_is_a_head_whoever_was_served_last(store: Store) -> None:
    def work(tx: Tx) -> None:
        (only,) = accounts(tx, 1)
        assert list(tx.posts.heads()) == []
        post = queue(tx, only)
        assert list(tx.posts.heads(only)) == [(only, post.id, NOW)]
        queue(tx, only)
        assert list(tx.posts.heads(only)) == [(only, post.id, NOW)]

    await store.transact(work)
