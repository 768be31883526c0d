"""What every Store promises about policies and the log."""

from dataclasses import replace
from math import inf

import pytest

from bridge.interfaces import Store, Topic, Tx
from bridge.model import START, Checked, Deed, Identity, Policy, Room

ANA = Identity("matrix", "@ana:example.org")
BEN = Identity("matrix", "@ben:example.org")
PRESS = Room("matrix", "!press:example.org")
NOW = 1_800_000_000.5


async def test_an_account_without_decisions_has_the_usual_policy(store: Store) -> None:
    assert await store.transact(lambda tx: tx.policies.of(tx.accounts.put("x", "7", "acme").id)) == Policy()


@pytest.mark.parametrize(
    "policy",
    [
        Policy(approvals=5),
        Policy(approvals_from="everyone"),
        Policy(approve_by="command"),
        Policy(room=PRESS),
        Policy(hold=0.1),
        Policy(budget=5_000_000),
        Policy(links="ask"),
        Policy(2, "everyone", "command", PRESS, 20.0, 1, "ask"),
    ],
)
async def test_each_decision_is_kept_for_its_account_and_can_be_taken_back(store: Store, policy: Policy) -> None:
    def work(tx: Tx) -> tuple[Policy, Policy, Policy]:
        one, other = tx.accounts.put("x", "7", "acme"), tx.accounts.put("x", "8", "press")
        tx.policies.put(one.id, policy)
        kept = tx.policies.of(one.id), tx.policies.of(other.id)
        tx.policies.put(one.id, Policy())
        return *kept, tx.policies.of(one.id)

    assert await store.transact(work) == (policy, Policy(), Policy())
    assert store.bell(Topic.POSTS).is_set()


async def test_an_approval_room_follows_an_upgrade(store: Store) -> None:
    def work(tx: Tx) -> tuple[Policy, Policy]:
        one, other = tx.accounts.put("x", "7", "acme"), tx.accounts.put("x", "8", "press")
        tx.policies.put(one.id, Policy(room=PRESS, budget=5))
        tx.policies.put(other.id, Policy(room=Room("irc", PRESS.id)))
        tx.policies.move_room(PRESS, Room("matrix", "!new:example.org"))
        return tx.policies.of(one.id), tx.policies.of(other.id)

    moved = Policy(room=Room("matrix", "!new:example.org"), budget=5)
    assert await store.transact(work) == (moved, Policy(room=Room("irc", PRESS.id)))


async def test_an_account_stays_frozen_by_whom(store: Store) -> None:
    def work(tx: Tx) -> str:
        account = tx.accounts.put("x", "7", "acme")
        tx.accounts.save(replace(account, frozen=str(ANA)))
        found = tx.accounts.get(account.id)
        again = tx.accounts.put("x", "7", "acme")
        assert found is not None
        assert found == again
        return found.frozen

    assert await store.transact(work) == "matrix:@ana:example.org"


def fill(tx: Tx) -> list[Deed]:
    acme, press = tx.accounts.put("x", "7", "acme"), tx.accounts.put("x", "8", "press")
    return [
        tx.log.add(ANA, "link", room=PRESS, account_id=acme.id, detail="@acme", outcome="owner", at=NOW),
        tx.log.add(BEN, "share", account_id=acme.id, at=NOW + 1),
        tx.log.add(None, "fail", room=PRESS, account_id=press.id, outcome="not posted", at=NOW + 2),
        tx.log.add(ANA, "draft", account_id=acme.id, detail="“ünï \ud800 \0 \u202e”", at=int(NOW)),
        tx.log.add(None, "drop", at=NOW),
    ]


async def test_what_was_logged_reads_back(store: Store) -> None:
    def work(tx: Tx) -> None:
        deeds = fill(tx)
        one, two, three, four, five = deeds
        assert one == Deed(1, NOW, ANA, one.account_id, None, PRESS, "link", "@acme", "owner", one.hash)
        assert (five.actor, five.room, five.account_id, five.post_id) == (None, None, None, None)
        assert tx.log.tail(100) == deeds
        assert tx.log.tail(2) == [four, five]
        assert tx.log.of_account(one.account_id or 0, 100) == [one, two, four]
        assert tx.log.of_account(one.account_id or 0, 2) == [two, four]
        assert tx.log.of_account(one.account_id or 0, 100, ANA) == [one, four]
        assert tx.log.after(1, 2) == [two, three]
        assert tx.log.after(1, 2, one.account_id) == [two, four]
        assert tx.log.of_post(1) == []

    await store.transact(work)


@pytest.mark.parametrize("most", [1, 2, 4, 5, 6, 1000])
async def test_a_whole_log_verifies_in_chunks_of_any_size(store: Store, most: int) -> None:
    def work(tx: Tx) -> tuple[Checked, bytes]:
        last = fill(tx)[-1]
        so_far, turns = START, 0
        while not so_far.done:
            so_far, turns = tx.log.verify(so_far, most), turns + 1
            assert turns < 8
        return so_far, last.hash

    checked, newest = await store.transact(work)
    assert checked == Checked(5, newest, done=True)


async def test_an_empty_log_verifies(store: Store) -> None:
    assert await store.transact(lambda tx: tx.log.verify()) == Checked(0, bytes(32), done=True)


async def test_a_deed_without_a_time_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="JSON"):
        await store.transact(lambda tx: tx.log.add(ANA, "link", at=inf))
    assert await store.transact(lambda tx: tx.log.tail(1)) == []


async def test_all_accounts_come_by_handle(store: Store) -> None:
    def work(tx: Tx) -> list[str]:
        for number, handle in enumerate(("press", "Acme", "beta")):
            tx.accounts.put("x", str(number), handle)
        return [account.handle for account in tx.accounts.everyone()]

    assert await store.transact(work) == ["Acme", "beta", "press"]
