"""The linker: from `link` to the linked account, by way of the DM and the address."""

import pytest

from bridge.errors import (
    ChatRefused,
    ChatUnreachable,
    OutcomeUnknown,
    OutOfCredit,
    PublishError,
    Rejected,
    Throttled,
    Unreachable,
)
from bridge.interfaces import Privacy
from bridge.model import Role
from tests.patience import until
from tests.unit.linkdesk import ANA, BEN, NOW, PRESS, LinkDesk, default, role, tried

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
        await until(lambda: tried(desk))
        del desk.network.errors["open_dm"]
        await desk.hears("https://", step=10)
    assert desk.network.texts(PRESS) == ["I have written to you in private."]


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
        await until(lambda: tried(desk))
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
