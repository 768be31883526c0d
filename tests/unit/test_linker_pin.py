"""The linker: what becomes of a PIN, and of who waits for that."""

import asyncio

import pytest

from bridge.bot import steps
from bridge.errors import ChatUnreachable, OutcomeUnknown, PublishError, Throttled, Unreachable
from bridge.model import Credentials, Identity, Linked, Room
from tests.fakes.publisher import FakePublisher
from tests.patience import until
from tests.unit.linkdesk import BEN, NOW, PRESS, LinkDesk, tried


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
        await until(lambda: tried(desk))
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
