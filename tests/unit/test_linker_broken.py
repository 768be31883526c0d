"""The linker: what breaks around it, and what never gets out."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bridge.errors import OutcomeUnknown, StoreError, Unreachable
from bridge.interfaces import Tx
from bridge.model import Identity, Room, Sealed
from bridge.vault import Vault
from tests.patience import until
from tests.unit.linkdesk import ANA, BEN, NOW, LinkDesk, T


async def test_a_vault_that_cannot_open_says_so_and_the_linker_goes_on(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.say("link")
        pin = await desk.approve("acme")
    await desk.say(pin)
    desk.vault = Vault([b"n" * 32])
    async with desk.working():
        await desk.hears("I cannot open what I kept")
        await desk.link("beta")
    assert desk.x.count("finish_link") == 1
    assert desk.rows()[0] == ("ended", None, None)


async def test_a_pair_that_cannot_be_opened_is_not_revoked_and_can_be_linked_again(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.link("acme")
        await desk.link("beta")
    desk.vault = Vault([b"n" * 32])
    async with desk.working():
        await desk.say("unlink @beta")
        await desk.link("acme")
    assert desk.x.count("revoke") == 0
    assert await desk.revocations() == 1
    assert await desk.pair("acme") == desk.x.person("acme").credentials


async def test_swapped_secrets_of_two_links_open_nothing(desk: LinkDesk) -> None:
    desk.network.befriend(BEN)
    async with desk.working():
        await desk.say("link")
        await desk.say("link", who=BEN)
        pins = {ANA: await desk.approve("acme"), BEN: await desk.approve("bens", BEN)}
    one, two = await desk.pending(ANA), await desk.pending(BEN)
    assert one is not None
    assert two is not None
    stolen: Sealed | None = two.request
    await desk.store.transact(lambda tx: tx.links.save(replace(one, request=stolen)))
    await desk.say(pins[BEN])
    async with desk.working():
        await desk.hears("I cannot open what I kept")
    assert desk.x.count("finish_link") == 0


async def test_a_bug_is_told_with_a_reference_costs_only_its_own_link_and_betrays_nothing(desk: LinkDesk) -> None:
    desk.x.fail("begin_link", KeyError("request-secret-of-ana"), times=1)
    with capture_logs() as logs:
        async with desk.working():
            await desk.say("link")
            await desk.hears("something broke (ref ")
            await desk.link("acme")
    (line,) = [line for line in logs if line["event"] == "something broke"]
    assert f"(ref {line['ref']})" in desk.heard()
    assert "request-secret-of-ana" not in str(logs) + desk.heard()


async def test_a_database_that_refuses_a_step_is_tried_again(desk: LinkDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    transact, refused = desk.store.transact, 0

    async def moody(work: Callable[[Tx], T]) -> T:
        nonlocal refused
        if refused < 2 and desk.x.count("begin_link") > refused:
            refused += 1
            raise StoreError("disk full")
        return await transact(work)

    async with desk.working():
        await desk.say("link")
        monkeypatch.setattr(desk.store, "transact", moody)
        await desk.hears("https://", step=10)
    assert refused == 2


async def test_what_belongs_to_a_network_or_publisher_that_is_gone_waits_without_spinning(
    desk: LinkDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Room("irc", "ana")

    def work(tx: Tx) -> None:
        tx.links.add(Identity("irc", "ana"), "x", old, "1", None, old, NOW)
        tx.links.add(BEN, "mastodon", desk.dm, "2", None, desk.dm, NOW)
        gone = tx.accounts.put("mastodon", "1", "gone")
        tx.links.revoke(gone.id, Sealed(b"pair"), NOW)

    await desk.store.transact(work)
    transact, turns = desk.store.transact, 0

    async def counted(work: Callable[[Tx], T]) -> T:
        nonlocal turns
        turns += 1
        return await transact(work)

    async with desk.working():
        await desk.link("acme")
        monkeypatch.setattr(desk.store, "transact", counted)
        await asyncio.sleep(0.1)  # time in which it could spin
        assert turns < 10
        assert await desk.revocations() == 1


async def test_no_token_pin_or_secret_is_in_the_database_the_answers_or_the_logs(desk: LinkDesk) -> None:
    secrets: set[str] = set()
    with capture_logs() as logs:
        async with desk.working():
            desk.x.fail("finish_link", OutcomeUnknown("cut"), taken=True)
            await desk.say("link")
            first = await desk.approve("acme")
            await desk.say(first)
            await desk.hears("https://", times=2)
            await desk.say("7654321")
            await desk.hears("https://", times=3)
            last = await desk.approve("acme")
            await desk.say(last)
            await desk.hears("Linked @acme")
            desk.x.fail("revoke", Unreachable("no route"))
            await desk.say("unlink")
            await until(lambda: desk.x.count("revoke") == 1)
            await desk.say("link")
            await desk.address()
    pair = desk.x.person("acme").credentials
    secrets |= {first, last, "7654321", pair.token, pair.secret}
    secrets |= {call.token for call in desk.x.calls if call.token}
    secrets |= {token.replace("request-", "request-secret-") for token in secrets if token.startswith("request-")}
    assert len(secrets) >= 9
    kept = b"".join(file.read_bytes() for file in desk.path.parent.iterdir())
    assert b"authorize?" not in kept  # the address holds the request token
    said = str(desk.network.sent)
    for secret in secrets:
        assert secret.encode() not in kept
        assert secret not in said
        assert secret not in str(logs)
