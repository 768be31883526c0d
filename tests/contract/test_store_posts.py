"""What every Store promises about the rows of the outbox, and their labels."""

from dataclasses import replace

import pytest

from bridge.interfaces import Kinds, Ready, Store, Tx
from bridge.model import Account, Action, Policy, Post, PostState, Role, Sealed, label, unlabel
from tests.contract.rows import ANA, BEN, NOW, PRESS, queue


async def test_held_posts_without_a_question_are_found(store: Store) -> None:
    def work(tx: Tx) -> tuple[list[Post], Post]:
        acme = tx.accounts.put("x", "1", "acme")
        asked = queue(tx, acme, "asked", state=PostState.HELD)
        tx.posts.save(replace(asked, question_id=tx.answers.ask(ANA, PRESS).id))
        queue(tx, acme, "queued")
        return tx.posts.unasked(), queue(tx, acme, "held", state=PostState.HELD)

    before, held = await store.transact(work)
    assert before == []
    assert await store.transact(lambda tx: tx.posts.unasked()) == [held]


async def test_waiting_posts_that_nobody_was_told_about_are_found(store: Store) -> None:
    def work(tx: Tx) -> tuple[Account, Post, Post]:
        acme, zoo = tx.accounts.put("x", "1", "acme"), tx.accounts.put("x", "2", "zoo")
        first, told, other = queue(tx, acme, "a"), queue(tx, acme, "b"), queue(tx, zoo, "c")
        tx.posts.save(replace(told, reason="it rests"))
        queue(tx, acme, "d", due_at=float("inf"), action=Action.DELETE)
        queue(tx, acme, "e", state=PostState.HELD)
        return acme, first, other

    acme, first, other = await store.transact(work)
    assert await store.transact(lambda tx: tx.posts.untold(acme.id)) == [first]
    assert await store.transact(lambda tx: tx.posts.untold(None)) == [first, other]


async def test_due_rows_are_of_their_states_and_action(store: Store) -> None:
    def work(tx: Tx) -> tuple[Post, Post]:
        acme = tx.accounts.put("x", "1", "acme")
        now, later = queue(tx, acme, "a", action=Action.DELETE), queue(tx, acme, "b", due_at=NOW + 5)
        queue(tx, acme, "c", action=Action.DELETE, due_at=float("inf"))
        queue(tx, acme, "d", state=PostState.HELD)
        return now, later

    deleting, later = await store.transact(work)
    assert await store.transact(lambda tx: tx.posts.due((PostState.QUEUED,), Action.DELETE, NOW)) == [deleting]
    states = (PostState.UNKNOWN, PostState.QUEUED)
    assert await store.transact(lambda tx: tx.posts.due(states, None, NOW + 5)) == [deleting, later]


async def test_heads_are_the_oldest_of_each_account(store: Store) -> None:
    def work(tx: Tx) -> list[tuple[int, int, float]]:
        acme, zoo = tx.accounts.put("x", "7", "acme"), tx.accounts.put("x", "8", "zoo")
        sent = queue(tx, acme, "0")
        tx.posts.save(replace(sent, state=PostState.POSTED, remote_id="99"))
        first = queue(tx, acme, "1", due_at=NOW + 9)
        queue(tx, acme, "2")
        other = queue(tx, zoo, "3")
        queue(tx, zoo, "4", action=Action.DELETE)
        assert list(tx.posts.heads()) == [(acme.id, first.id, NOW + 9), (zoo.id, other.id, NOW)]
        assert tx.posts.remote_ids(acme.id) == {"99"}
        assert tx.posts.find("x", "99") == replace(sent, state=PostState.POSTED, remote_id="99")
        assert tx.posts.next_due(NOW) == NOW + 9
        return list(tx.posts.heads())

    assert len(await store.transact(work)) == 2


async def test_the_kinds_of_rows_that_there_are(store: Store) -> None:
    def work(tx: Tx) -> None:
        acme = tx.accounts.put("x", "7", "acme")
        done = queue(tx, acme, "0")
        tx.posts.save(replace(done, state=PostState.POSTED))
        assert tx.posts.kinds() == Kinds(queued=False, deletes=False, unasked=False)
        queue(tx, acme, "1")
        assert tx.posts.kinds() == Kinds(queued=True, deletes=False, unasked=False)
        held = queue(tx, acme, "2", state=PostState.HELD)
        queue(tx, acme, "3", action=Action.DELETE)
        assert tx.posts.kinds() == Kinds(queued=True, deletes=True, unasked=True)
        tx.posts.save(replace(held, question_id=tx.answers.ask(ANA, PRESS).id))
        assert not tx.posts.kinds().unasked

    await store.transact(work)


async def test_what_must_be_known_to_send_comes_with_the_rows(store: Store) -> None:
    def work(tx: Tx) -> None:
        acme, zoo = tx.accounts.put("x", "7", "acme"), tx.accounts.put("x", "8", "zoo")
        first, other = queue(tx, acme, "1"), queue(tx, zoo, "2", action=Action.REPOST)
        assert tx.posts.ready([other.id, first.id]) == [
            Ready(first, acme, None, 0.0, None, Policy()),
            Ready(other, zoo, None, 0.0, None, Policy()),
        ]
        tx.accounts.seal(acme.id, Sealed(b"sealed"))
        tx.accounts.rest(acme.id, Action.POST, NOW + 5)
        tx.accounts.rest(zoo.id, Action.POST, NOW + 5)
        broken = replace(zoo, broken="revoked", premium=True, frozen="matrix:@ana:example.org")
        tx.accounts.save(broken)
        tx.accounts.grant(acme.id, ANA, Role.POSTER, NOW)
        tx.policies.put(zoo.id, Policy(approvals=2))
        assert tx.posts.ready([first.id, other.id, 99]) == [
            Ready(first, acme, Sealed(b"sealed"), NOW + 5, Role.POSTER, Policy()),
            Ready(other, broken, None, 0.0, None, Policy(approvals=2)),
        ]
        tx.shares.gather(PRESS, {ANA}, closed=True)
        tx.shares.give(acme.id, PRESS, Role.APPROVER, NOW)
        assert [ready.role for ready in tx.posts.ready([first.id])] == [Role.APPROVER]
        tx.shares.gather(PRESS, {ANA}, closed=False)
        assert [ready.role for ready in tx.posts.ready([first.id])] == [Role.POSTER]

    await store.transact(work)


async def test_what_went_out_is_posted_and_keeps_the_rest(store: Store) -> None:
    def work(tx: Tx) -> None:
        post = queue(tx, tx.accounts.put("x", "7", "acme"))
        asked = replace(post, claimed_at=NOW, reason="waits", question_id=tx.answers.ask(ANA, PRESS).id)
        tx.posts.save(asked)
        tx.posts.went_out([(asked.id, "99")], NOW + 5)
        posted = replace(asked, state=PostState.POSTED, remote_id="99", question_id=None, reason="", due_at=NOW + 5)
        assert tx.posts.get(post.id) == posted

    await store.transact(work)


async def test_a_claim_counts_and_keeps_the_time_of_the_first_attempt(store: Store) -> None:
    def work(tx: Tx) -> None:
        acme = tx.accounts.put("x", "7", "acme")
        fresh, tried, left = queue(tx, acme, "1"), queue(tx, acme, "2"), queue(tx, acme, "3")
        tried = replace(tried, claimed_at=NOW - 60, attempts=1)
        tx.posts.save(tried)
        tx.posts.claim([fresh.id, tried.id], NOW)
        assert [tx.posts.get(post.id) for post in (fresh, tried, left)] == [
            replace(fresh, state=PostState.SENDING, claimed_at=NOW, attempts=1),
            replace(tried, state=PostState.SENDING, attempts=2),
            left,
        ]

    await store.transact(work)


async def test_the_daily_count_leaves_out_what_failed_and_what_undoes(store: Store) -> None:
    def work(tx: Tx) -> int:
        acme = tx.accounts.put("x", "7", "acme")
        queue(tx, acme, "1")
        tx.posts.save(replace(queue(tx, acme, "2"), state=PostState.FAILED))
        queue(tx, acme, "3", action=Action.DELETE)
        queue(tx, acme, "4", author=BEN)
        queue(tx, acme, "5", now=NOW - 90_000, fresh_at=NOW - 90_000)
        queue(tx, acme, "6", now=NOW - 90_000, fresh_at=NOW - 60)  # held for a day, and sent on its author's word
        return tx.posts.count_since(ANA, NOW - 86_400)

    assert await store.transact(work) == 2


@pytest.mark.parametrize("number", [1, 35, 36, 1295, 10**9])
def test_a_label_reads_back(number: int) -> None:
    assert unlabel(label("k", number).upper()) == ("k", number)


@pytest.mark.parametrize("text", ["", "k", "17", "x17", "k-1", "k1 ", "k٣", "kkkkkkkkkkkkkkk"])
def test_what_is_no_label(text: str) -> None:
    assert unlabel(text) is None or text.strip() != text
