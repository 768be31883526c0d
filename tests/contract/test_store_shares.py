"""What every Store promises about shares: whose role is what, offers, recoveries; and that it stays cheap."""

import time
from pathlib import Path
from typing import cast

import pytest

from bridge.interfaces import Store, Topic, Tx
from bridge.model import Account, Identity, OfferState, Recovery, Role, Room
from bridge.store import Database
from bridge.store.accounts import SqlAccounts

ANA, BEN, EVE = (Identity("matrix", f"@{name}:example.org") for name in ("ana", "ben", "eve"))
PRESS, LOBBY = Room("matrix", "!press"), Room("matrix", "!lobby")
NOW = 1_800_000_000.0


@pytest.fixture
async def acme(store: Store) -> Account:
    return await store.transact(lambda tx: tx.accounts.put("x", "1", "acme"))


async def test_a_role_is_the_best_of_what_a_person_and_their_rooms_were_given(store: Store, acme: Account) -> None:
    def work(tx: Tx) -> None:
        assert tx.accounts.role(acme.id, ANA) is None
        tx.shares.gather(PRESS, {ANA, BEN}, closed=True)
        tx.shares.gather(LOBBY, {ANA}, closed=True)
        tx.shares.give(acme.id, PRESS, Role.CONTRIBUTOR, NOW)
        assert tx.accounts.role(acme.id, ANA) is Role.CONTRIBUTOR
        tx.shares.give(acme.id, LOBBY, Role.APPROVER, NOW + 1)
        assert tx.accounts.role(acme.id, ANA) is Role.APPROVER
        assert tx.accounts.role(acme.id, BEN) is Role.CONTRIBUTOR
        tx.accounts.grant(acme.id, ANA, Role.POSTER, NOW)
        assert tx.accounts.role(acme.id, ANA) is Role.APPROVER
        assert tx.accounts.own(acme.id, ANA) == (Role.POSTER, False)
        assert tx.accounts.usable_by(ANA) == [(acme, Role.APPROVER)]
        assert tx.accounts.team(acme.id) == [(ANA, Role.APPROVER), (BEN, Role.CONTRIBUTOR)]
        assert tx.accounts.people(acme.id) == [(ANA, Role.POSTER)]
        assert tx.shares.through(acme.id, ANA) == [(LOBBY, Role.APPROVER), (PRESS, Role.CONTRIBUTOR)]
        assert tx.accounts.role(acme.id, Identity("irc", ANA.name)) is None
        tx.accounts.revoke(acme.id, ANA)
        assert tx.accounts.role(acme.id, ANA) is Role.APPROVER
        tx.shares.gather(LOBBY, {ANA}, closed=False)
        tx.shares.scatter(PRESS)
        assert tx.accounts.role(acme.id, ANA) is None
        assert tx.accounts.usable_by(ANA) == []
        assert tx.accounts.team(acme.id) == []

    await store.transact(work)


async def test_who_is_in_a_room_is_known_of_closed_ones(store: Store) -> None:
    def work(tx: Tx) -> None:
        assert not tx.shares.is_in(PRESS, ANA)
        tx.shares.gather(PRESS, {ANA, BEN}, closed=True)
        assert tx.shares.is_in(PRESS, ANA)
        assert not tx.shares.is_in(PRESS, EVE)
        assert not tx.shares.is_in(LOBBY, ANA)
        assert not tx.shares.is_in(PRESS, Identity("irc", ANA.name))
        tx.shares.gather(PRESS, {ANA}, closed=False)
        assert not tx.shares.is_in(PRESS, ANA)
        tx.shares.gather(PRESS, {ANA}, closed=True)
        tx.shares.scatter(PRESS)
        assert not tx.shares.is_in(PRESS, ANA)

    await store.transact(work)


async def test_that_somebody_holds_the_account_is_remembered(store: Store, acme: Account) -> None:
    def work(tx: Tx) -> None:
        tx.accounts.grant(acme.id, ANA, Role.POSTER, NOW, linked=True)
        tx.accounts.grant(acme.id, ANA, Role.APPROVER, NOW)
        assert tx.accounts.own(acme.id, ANA) == (Role.APPROVER, True)
        tx.accounts.revoke(acme.id, ANA)
        tx.accounts.grant(acme.id, ANA, Role.POSTER, NOW)
        assert tx.accounts.own(acme.id, ANA) == (Role.POSTER, False)

    await store.transact(work)


async def test_rooms_are_what_was_told_of_them_last(store: Store, acme: Account) -> None:
    def work(tx: Tx) -> None:
        assert tx.shares.is_closed(PRESS) is None
        assert not tx.shares.is_encrypted(PRESS)
        tx.shares.gather(PRESS, {ANA, Identity("irc", "ben")}, closed=True, encrypted=True)
        tx.shares.gather(LOBBY, {ANA}, closed=False)
        assert (tx.shares.is_closed(PRESS), tx.shares.is_closed(LOBBY)) == (True, False)
        assert (tx.shares.is_encrypted(PRESS), tx.shares.is_encrypted(LOBBY)) == (True, False)
        assert tx.shares.gathered("matrix") == [LOBBY, PRESS]
        tx.shares.give(acme.id, PRESS, Role.POSTER, NOW)
        assert tx.shares.rooms(acme.id) == [(PRESS, Role.POSTER)]
        tx.shares.move_room(PRESS, LOBBY)
        assert tx.shares.of_room(PRESS) == []
        assert tx.shares.of_room(LOBBY) == [(acme.id, Role.POSTER)]
        assert tx.shares.take(acme.id, LOBBY)
        assert not tx.shares.take(acme.id, LOBBY)

    await store.transact(work)


async def test_an_offer_takes_the_place_of_the_one_before(store: Store, acme: Account) -> None:
    def work(tx: Tx) -> None:
        first = tx.shares.offer(acme.id, BEN, Role.POSTER, ANA, PRESS, "$1", None, NOW)
        second = tx.shares.offer(acme.id, BEN, Role.OWNER, ANA, PRESS, "$2", "$t", NOW + 1)
        assert tx.shares.open_offers() == tx.shares.open_offers(BEN) == tx.shares.open_offers(BEN, acme.id) == [second]
        assert tx.shares.open_offers(ANA) == []
        kept = tx.shares.get_offer(first.id)
        assert kept is not None
        assert kept.state is OfferState.WITHDRAWN
        assert tx.shares.offers_since(ANA, NOW) == 1
        assert tx.shares.offers_since(ANA, NOW - 1) == 2

    await store.transact(work)
    assert store.bell(Topic.SHARES).is_set()


async def test_recoveries_wait_for_their_time(store: Store, acme: Account) -> None:
    ana, ben = (Recovery(acme.id, who, PRESS, "$1", None, NOW + when) for who, when in ((ANA, 1.0), (BEN, 2.0)))

    def work(tx: Tx) -> None:
        tx.shares.recover(ben)
        tx.shares.recover(ana)
        assert tx.shares.recoveries() == tx.shares.recoveries(acme.id) == [ana, ben]
        assert tx.shares.recoveries(due=NOW + 1.5) == [ana]
        assert tx.shares.next_due(NOW + 1.5) == NOW + 2.0
        tx.shares.end_recovery(acme.id, ANA)
        assert tx.shares.recoveries() == [ben]
        tx.shares.end_recovery(acme.id)
        assert tx.shares.recoveries() == []
        assert tx.shares.next_due(NOW) is None

    await store.transact(work)


async def test_a_role_costs_the_same_among_a_hundred_thousand_accounts(tmp_path: Path) -> None:
    """It is found by keys: no step reads a whole table. The time is that of an idle machine, ten times over."""
    store = await Database.open(tmp_path / "many.db")

    def fill(tx: Tx) -> None:
        raw = cast(SqlAccounts, tx.accounts)._raw
        raw.executemany(
            "INSERT INTO account (publisher, remote_id, handle) VALUES ('x', ?, ?)",
            [(str(n), f"h{n}") for n in range(100_000)],
        )
        raw.execute("INSERT INTO team (account_id, network, name, role, since)"
                    " SELECT id, 'matrix', '@p' || id, 'owner', 0 FROM account")  # fmt: skip
        raw.execute("INSERT INTO room_grant (account_id, network, room, role, since)"
                    " SELECT id, 'matrix', '!r' || id, 'poster', 0 FROM account")  # fmt: skip
        raw.execute("INSERT INTO gathering SELECT 'matrix', '!r' || id, 1, 0 FROM account")
        raw.execute("INSERT INTO member SELECT 'matrix', '@p' || (id + 1), '!r' || id FROM account")

    await store.transact(fill)
    who = Identity("matrix", "@p500")

    def work(tx: Tx) -> float:
        began = time.perf_counter()
        for _ in range(100):
            assert tx.accounts.role(500, who) is Role.OWNER
            assert tx.accounts.role(499, who) is Role.POSTER
            assert [(a.id, role) for a, role in tx.accounts.usable_by(who)] == [(499, Role.POSTER), (500, Role.OWNER)]
            assert len(tx.accounts.team(500)) == 2
        return (time.perf_counter() - began) / 400

    seconds = await store.transact(work)
    await store.close()
    assert seconds < 0.001
