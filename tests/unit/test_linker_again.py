"""The linker: accounts that are linked already, and pairs that nobody uses any more."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bridge.bot.revoking import TRIES
from bridge.errors import ChatRefused, ChatUnreachable, OutcomeUnknown, PublishError, Rejected, Throttled, Unreachable
from bridge.interfaces import Tx
from bridge.model import Identity, Role
from tests.patience import until
from tests.unit.linkdesk import ANA, BEN, NOW, PRESS, LinkDesk, role

# ---------------------------------------------------------------- linking what is linked already


async def test_a_second_person_may_post_and_every_owner_is_told_in_private(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.link("acme")
        await desk.link("acme", BEN, PRESS)
        await desk.hears("@ben:example.org has linked @acme too")
    assert await role(desk, "acme", ANA) is Role.OWNER
    assert await role(desk, "acme", BEN) is Role.POSTER
    assert "Others own it here, and are told; you are poster." in desk.heard(BEN)
    assert "has linked" not in desk.heard(PRESS)


async def test_an_owner_who_cannot_be_reached_is_told_later_and_holds_nobody_up(desk: LinkDesk) -> None:
    desk.network.befriend(BEN)
    async with desk.working():
        await desk.link("acme")
        desk.network.errors["open_dm"] = ChatUnreachable("the homeserver is silent")
        await desk.link("acme", BEN)
        await desk.link("bens", BEN)
    assert "has linked" not in desk.heard()
    async with desk.working():  # also after a restart
        desk.network.errors.clear()
        await desk.hears("has linked @acme too", step=10)
    assert desk.heard().count("has linked @acme too") == 1


async def test_an_owner_who_takes_no_dm_is_given_up(desk: LinkDesk) -> None:
    desk.network.befriend(BEN)
    async with desk.working():
        await desk.link("acme")
        desk.network.errors["open_dm"] = ChatRefused("no invitations")
        with capture_logs() as logs:
            await desk.link("acme", BEN)
            await until(lambda: any("could not be told" in line["event"] for line in logs))
    assert not await desk.store.transact(lambda tx: tx.notes.get("linker", "notices") != b"[]")


async def test_linking_again_keeps_role_and_default_and_heals_the_account(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.link("acme")
        acme = await desk.account("acme")
        assert acme is not None
        await desk.store.transact(lambda tx: tx.accounts.save(replace(acme, broken="revoked at X")))
        await desk.link("acme")
    assert await role(desk, "acme", ANA) is Role.OWNER
    healed = await desk.account("acme")
    assert healed is not None
    assert healed.broken == ""


async def test_a_pair_that_is_given_again_is_never_revoked(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.link("acme")
        await desk.link("acme")
        await desk.link("beta")
    assert desk.x.count("revoke") == 0
    assert not desk.x.person("acme").dead
    assert await desk.pair("acme") == desk.x.person("acme").credentials


async def test_the_old_pair_stays_until_the_new_one_works_and_is_then_revoked_if_it_is_another(
    desk: LinkDesk,
) -> None:
    async with desk.working():
        await desk.link("acme")
        old = desk.x.person("acme").credentials
        desk.x.kill("acme")  # the person revoked it at X: the next pair is another
        await desk.say("link")
        pin = await desk.approve("acme")
        assert await desk.pair("acme") == old
        await desk.say(pin)
        await desk.hears("Linked @acme", times=2)
        await until(desk.none_to_revoke)
    new = desk.x.person("acme").credentials
    assert new != old
    assert await desk.pair("acme") == new
    assert [call.token for call in desk.x.calls if call.method == "revoke"] == [old.token]
    assert not desk.x.person("acme").dead


async def test_a_wrong_pin_leaves_the_old_pair_in_use(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.link("acme")
        old = await desk.pair("acme")
        await desk.say("link")
        await desk.address()
        await desk.say("9999999")
        await desk.hears("did not take that PIN")
    assert await desk.pair("acme") == old


@pytest.mark.parametrize("again", [True, False])
async def test_an_account_without_owner_gets_the_one_who_proves_it(desk: LinkDesk, again: bool) -> None:
    cleo = Identity("matrix", "@cleo:example.org")
    who = BEN if again else cleo
    for person in (BEN, cleo):
        desk.network.befriend(person)
    async with desk.working():
        await desk.link("acme")
        await desk.link("acme", BEN)
        await desk.say("unlink")
        await desk.link("acme", who)
    assert await role(desk, "acme", who) is Role.OWNER
    assert await role(desk, "acme", ANA) is None


# ---------------------------------------------------------------- revoking


async def test_the_last_one_to_unlink_has_the_token_revoked_at_the_publisher(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.link("acme")
        await desk.say("unlink")
        await until(lambda: desk.x.person("acme").dead)
        await until(desk.none_to_revoke)
    assert await desk.pair("acme") is None


@pytest.mark.parametrize(
    "error", [Unreachable("no route"), OutcomeUnknown("cut"), Throttled("slow", retry_at=NOW + 10), Rejected("no")]
)
async def test_a_revocation_that_fails_is_tried_again(desk: LinkDesk, error: PublishError) -> None:
    desk.x.fail("revoke", error, times=2)
    async with desk.working():
        await desk.link("acme")
        await desk.say("unlink")

        def dead() -> bool:
            desk.pass_time(10)
            return desk.x.person("acme").dead

        await until(dead)
        await until(desk.none_to_revoke)
    assert desk.x.count("revoke") == 3


async def test_a_revocation_that_never_works_is_given_up_with_a_line_in_the_log(desk: LinkDesk) -> None:
    desk.x.fail("revoke", Unreachable("no route"), times=100)
    with capture_logs() as logs:
        async with desk.working():
            await desk.link("acme")
            await desk.say("unlink")

            async def given_up() -> bool:
                desk.pass_time(3600)
                return await desk.none_to_revoke()

            await until(given_up)
    assert desk.x.count("revoke") == TRIES
    assert any("given up" in line["event"] for line in logs)


async def test_linking_again_before_the_revocation_was_carried_out_keeps_the_same_pair(desk: LinkDesk) -> None:
    desk.x.fail("revoke", Unreachable("no route"))
    async with desk.working():
        await desk.link("acme")
        await desk.say("unlink")
        await until(lambda: desk.x.count("revoke") == 1)
        await desk.link("acme")
        desk.pass_time(3600)
        await desk.link("beta")
    assert desk.x.count("revoke") == 1
    assert await desk.revocations() == 0
    assert not desk.x.person("acme").dead
    assert await desk.pair("acme") == desk.x.person("acme").credentials


async def test_linking_again_while_the_revocation_is_on_its_way_ends_with_a_pair_that_works(desk: LinkDesk) -> None:
    desk.network.befriend(BEN)
    async with desk.working():
        await desk.link("acme")
        gate = desk.x.hold("revoke")
        await desk.say("unlink")
        await gate.entered.wait()
        await desk.say("link")
        await desk.say(await desk.approve("acme"))
        await desk.say("link", who=BEN)
        await desk.hears("https://", BEN)  # so the linker has come to the PIN
        assert desk.x.count("finish_link") == 1  # it waits for the revocation
        gate.release()
        await desk.hears("Linked @acme", times=2)
    assert not desk.x.person("acme").dead
    assert await desk.pair("acme") == desk.x.person("acme").credentials


async def test_unlinking_while_the_same_pair_is_traded_again_keeps_the_new_link(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.link("acme")
        gate = desk.x.hold("finish_link")
        await desk.say("link")
        await desk.say(await desk.approve("acme"))
        await gate.entered.wait()
        await desk.say("unlink")
        gate.release()
        await desk.hears("Linked @acme", times=2)
        await desk.link("beta")
    assert desk.x.count("revoke") == 0
    assert await role(desk, "acme", ANA) is Role.OWNER


async def test_a_pair_that_came_into_use_again_is_dropped_from_the_list(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.link("acme")
    acme = await desk.account("acme")
    assert acme is not None

    def work(tx: Tx) -> None:
        sealed = tx.accounts.sealed(acme.id)
        assert sealed is not None
        tx.links.revoke(acme.id, sealed, desk.now)

    await desk.store.transact(work)
    async with desk.working():
        await until(desk.none_to_revoke)
    assert desk.x.count("revoke") == 0
