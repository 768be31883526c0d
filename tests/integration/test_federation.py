"""People of another homeserver: who is not named in ``allow`` is nobody, and who is, is served as if they were here."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bridge.interfaces import Privacy
from bridge.model import Identity, Message, Room, RoomLost
from tests.integration.matrix_scene import Person, Scene
from tests.patience import until
from tests.synapse import Synapse, require


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Synapse, Synapse]]:
    """Two homeservers that federate: the bot's own, and another one."""
    require()
    here = Synapse.start(tmp_path_factory.mktemp("here"), federates=True)
    try:
        there = Synapse.start(tmp_path_factory.mktemp("there"), federates=True)
        yield here, there
        there.stop()
    finally:
        here.stop()


@pytest.fixture
async def home(servers: tuple[Synapse, Synapse], tmp_path: Path) -> AsyncIterator[Scene]:
    made = Scene(servers[0], tmp_path / "home")
    yield made
    await made.close()


@pytest.fixture
async def away(servers: tuple[Synapse, Synapse], tmp_path: Path) -> AsyncIterator[Scene]:
    made = Scene(servers[1], tmp_path / "away")
    yield made
    await made.close()


async def join(person: Person, room_id: str, through: Synapse) -> None:
    """Into a room of another homeserver."""
    answer = await person.call("POST", f"/_matrix/client/v3/join/{room_id}?via={through.server_name}", {})
    assert answer.get("room_id") == room_id, answer

    async def known() -> bool:
        await person.sync()
        return room_id in person.client.rooms

    await until(known)


async def test_a_stranger_from_another_homeserver_is_nobody(home: Scene, away: Scene) -> None:
    bot, ana, mallory = await home.bot(), await home.person("ana"), await away.person("mallory")
    room = await home.room(bot, ana, mallory.user_id)
    await join(mallory, room, home.homeserver)
    await ana.until_in(room, mallory.user_id)
    asked = await mallory.say(room, "!tweet in their name")
    await mallory.send_raw(room, "m.room.message", {"msgtype": "m.text", "body": "!tweet in plain"})
    relation = {"rel_type": "m.annotation", "event_id": asked, "key": "✅"}
    await mallory.send_raw(room, "m.reaction", {"m.relates_to": relation})
    theirs = await mallory.create(bot.user_id)
    last = await mallory.say(room, "the last thing that Mallory says")
    await ana.until_said(room, last)
    await ana.say(room, "!tweet mine")
    await bot.inbox.until_text("!tweet mine")
    assert [event for event in bot.inbox.heard if not isinstance(event, RoomLost)] == bot.inbox.kind(Message)
    assert bot.inbox.texts() == ["!tweet mine"]
    # Not asked of Mallory's homeserver: it may hear the refusal before it has noted its own invitation, and forget it.
    beside = await home.person(user_id=bot.user_id)
    await until(lambda: beside.turned_down(theirs), within=20.0)


async def test_somebody_of_another_homeserver_who_is_named_is_served_encrypted(home: Scene, away: Scene) -> None:
    ana, ben = await home.person("ana"), await away.person("ben")
    bot = await home.bot(f"*:{home.homeserver.server_name}", ben.user_id)
    dm = await ben.create(bot.user_id, is_direct=True)
    await ben.until_in(dm, bot.user_id)
    await ben.say(dm, "!link")
    said = await bot.inbox.until_text("!link")
    assert (said.sender, said.direct) == (Identity("matrix", ben.user_id), True)
    assert await bot.network.privacy(Room("matrix", dm), said.sender) is Privacy.PRIVATE
    await bot.say(dm, "Open this address.")
    await ben.until_notice(dm, bot.user_id, "Open this address.")

    room = await home.room(bot, ana, ben.user_id)
    await join(ben, room, home.homeserver)
    await ana.until_in(room, ben.user_id)
    await ben.say(room, "!tweet from afar")
    await bot.inbox.until_text("!tweet from afar")
    assert await bot.network.open_dm(said.sender) == said.room
    eve = Identity("matrix", (await away.person("eve")).user_id)
    assert await bot.network.privacy(await bot.network.open_dm(eve), eve) is Privacy.PRIVATE


async def test_who_leaves_by_another_homeserver_is_gone_here(home: Scene, away: Scene) -> None:
    ana, ben = await home.person("ana"), await away.person("ben")
    bot = await home.bot(f"*:{home.homeserver.server_name}", ben.user_id)
    room = await home.room(bot, ana, ben.user_id)
    await join(ben, room, home.homeserver)
    there = Identity("matrix", ben.user_id)
    await bot.inbox.until(lambda: bool(bot.inbox.gatherings) and there in bot.inbox.gatherings[-1].members)
    await ben.client.room_leave(room)
    await bot.inbox.until(lambda: there not in bot.inbox.gatherings[-1].members)
