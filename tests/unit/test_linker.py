"""The linker: from `link` to the token pair and back, with everything that can go wrong in between."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.bot import steps
from bridge.bot.revoking import TRIES
from bridge.errors import (
    ChatRefused,
    ChatUnreachable,
    OutcomeUnknown,
    OutOfCredit,
    PublishError,
    Rejected,
    StoreError,
    Throttled,
    Unreachable,
)
from bridge.interfaces import Privacy, Tx
from bridge.model import Credentials, Identity, Linked, Role, Room, Sealed
from bridge.store import Database
from bridge.vault import Vault
from tests.fakes.publisher import FakePublisher
from tests.patience import until
from tests.unit.linkdesk import ANA, BEN, NOW, PRESS, LinkDesk, T


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[LinkDesk]:
    path = tmp_path / "kantter.db"
    store = await Database.open(path)
    yield LinkDesk(store, path)
    await store.close()


async def role(desk: LinkDesk, handle: str, who: Identity) -> Role | None:
    account = await desk.account(handle)
    return None if account is None else await desk.store.transact(lambda tx: tx.accounts.role(account.id, who))


async def default(desk: LinkDesk, who: Identity = ANA) -> int | None:
    return await desk.store.transact(lambda tx: tx.accounts.default(who))


# ---------------------------------------------------------------- the way that goes well


async def test_linking_in_a_dm_from_the_address_to_the_account(desk: LinkDesk) -> None:
    async with desk.working():
        command = await desk.say("link")
        pin = await desk.approve("acme")
        message = await desk.say(pin)
        await desk.hears("Linked @acme. Next, in any room where I am: !tweet@acme hello")
        await until(lambda: message in desk.network.redacted())
    account = await desk.account("acme")
    assert account is not None
    assert await desk.pair("acme") == desk.x.person("acme").credentials
    assert await role(desk, "acme", ANA) is Role.OWNER
    assert await default(desk) == account.id
    assert desk.rows() == [("ended", None, None)]
    first = desk.network.sent[0].outgoing
    assert (first.room, first.target, first.mention) == (desk.dm, command, ANA)


async def test_the_address_stands_on_a_line_of_its_own_with_what_to_do_and_what_never_to_do(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.say("link")
        await desk.hears("https://")
    lines = desk.heard().splitlines()
    assert any(line.startswith("https://x.example/authorize?") and " " not in line for line in lines)
    assert "Only you may open the address" in desk.heard()
    assert "never pass the PIN on" in desk.heard()
    assert "15 minutes" in desk.heard()


async def test_link_in_a_room_opens_the_dm_and_says_in_the_room_only_that(desk: LinkDesk) -> None:
    async with desk.working():
        del desk.network.dms[ANA]
        desk.network.privacies.clear()
        command = await desk.say("link", room=PRESS)
        await desk.hears("I have written to you in private", PRESS)
        await desk.say(await desk.approve("acme"))
        await desk.hears("Linked @acme")
    assert desk.network.texts(PRESS) == ["I have written to you in private."]
    (there,) = [s.outgoing for s in desk.network.sent if s.outgoing.room == PRESS]
    assert (there.target, there.mention) == (command, ANA)
    assert desk.network.dms[ANA] != PRESS


async def test_a_second_account_leaves_the_default_as_it_is(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.link("acme")
        await desk.link("beta")
    acme = await desk.account("acme")
    assert acme is not None
    assert await default(desk) == acme.id
    assert await role(desk, "beta", ANA) is Role.OWNER


async def test_two_people_link_at_once_and_never_mix_or_wait_for_each_other(desk: LinkDesk) -> None:
    desk.network.befriend(BEN)
    gate = desk.x.hold("begin_link")
    async with desk.working():
        await desk.say("link")
        await gate.entered.wait()
        await desk.link("bens", BEN)  # while ana's address is still on its way
        gate.release()
        await desk.say(await desk.approve("anas"))
        await desk.hears("Linked @anas")
    assert await role(desk, "anas", ANA) is Role.OWNER
    assert await role(desk, "bens", BEN) is Role.OWNER
    assert await role(desk, "anas", BEN) is None
    assert "bens" not in desk.heard(ANA)


# ---------------------------------------------------------------- the DM


async def test_a_dm_that_cannot_be_opened_is_tried_again_and_told_in_the_room_after_the_last_try(
    desk: LinkDesk,
) -> None:
    desk.network.errors["open_dm"] = ChatUnreachable("the homeserver is silent")
    async with desk.working():
        await desk.say("link", room=PRESS)
        await desk.hears("the homeserver is silent", PRESS, step=10)
        await until(desk.over)
    assert desk.x.count("begin_link") == 0
    assert desk.now - NOW >= 20
    assert "!link" in desk.heard(PRESS)


async def test_a_dm_that_comes_up_meanwhile_is_used(desk: LinkDesk) -> None:
    desk.network.errors["open_dm"] = ChatUnreachable("the homeserver is silent")
    async with desk.working():
        await desk.say("link", room=PRESS)
        await until(lambda: _tried(desk))
        del desk.network.errors["open_dm"]
        await desk.hears("https://", step=10)
    assert desk.network.texts(PRESS) == ["I have written to you in private."]


async def _tried(desk: LinkDesk) -> bool:
    link = await desk.pending()
    return link is not None and link.tries > 0


async def test_a_dm_that_is_refused_is_told_at_once(desk: LinkDesk) -> None:
    desk.network.errors["open_dm"] = ChatRefused("you take no invitations")
    async with desk.working():
        await desk.say("link", room=PRESS)
        await desk.hears("you take no invitations", PRESS)
    assert await desk.over()


@pytest.mark.parametrize(
    ("privacy", "reason"), [(Privacy.SHARED, "Others are in this room"), (Privacy.UNENCRYPTED, "not encrypted")]
)
async def test_a_dm_that_is_no_longer_private_gets_no_address(desk: LinkDesk, privacy: Privacy, reason: str) -> None:
    await desk.say("link")
    desk.network.privacies[(desk.dm, ANA)] = privacy
    async with desk.working():
        await desk.hears(reason)
    assert desk.x.count("begin_link") == 0
    assert await desk.over()


async def test_a_dm_that_somebody_entered_after_the_pin_links_nothing(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.say("link")
        pin = await desk.approve("acme")
    await desk.say(pin)
    desk.network.privacies[(desk.dm, ANA)] = Privacy.SHARED
    async with desk.working():
        await desk.hears("Nothing was linked. Others are in this room")
    assert desk.x.count("finish_link") == 0
    assert desk.rows() == [("ended", None, None)]


# ---------------------------------------------------------------- the address


@pytest.mark.parametrize("error", [Unreachable("no route"), OutcomeUnknown("cut")])
async def test_a_publisher_that_is_away_is_asked_again_and_then_told(desk: LinkDesk, error: PublishError) -> None:
    desk.x.fail("begin_link", error, times=5)
    async with desk.working():
        await desk.say("link")
        await desk.hears("X cannot be reached", step=10)
    assert desk.x.count("begin_link") == 5
    assert await desk.over()


async def test_a_publisher_that_comes_back_gives_the_address(desk: LinkDesk) -> None:
    desk.x.fail("begin_link", Unreachable("no route"), times=3)
    async with desk.working():
        await desk.say("link")
        await desk.hears("https://", step=10)
    assert desk.x.count("begin_link") == 4


async def test_a_short_throttle_is_waited_out(desk: LinkDesk) -> None:
    desk.x.fail("begin_link", Throttled("slow down", retry_at=NOW + 50))
    async with desk.working():
        await desk.say("link")
        await until(lambda: _tried(desk))
        desk.pass_time(49)
        await desk.say("link", who=BEN, room=PRESS)  # something else to do, and still not ana
        await desk.hears("https://", BEN)
        assert desk.heard() == ""
        desk.pass_time(1)
        await desk.hears("https://")


async def test_a_long_throttle_is_told_with_its_time(desk: LinkDesk) -> None:
    desk.x.fail("begin_link", Throttled("slow down", retry_at=NOW + 1800))
    async with desk.working():
        await desk.say("link")
        await desk.hears("takes no links before")
    assert "in 30 min" in desk.heard()
    assert await desk.over()


@pytest.mark.parametrize(
    ("error", "words"),
    [(OutOfCredit("the credit is used up"), "only the people who run me"), (Rejected("no such app"), "no such app")],
)
async def test_a_publisher_that_refuses_is_told_in_plain_words(desk: LinkDesk, error: PublishError, words: str) -> None:
    desk.x.fail("begin_link", error)
    async with desk.working():
        await desk.say("link", room=PRESS)
        await desk.hears(words)
        await desk.hears("I have written to you in private", PRESS)
    assert "Nothing was linked" in desk.heard()
    assert desk.x.count("begin_link") == 1
    assert await desk.over()


async def test_an_address_that_nobody_used_ends_after_fifteen_minutes_and_is_told(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.say("link")
        await desk.address()
        desk.pass_time(899)
        await desk.link("bens", BEN, PRESS)
        assert not await desk.over()
        desk.pass_time(1)
        await desk.hears("The 15 minutes are over")
    assert await desk.over()
    assert desk.rows()[0] == ("ended", None, None)


async def test_a_crash_before_the_address_is_on_disk_gives_another_one(desk: LinkDesk) -> None:
    gate = desk.x.hold("begin_link")
    async with desk.working():
        await desk.say("link")
        await gate.entered.wait()
    async with desk.working():
        await desk.say(await desk.approve("acme"))
        await desk.hears("Linked @acme")
    assert desk.heard().count("https://") == 1


async def test_a_pending_link_survives_a_restart(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.say("link")
        pin = await desk.approve("acme")
    await desk.say(pin)  # recorded while the linker is down
    async with desk.working():
        await desk.hears("Linked @acme")
    assert desk.x.count("begin_link") == 1


# ---------------------------------------------------------------- the PIN


async def test_a_wrong_pin_starts_afresh_by_itself_and_says_so(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.say("link")
        await desk.approve("acme")
        await desk.say("9999999")
        await desk.hears("did not take that PIN")
        await desk.hears("A new address follows")
        await desk.hears("https://", times=2)
        await desk.say(await desk.approve("acme"))
        await desk.hears("Linked @acme")
    assert desk.rows() == [("ended", None, None)] * 2


async def test_the_pin_of_the_old_address_does_not_open_the_new_one(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.say("link")
        pin = await desk.approve("acme")
        await desk.say("9999999")
        await desk.hears("https://", times=2)
        await desk.say(pin)
        await desk.hears("did not take that PIN", times=2)
    assert await desk.account("acme") is None


async def test_three_fresh_addresses_follow_a_link_and_then_it_ends_with_one_left_to_ask_for(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.say("link")
        for tries in range(1, 5):
            await desk.address()
            await desk.say("9999999")
            await desk.hears("did not take that PIN", times=tries)
        await until(desk.over)
        assert desk.x.count("begin_link") == 4
        assert desk.heard().count("A new address follows") == 3
        await desk.link("acme")  # the fifth of this hour


async def test_an_unknown_outcome_may_have_burnt_the_pin_and_starts_afresh(desk: LinkDesk) -> None:
    desk.x.fail("finish_link", OutcomeUnknown("cut"), taken=True)
    async with desk.working():
        await desk.say("link")
        await desk.say(await desk.approve("acme"))
        await desk.hears("gave no clear answer, and the PIN may be used up")
        await desk.say(await desk.approve("acme"))
        await desk.hears("Linked @acme")
    assert desk.x.count("finish_link") == 2


@pytest.mark.parametrize("error", [Unreachable("no route"), Throttled("slow down", retry_at=NOW + 5)])
async def test_a_trade_that_certainly_did_not_happen_is_tried_again_with_the_same_pin(
    desk: LinkDesk, error: PublishError
) -> None:
    desk.x.fail("finish_link", error, times=2)
    async with desk.working():
        await desk.say("link")
        await desk.say(await desk.approve("acme"))
        await desk.hears("Linked @acme", step=10)
    assert desk.x.count("finish_link") == 3
    assert desk.x.count("begin_link") == 1


async def test_a_trade_that_stays_impossible_is_told_and_the_secrets_go(desk: LinkDesk) -> None:
    desk.x.fail("finish_link", Unreachable("no route"), times=5)
    async with desk.working():
        await desk.say("link")
        await desk.say(await desk.approve("acme"))
        await desk.hears("X cannot be reached", step=10)
    assert desk.rows() == [("ended", None, None)]


async def test_a_dm_that_cannot_be_looked_at_is_looked_at_again_before_the_pin_is_traded(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.say("link")
        pin = await desk.approve("acme")
    await desk.say(pin)
    desk.network.errors["privacy"] = ChatUnreachable("the homeserver is silent")
    async with desk.working():
        await until(lambda: _tried(desk))
        assert desk.x.count("finish_link") == 0
        desk.network.errors.clear()
        await desk.hears("Linked @acme", step=10)


async def test_a_crash_before_the_trade_is_made_good_at_the_next_start(desk: LinkDesk) -> None:
    gate = desk.x.hold("finish_link")
    async with desk.working():
        await desk.say("link")
        await desk.say(await desk.approve("acme"))
        await gate.entered.wait()
    async with desk.working():
        await desk.hears("Linked @acme")


class Slow(FakePublisher):
    """Trades the PIN and then never answers, as if we were killed before we heard of it."""

    def __init__(self) -> None:
        super().__init__()
        self.traded = asyncio.Event()

    async def finish_link(self, request: Credentials, pin: str) -> Linked:
        await super().finish_link(request, pin)
        self.traded.set()
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_crash_after_the_trade_starts_afresh_because_the_pin_is_used_up(desk: LinkDesk) -> None:
    slow = Slow()
    desk.x = slow
    async with desk.working():
        await desk.say("link")
        await desk.say(await desk.approve("acme"))
        await slow.traded.wait()
    desk.x = FakePublisher(clock=lambda: desk.now)  # the same publisher, but it answers: the old request is used up
    async with desk.working():
        await desk.hears("did not take that PIN")
        await desk.say(await desk.approve("acme"))
        await desk.hears("Linked @acme")


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_who_drops_or_voids_the_link_while_it_is_traded_is_not_linked(desk: LinkDesk, elsewhere: bool) -> None:
    gate = desk.x.hold("finish_link")
    async with desk.working():
        await desk.say("link")
        pin = await desk.approve("acme")
        await desk.say(pin)
        await gate.entered.wait()
        if elsewhere:
            await desk.say(pin, room=PRESS)
        else:
            await desk.say("cancel")
        gate.release()
        await desk.link("beta")  # the linker has come past it
    assert await desk.account("acme") is None
    assert "Linked @acme" not in desk.heard()


async def test_a_link_that_is_dropped_while_it_waits_for_another_is_not_traded_at_all(desk: LinkDesk) -> None:
    desk.network.befriend(BEN)
    gate = desk.x.hold("finish_link")
    async with desk.working():
        await desk.say("link", who=BEN)
        await desk.say(await desk.approve("bens", BEN), who=BEN)
        await gate.entered.wait()
        await desk.say("link")
        await desk.say(await desk.approve("acme"))
        await desk.say("cancel")
        gate.release()
        await desk.hears("Linked @bens", BEN)
        await desk.link("beta")
    assert desk.x.count("finish_link") == 2


async def test_a_network_that_never_answers_counts_as_away(desk: LinkDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(identity: Identity) -> Room:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(desk.network, "open_dm", never)
    monkeypatch.setattr(steps, "LONGEST_ASK", 0.01)
    async with desk.working():
        await desk.say("link", room=PRESS)
        await desk.hears("cannot write to you in private (no answer)", PRESS, step=10)


# ---------------------------------------------------------------- linking what is linked already


async def test_a_second_person_may_post_and_every_owner_is_told_in_private(desk: LinkDesk) -> None:
    async with desk.working():
        await desk.link("acme")
        await desk.link("acme", BEN, PRESS)
        await desk.hears("@ben:example.org has linked @acme too")
    assert await role(desk, "acme", ANA) is Role.OWNER
    assert await role(desk, "acme", BEN) is Role.POSTER
    assert "you join as poster" in desk.heard(BEN)
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


# ---------------------------------------------------------------- what breaks


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
