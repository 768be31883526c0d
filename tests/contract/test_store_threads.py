"""What every Store promises about threads, times to come, and what persons prefer."""

from dataclasses import replace

from bridge.interfaces import Store, Tx
from bridge.model import Account, Action, Draft, Post, PostState
from tests.contract.rows import ANA, BEN, NOW, PRESS

ENDLESS = float("inf")


def add(tx: Tx, account: Account, text: str, action: Action = Action.POST, **more: object) -> Post:
    fields: dict[str, object] = {"state": PostState.QUEUED, "now": NOW, "fresh_at": NOW, "due_at": NOW} | more
    return tx.posts.add(action, account.id, ANA, PRESS, f"$of-{text}", None, Draft(text), **fields)  # type: ignore[arg-type]  # a table of fields


async def test_a_threads_parts_come_in_order_without_what_deletes_them(store: Store) -> None:
    def work(tx: Tx) -> tuple[list[str], list[int | None]]:
        account = tx.accounts.put("x", "1", "acme")
        parts = [add(tx, account, text) for text in ("one", "two", "three")]
        for number, part in reversed(list(enumerate(parts, 1))):
            tx.posts.extend(replace(part, thread_root=parts[0].id, part=number))
        for part in reversed(parts):
            row = add(tx, account, "", Action.DELETE, undoes=part.id)
            tx.posts.extend(replace(row, thread_root=parts[0].id, part=part.part))
        root = parts[0].id
        return [post.draft.text for post in tx.posts.thread(root)], [row.undoes for row in tx.posts.rollback(root)]

    texts, undone = await store.transact(work)
    assert texts == ["one", "two", "three"]
    assert undone == sorted((row for row in undone if row is not None), reverse=True)


async def test_what_waits_for_its_time_is_no_head_and_is_due_then(store: Store) -> None:
    def work(tx: Tx) -> None:
        account = tx.accounts.put("x", "1", "acme")
        assert tx.posts.kinds().ripens_at is None
        late = add(tx, account, "late", state=PostState.SCHEDULED, due_at=NOW + 20)
        soon = add(tx, account, "soon", state=PostState.SCHEDULED, due_at=NOW + 10)
        draft = add(tx, account, "draft", state=PostState.DRAFT, due_at=ENDLESS)
        assert list(tx.posts.heads()) == []
        assert tx.posts.kinds().ripens_at == NOW + 10
        assert tx.posts.due((PostState.SCHEDULED,), None, NOW + 9) == []
        assert [post.id for post in tx.posts.due((PostState.SCHEDULED,), None, NOW + 10)] == [soon.id]
        tx.posts.save(replace(soon, state=PostState.QUEUED))
        assert tx.posts.kinds().ripens_at == NOW + 20
        assert [head[1] for head in tx.posts.heads()] == [soon.id]
        assert tx.posts.get(late.id) == late
        tx.posts.save(replace(draft, due_at=NOW + 15))
        assert tx.posts.kinds().ripens_at == NOW + 15
        assert [post.id for post in tx.posts.due((PostState.DRAFT,), None, NOW + 15)] == [draft.id]

    await store.transact(work)


async def test_a_persons_zone_is_theirs(store: Store) -> None:
    def work(tx: Tx) -> tuple[str, str]:
        assert tx.people.zone(ANA) == ""
        tx.people.set_zone(ANA, "UTC")
        tx.people.set_zone(ANA, "Europe/Berlin")
        return tx.people.zone(ANA), tx.people.zone(BEN)

    assert await store.transact(work) == ("Europe/Berlin", "")
