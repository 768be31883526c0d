"""What every Store promises about accounts, rights on them, and links."""

from dataclasses import replace

from bridge.interfaces import Store, Tx
from bridge.model import Account, LinkState, Role, Room, Sealed
from tests.contract.rows import ANA, BEN, NOW, PRESS


async def test_an_account_is_its_remote_id_and_keeps_up_with_its_handle(store: Store) -> None:
    def work(tx: Tx) -> tuple[Account, Account, Account]:
        return (
            tx.accounts.put("x", "7", "acme"),
            tx.accounts.put("x", "7", "acme_hq"),
            tx.accounts.put("x", "8", "acme"),
        )

    one, renamed, other = await store.transact(work)
    assert (renamed.id, renamed.handle) == (one.id, "acme_hq")
    assert other.id != one.id


async def test_a_default_outlives_the_right(store: Store) -> None:
    def work(tx: Tx) -> None:
        account = tx.accounts.put("x", "7", "acme")
        tx.accounts.seal(account.id, Sealed(b"sealed"))
        tx.accounts.grant(account.id, ANA, Role.OWNER, NOW)
        tx.accounts.grant(account.id, BEN, Role.POSTER, NOW + 1)
        tx.accounts.set_default(ANA, account.id)
        tx.accounts.set_default(PRESS, account.id)
        assert tx.accounts.team(account.id) == [(ANA, Role.OWNER), (BEN, Role.POSTER)]
        assert tx.accounts.usable_by(BEN) == [(account, Role.POSTER)]
        tx.accounts.revoke(account.id, ANA)
        assert tx.accounts.role(account.id, ANA) is None
        assert tx.accounts.default(ANA) == account.id  # else another account would silently stand in for it
        assert tx.accounts.default(PRESS) == account.id
        assert tx.accounts.sealed(account.id) == b"sealed"

    await store.transact(work)


async def test_a_room_that_moved_again_does_not_change_what_was_chosen_in_the_new_one(store: Store) -> None:
    new = Room("matrix", "!new")

    def work(tx: Tx) -> tuple[int | None, int | None, int]:
        acme, zoo = tx.accounts.put("x", "7", "acme"), tx.accounts.put("x", "8", "zoo")
        tx.accounts.set_default(new, zoo.id)
        tx.accounts.set_default(PRESS, acme.id)
        tx.accounts.move_room(PRESS, new)
        return tx.accounts.default(PRESS), tx.accounts.default(new), zoo.id

    gone, kept, zoo_id = await store.transact(work)
    assert (gone, kept) == (None, zoo_id)


async def test_a_new_link_ends_the_one_before(store: Store) -> None:
    def work(tx: Tx) -> None:
        old = tx.links.add(ANA, "x", PRESS, "$1", None, None, NOW)
        tx.links.save(replace(old, state=LinkState.WAITING, request=Sealed(b"r")))
        new = tx.links.add(ANA, "x", PRESS, "$2", None, PRESS, NOW)
        other = tx.links.add(BEN, "x", PRESS, "$3", None, None, NOW)
        assert tx.links.pending(ANA) == new
        ended = tx.links.get(old.id)
        assert ended is not None
        assert (ended.state, ended.request) == (LinkState.ENDED, None)
        assert tx.links.to_do(NOW) == [new, other]
        assert tx.links.count_since(ANA, NOW - 1) == 2

    await store.transact(work)


async def test_a_link_that_waits_for_its_pin_is_to_do_once_its_time_is_over(store: Store) -> None:
    def work(tx: Tx) -> None:
        link = tx.links.add(ANA, "x", PRESS, "$1", None, PRESS, NOW)
        waiting = replace(link, state=LinkState.WAITING, due_at=NOW + 900)
        tx.links.save(waiting)
        assert tx.links.to_do(NOW + 899) == []
        assert tx.links.next_due(NOW) == NOW + 900
        assert tx.links.to_do(NOW + 900) == [waiting]
        tx.links.save(replace(waiting, due_at=0.0))
        assert tx.links.to_do(NOW + 900) == []

    await store.transact(work)


async def test_a_pair_that_is_in_use_again_is_not_revoked(store: Store) -> None:
    def work(tx: Tx) -> int:
        acme = tx.accounts.put("x", "7", "acme")
        tx.links.revoke(acme.id, Sealed(b"pair"), NOW)
        assert len(tx.links.revocations(NOW)) == 1
        tx.links.keep(acme.id)
        return len(tx.links.revocations(NOW))

    assert await store.transact(work) == 0
