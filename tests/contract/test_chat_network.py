"""What every ChatNetwork promises, whatever network is behind it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from bridge.errors import ChatRefused, ChatUnreachable, StoreError
from bridge.interfaces import ChatNetwork, Privacy
from bridge.model import Identity, Message, Outgoing, Room, Speech
from tests.fakes.network import FakeNetwork, RecordingInbox

ANA = Identity("matrix", "@ana:example.org")
PRESS = Room("matrix", "!press")
HELLO = Message("$1", PRESS, ANA, "hello", 1_800_000_000.0)


@pytest.fixture
async def inbox() -> RecordingInbox:
    return RecordingInbox()


@pytest.fixture
async def network(inbox: RecordingInbox) -> AsyncIterator[FakeNetwork]:
    fake = FakeNetwork()
    running = asyncio.create_task(fake.run(inbox))
    yield fake
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await fake.close()


async def test_the_fake_is_a_chat_network(network: FakeNetwork) -> None:
    seam: ChatNetwork = network
    assert seam.name == "matrix"
    assert seam.health().ok


async def test_what_is_heard_is_delivered_with_its_bookmark(network: FakeNetwork, inbox: RecordingInbox) -> None:
    await network.hear(HELLO, bookmark="s1")
    assert inbox.batches == [([HELLO], "s1")]


async def test_a_delivery_that_fails_is_told_and_does_not_end_the_network(
    network: FakeNetwork, inbox: RecordingInbox
) -> None:
    inbox.failures.append(StoreError("disk full"))
    with pytest.raises(StoreError):
        await network.hear(HELLO, bookmark="s1")
    await network.hear(HELLO, bookmark="s1")
    assert inbox.events == [HELLO]


async def test_the_same_key_is_the_same_event(network: FakeNetwork) -> None:
    once = await network.send(Outgoing("k1", PRESS, Speech.TEXT, "hello"))
    again = await network.send(Outgoing("k1", PRESS, Speech.TEXT, "hello"))
    other = await network.send(Outgoing("k2", PRESS, Speech.TEXT, "hello"))
    assert once == again != other
    assert network.texts() == ["hello", "hello"]


async def test_an_answer_that_went_missing_is_repeated_as_the_same_event(network: FakeNetwork) -> None:
    network.lost.append(ChatUnreachable("cut"))
    with pytest.raises(ChatUnreachable):
        await network.send(Outgoing("k1", PRESS, Speech.TEXT, "hello"))
    event_id = await network.send(Outgoing("k1", PRESS, Speech.TEXT, "hello"))
    assert [said.event_id for said in network.sent] == [event_id]


async def test_a_reaction_that_was_redacted_is_gone(network: FakeNetwork) -> None:
    waiting = await network.send(Outgoing("k1", PRESS, Speech.REACTION, "⏳", target="$1"))
    await network.send(Outgoing("k2", PRESS, Speech.REDACTION, "", target=waiting))
    await network.send(Outgoing("k3", PRESS, Speech.REACTION, "✅", target="$1"))
    assert network.reactions("$1") == ["✅"]


async def test_a_room_that_is_gone_refuses(network: FakeNetwork) -> None:
    network.gone.add(PRESS)
    with pytest.raises(ChatRefused):
        await network.send(Outgoing("k1", PRESS, Speech.TEXT, "hello"))


async def test_a_dm_is_private_and_stays_the_same(network: FakeNetwork) -> None:
    room = await network.open_dm(ANA)
    assert await network.privacy(room, ANA) is Privacy.PRIVATE
    assert await network.open_dm(ANA) == room
    network.privacies[(room, ANA)] = Privacy.SHARED
    assert await network.open_dm(ANA) != room
