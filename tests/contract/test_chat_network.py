"""The fake network keeps the contract; and does what tests script it to do. The real one: ``integration``."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import pytest

from bridge.errors import ChatRefused, ChatUnreachable, StoreError
from bridge.model import Event, Gathering, Identity, Message, Outgoing, Room, Speech
from tests.contract.chat_network import ChatNetworkContract, Stage
from tests.fakes.network import FakeNetwork, RecordingInbox

ANA = Identity("matrix", "@ana:example.org")
BEN = Identity("matrix", "@ben:example.org")
PRESS = Room("matrix", "!press")
NOWHERE = Room("matrix", "!nowhere")
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


class TestFakeNetwork(ChatNetworkContract):
    @pytest.fixture
    async def stage(self, network: FakeNetwork, inbox: RecordingInbox) -> Stage:
        network.admins.add((PRESS, ANA))
        network.gone.add(NOWHERE)
        heard: list[Event] = []

        async def say(text: str) -> str:
            message = Message(f"${len(heard)}", PRESS, ANA, text, 1_800_000_000.0)
            with contextlib.suppress(StoreError):
                await network.hear(message)
            await network.hear(message)
            heard[:] = inbox.events
            return message.id

        async def visible() -> list[str]:
            return network.shown()

        async def move(inside: bool) -> None:
            await (network.come if inside else network.go)(PRESS, BEN)

        async def close(closed: bool) -> None:
            await network.set_closed(PRESS, closed)

        async def call(name: str) -> None:
            network.names[PRESS] = name

        def gatherings() -> list[Gathering]:
            return [event for event in inbox.events if isinstance(event, Gathering)]

        await network.come(PRESS, ANA, BEN)
        failures = inbox.failures
        return Stage(network, PRESS, NOWHERE, ANA, BEN, say, visible, heard, failures, move, close, call, gatherings)


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


async def test_an_answer_that_went_missing_is_repeated_as_the_same_event(network: FakeNetwork) -> None:
    network.lost.append(ChatUnreachable("cut"))
    with pytest.raises(ChatUnreachable):
        await network.send(Outgoing("k1", PRESS, Speech.TEXT, "hello"))
    event_id = await network.send(Outgoing("k1", PRESS, Speech.TEXT, "hello"))
    assert [said.event_id for said in network.sent] == [event_id]


async def test_failures_are_raised_in_their_order(network: FakeNetwork) -> None:
    network.failures += [ChatUnreachable("later"), ChatRefused("never")]
    errors: Sequence[type[Exception]] = (ChatUnreachable, ChatRefused)
    for error in errors:
        with pytest.raises(error):
            await network.send(Outgoing("k1", PRESS, Speech.TEXT, "hello"))
    assert network.sent == []
