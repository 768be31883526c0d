"""What people say about PINs: the right one, a wrong one, and one that is said where it must not be."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.bot.asked import Facts
from bridge.errors import UsageError
from bridge.interfaces import Privacy
from bridge.model import LinkState, Room, Speech
from bridge.vault import pin_purpose
from tests.unit.bot_scene import BEN, DM, PRESS
from tests.unit.linking_scene import BENS, PIN, WATCHED, Desk, get, open_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as made:
        yield made


async def test_a_bare_pin_in_the_dm_is_sealed_and_its_message_removed(desk: Desk) -> None:
    link = await desk.waiting()
    meant, message = await desk.digits()
    proving = await desk.link(link.id)
    assert meant
    assert proving.state is LinkState.PROVING
    assert proving.pin is not None
    assert desk.vault.open(proving.pin, purpose=pin_purpose(link.id)) == PIN.encode()
    assert proving.due_at <= desk.now
    assert desk.redacted() == [message]
    assert desk.words() == ""


async def test_the_verb_pin_does_the_same(desk: Desk) -> None:
    link = await desk.waiting()
    message = await desk.say("pin", f" {PIN}\n")
    assert (await desk.link(link.id)).state is LinkState.PROVING
    assert desk.redacted() == [message]


async def test_where_the_bot_may_not_remove_the_pin_it_asks_for_it(desk: Desk) -> None:
    await desk.waiting()
    await desk.digits(facts=Facts(privacy=Privacy.PRIVATE, may_redact=False))
    assert desk.redacted() == []
    assert "delete your message" in desk.words()


async def test_the_pin_is_nowhere_in_the_database_in_plain(desk: Desk) -> None:
    await desk.waiting()
    await desk.digits()
    for file in desk.path.parent.iterdir():
        assert PIN.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("room", [PRESS, Room("matrix", "!other-dm")])
async def test_a_pin_said_anywhere_else_throws_the_attempt_away_and_tells_why(desk: Desk, room: Room) -> None:
    link = await desk.waiting()
    meant, message = await desk.digits(room=room, facts=WATCHED)
    over = await desk.link(link.id)
    assert meant
    assert (over.state, over.request, over.pin) == (LinkState.ENDED, None, None)
    assert desk.redacted() == [message]
    (told,) = [said for said in desk.said() if said.speech is Speech.TEXT]
    assert told.room == room.id
    assert "thrown this attempt" in told.body
    assert "!link" in told.body


async def test_a_pin_said_elsewhere_is_asked_to_be_deleted_where_the_bot_may_not(desk: Desk) -> None:
    link = await desk.waiting()
    await desk.say("pin", PIN, room=PRESS, facts=Facts(trouble="I could not check."))
    assert (await desk.link(link.id)).state is LinkState.ENDED
    assert "delete your message" in desk.words()


async def test_a_pin_said_elsewhere_while_it_is_traded_throws_the_attempt_away_too(desk: Desk) -> None:
    link = await desk.waiting()
    await desk.digits()
    await desk.digits(room=PRESS, facts=WATCHED)
    assert (await desk.link(link.id)).state is LinkState.ENDED


@pytest.mark.parametrize("room", [PRESS, DM])
async def test_a_pin_said_by_another_is_nothing(desk: Desk, room: Room) -> None:
    link = await desk.waiting()
    meant, _ = await desk.digits(who=BEN, room=room, facts=WATCHED)
    if room is PRESS:
        await desk.say("pin", PIN, who=BEN, room=PRESS, facts=WATCHED)
    assert not meant
    assert desk.said() == []
    assert await desk.link(link.id) == link


async def test_two_people_who_link_at_once_never_mix(desk: Desk) -> None:
    one, two = await desk.waiting(), await desk.waiting(BEN, BENS)
    await desk.digits("1111111")
    await desk.digits("2222222", who=BEN, room=BENS)
    for link, pin in ((one, b"1111111"), (two, b"2222222")):
        sealed = (await desk.link(link.id)).pin
        assert sealed is not None
        assert desk.vault.open(sealed, purpose=pin_purpose(link.id)) == pin


@pytest.mark.parametrize(
    ("privacy", "reason"), [(Privacy.UNENCRYPTED, "not encrypted"), (Privacy.SHARED, "Others are in this room")]
)
async def test_a_dm_that_is_no_longer_private_throws_the_attempt_away(
    desk: Desk, privacy: Privacy, reason: str
) -> None:
    link = await desk.waiting()
    await desk.digits(facts=Facts(privacy=privacy, may_redact=True))
    assert (await desk.link(link.id)).state is LinkState.ENDED
    assert reason in desk.words()


async def test_where_privacy_cannot_be_looked_at_the_pin_is_not_used_and_may_be_said_again(desk: Desk) -> None:
    link = await desk.waiting()
    await desk.digits(facts=Facts(trouble="I could not check who is here."))
    assert (await desk.link(link.id)).state is LinkState.WAITING
    assert "could not check who is here" in desk.words()
    assert "again" in desk.words()


async def test_a_pin_within_fifteen_minutes_is_taken_and_a_later_one_is_told_what_to_do(desk: Desk) -> None:
    link = await desk.waiting()
    desk.now += 901
    await desk.digits()
    assert (await desk.link(link.id)).state is LinkState.ENDED
    assert "too late" in desk.words()
    assert "!link" in desk.words()
    again = await desk.waiting()
    desk.now += 899
    await desk.digits()
    assert (await desk.link(again.id)).state is LinkState.PROVING


async def test_an_address_without_a_time_of_its_own_is_valid_from_the_start_of_the_link(desk: Desk) -> None:
    link = await desk.waiting()
    await get(desk, lambda tx: tx.links.save(replace(link, due_at=0.0)))
    desk.now += 901
    await desk.digits()
    assert (await desk.link(link.id)).state is LinkState.ENDED


@pytest.mark.parametrize("text", ["", "123456", "12345678", "1234567 8", "١٢٣٤٥٦٧", "1234\x00567", "9" * 10_000])
async def test_what_is_no_pin_leaves_the_link_waiting(desk: Desk, text: str) -> None:
    link = await desk.waiting()
    await desk.say("pin", text)
    assert (await desk.link(link.id)).state is LinkState.WAITING
    assert "7 digits" in desk.words()


async def test_a_second_pin_while_the_first_is_traded_is_removed_and_not_used(desk: Desk) -> None:
    link = await desk.waiting()
    await desk.digits("1111111")
    before = await desk.link(link.id)
    _, message = await desk.digits("2222222")
    assert await desk.link(link.id) == before
    assert message in desk.redacted()


async def test_digits_are_nothing_to_somebody_who_never_linked(desk: Desk) -> None:
    meant, _ = await desk.digits()
    assert not meant
    assert desk.said() == []


async def test_digits_after_the_link_ended_are_answered_in_the_dm_only(desk: Desk) -> None:
    await desk.waiting()
    await desk.say("cancel")
    meant, _ = await desk.digits()
    assert meant
    assert "No link is waiting" in desk.words()
    meant, _ = await desk.digits(room=PRESS, facts=WATCHED)
    assert not meant


async def test_pin_without_a_link_says_so_in_the_dm_and_nothing_in_a_room(desk: Desk) -> None:
    with pytest.raises(UsageError, match="No link is waiting"):
        await desk.say("pin", PIN)
    await desk.say("pin", PIN, room=PRESS, facts=WATCHED)
    assert desk.said() == []


async def test_a_pin_for_an_older_address_is_told_to_wait_for_the_new_one(desk: Desk) -> None:
    await desk.waiting()
    await desk.say("link")
    meant, _ = await desk.digits()
    assert meant
    assert "new address is on its way" in desk.words()
