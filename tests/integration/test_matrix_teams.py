"""An account that is shared, on a real homeserver: who is in the room has the right, and who is not any more has not,
whether the bot saw it or was away.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from bridge.bot import Bot as Brain
from bridge.chat.matrix import MatrixNetwork
from bridge.config import MatrixSettings
from bridge.errors import ChatUnreachable, StoreError
from bridge.interfaces import Tx
from bridge.model import Account, Identity, PostState, Role, Room, RoomName
from bridge.outbox import Outbox
from bridge.store import Database
from bridge.store.posts import SqlPosts
from bridge.vault import Vault, account_purpose
from tests.fakes.publisher import FakePublisher
from tests.integration.matrix_scene import KEY, Person, Scene
from tests.patience import until
from tests.synapse import Synapse

pytestmark = pytest.mark.homeserver


class Kantter:
    """The bot, its outbox and its database around one real Matrix account; X is the fake. ``stop`` is a crash."""

    def __init__(self, homeserver: Synapse, user_id: str, folder: Path) -> None:
        self.settings = MatrixSettings(homeserver=homeserver.url, user_id=user_id, password=SecretStr("correct horse"))
        self.user_id = user_id
        self.folder = folder
        self.vault = Vault([KEY])
        self.x = FakePublisher()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = await Database.open(self.folder / "kantter.db")
        self.network = MatrixNetwork(
            self.settings, folder=self.folder / "matrix", store=self.store, vault=self.vault, clock=time.time
        )
        networks, publishers = {"matrix": self.network}, {"x": self.x}
        brain = Brain(
            store=self.store, networks=networks, publishers=publishers, vault=self.vault, admins=frozenset(),
            prefix="!", stale_after=600.0, posts_per_day=50, clock=time.time
        )  # fmt: skip
        outbox = Outbox(
            store=self.store, networks=networks, publishers=publishers, vault=self.vault, admins=frozenset(),
            stale_after=600.0, clock=time.time
        )  # fmt: skip
        runs = (self.network.run(brain), brain.run(), outbox.run())
        self._tasks = [asyncio.create_task(run) for run in runs]
        await until(lambda: self.network.health().ok, within=30)

    async def stop(self) -> None:
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        await self.network.close()
        await self.store.close()

    async def link(self, handle: str, owner: Person) -> Account:
        """As if ``owner`` had linked it."""
        person = self.x.person(handle)
        sealed = self.vault.seal_credentials(person.credentials, purpose=account_purpose("x", person.remote_id))

        def work(tx: Tx) -> Account:
            account = tx.accounts.put("x", person.remote_id, handle)
            tx.accounts.seal(account.id, sealed)
            tx.accounts.grant(account.id, Identity("matrix", owner.user_id), Role.OWNER, time.time(), linked=True)
            return account

        return await self.store.transact(work)

    async def role(self, account: Account, who: Person) -> Role | None:
        return await self.store.transact(lambda tx: tx.accounts.role(account.id, Identity("matrix", who.user_id)))

    async def until_role(self, account: Account, who: Person, role: Role | None) -> None:
        async def so() -> bool:
            return await self.role(account, who) is role

        await until(so, within=20)

    async def unsettled(self) -> int:
        """How many posts are still on their way."""

        def work(tx: Tx) -> int:
            posts = tx.posts
            assert isinstance(posts, SqlPosts)
            return len([p for p in posts._all("1 = 1") if p.state not in (PostState.POSTED, PostState.FAILED)])

        return await self.store.transact(work)


class Team:
    """Ana owns @acme, and shared it as poster with ``press``, where Ben is; ``lobby`` is another room of all three."""

    def __init__(self, scene: Scene, kantter: Kantter) -> None:
        self.scene = scene
        self.kantter = kantter

    async def gather(self) -> "Team":
        kantter, scene = self.kantter, self.scene
        await kantter.start()
        self.ana, self.ben = await scene.person("ana"), await scene.person("ben")
        self.acme = await kantter.link("acme", self.ana)
        self.press, self.lobby = await self.room(), await self.room()
        await self.ana.say(self.press, "!share @acme room poster")
        await kantter.until_role(self.acme, self.ben, Role.POSTER)
        return self

    async def room(self) -> str:
        room = await self.ana.create(self.kantter.user_id, self.ben.user_id, encrypted=False)
        await self.ana.until_in(room, self.kantter.user_id)
        await self.ben.client.join(room)
        await self.ana.until_in(room, self.ben.user_id)
        await self.ben.sync()
        return room

    async def hears(self, room: str, *words: str) -> None:
        """Wait until the bot says something there that holds all those words."""

        async def said() -> bool:
            notices = await self.ana.notices(room, self.kantter.user_id)
            return any(all(word in notice.lower() for word in words) for notice in notices)

        await until(said, within=20)

    async def lose(self, way: str) -> None:
        """Take from Ben what the room gave him."""
        ana, press = self.ana, self.press
        if way == "leave":
            await self.ben.client.room_leave(press)
        elif way == "kick":
            await ana.client.room_kick(press, self.ben.user_id)
        elif way == "ban":
            await ana.client.room_ban(press, self.ben.user_id)
        elif way == "bot kicked":
            await ana.client.room_kick(press, self.kantter.user_id)
        else:
            for rule in way.split(", "):
                await ana.put_state(press, "m.room.join_rules", {"join_rule": rule})


@pytest.fixture
async def team(homeserver: Synapse, scene: Scene, tmp_path: Path) -> AsyncIterator[Team]:
    kantter = Kantter(homeserver, await scene.register("kantter"), tmp_path / "kantter")
    yield await Team(scene, kantter).gather()
    await kantter.stop()


WAYS = ["leave", "kick", "ban", "public", "knock", "public, invite", "bot kicked"]


@pytest.mark.parametrize("way", WAYS)
async def test_who_is_in_the_room_posts_and_who_is_not_any_more_does_not(team: Team, way: str) -> None:
    kantter = team.kantter
    await team.ben.say(team.lobby, "!tweet@acme while I may")
    await until(lambda: kantter.x.texts("acme") == ["while I may"], within=20)
    await team.lose(way)
    await team.ben.say(team.lobby, "!tweet@acme too late")
    await team.hears(team.lobby, "not posted", "“too late”")
    assert await kantter.role(team.acme, team.ben) is None
    assert await kantter.role(team.acme, team.ana) is Role.OWNER
    assert await kantter.unsettled() == 0
    assert kantter.x.texts("acme") == ["while I may"]


@pytest.mark.parametrize("way", WAYS)
async def test_what_happened_while_the_bot_was_away_counts_at_once(team: Team, way: str) -> None:
    kantter = team.kantter
    await kantter.stop()
    await team.lose(way)
    await team.ben.say(team.lobby, "!tweet@acme too late")
    await kantter.start()
    await team.hears(team.lobby, "not posted", "“too late”")
    assert await kantter.role(team.acme, team.ben) is None
    assert await kantter.unsettled() == 0
    assert kantter.x.texts("acme") == []


async def test_who_was_an_approver_cannot_hand_it_on_when_the_bot_comes_back(team: Team) -> None:
    """What is said in other rooms comes in the same answer as the news that they were kicked."""
    kantter = team.kantter
    await team.ana.say(team.press, "!share @acme room approver")
    await kantter.until_role(team.acme, team.ben, Role.APPROVER)
    await kantter.stop()
    await team.lose("kick")
    for _ in range(3):
        await team.ben.say(team.lobby, "!share @acme room poster")
    await kantter.start()
    await team.hears(team.lobby, "you have no account")
    rooms = await kantter.store.transact(lambda tx: tx.shares.rooms(team.acme.id))
    assert rooms == [(Room("matrix", team.press), Role.APPROVER)]
    assert await kantter.role(team.acme, team.ben) is None


async def test_a_flood_while_the_bot_was_away_hides_no_open_door(team: Team) -> None:
    """The homeserver leaves most of it out of its answer, and with it the moment when the room was open."""
    kantter = team.kantter
    await kantter.stop()
    await team.lose("public, invite")
    for number in range(60):
        await team.ana.say(team.press, f"talk {number}")
    await kantter.start()
    await kantter.until_role(team.acme, team.ben, None)
    await team.hears(team.press, "what was shared with it is not shared any more")


async def test_an_invitation_is_no_membership_and_coming_in_is(team: Team) -> None:
    kantter, eve = team.kantter, await team.scene.person("eve")
    await team.ana.client.room_invite(team.press, eve.user_id)
    await team.ana.say(team.press, "!team @acme")
    await team.hears(team.press, "the team of @acme")
    assert await kantter.role(team.acme, eve) is None
    await kantter.stop()
    await eve.client.join(team.press)
    await kantter.start()
    await kantter.until_role(team.acme, eve, Role.POSTER)
    await eve.sync()
    await eve.say(team.press, "!tweet@acme hello from eve")
    await until(lambda: kantter.x.texts("acme") == ["hello from eve"], within=20)


async def test_a_person_is_asked_in_private_and_takes_it_with_a_tick(team: Team) -> None:
    kantter, eve = team.kantter, await team.scene.person("eve")
    await team.ana.say(team.press, f"!share @acme {eve.user_id}")

    async def invited() -> bool:
        await eve.client.sync(timeout=0)
        return bool(eve.client.invited_rooms)

    await until(invited, within=20)
    [dm] = eve.client.invited_rooms
    await eve.client.join(dm)
    await eve.sync()
    questions: list[str] = []

    async def asked() -> bool:
        events = await eve.history(dm)
        questions[:] = [e.event_id for e in events if e.sender == kantter.user_id and e.source["type"] in SAID]
        return bool(questions)

    await until(asked, within=20)
    assert await kantter.role(team.acme, eve) is None
    relation = {"rel_type": "m.annotation", "event_id": questions[-1], "key": "✅"}
    await eve.send_raw(dm, "m.reaction", {"m.relates_to": relation})
    await kantter.until_role(team.acme, eve, Role.POSTER)
    await team.hears(team.press, f"{eve.user_id} is poster of @acme now")


SAID = ("m.room.message", "m.room.encrypted")


async def test_an_upgrade_of_the_room_takes_the_share_along(team: Team) -> None:
    kantter, press = team.kantter, team.press
    answer = await team.ana.call("POST", f"/_matrix/client/v3/rooms/{press}/upgrade", {"new_version": "11"})
    successor = answer["replacement_room"]
    for user_id in (kantter.user_id, team.ben.user_id):
        await team.ana.call("POST", f"/_matrix/client/v3/rooms/{successor}/invite", {"user_id": user_id})
    await kantter.until_role(team.acme, team.ben, None)
    await team.ben.client.join(successor)
    await kantter.until_role(team.acme, team.ben, Role.POSTER)
    assert await kantter.store.transact(lambda tx: tx.shares.rooms(team.acme.id)) == [
        (Room("matrix", successor), Role.POSTER)
    ]


async def test_people_and_rooms_are_named_in_every_way_that_clients_write(scene: Scene) -> None:
    ana, eve = await scene.person("ana"), await scene.person("eve")
    bot = await scene.bot(ana.user_id)
    room = await scene.room(bot, ana, alias=f"press-{ana.user_id[1:9]}")
    alias = f"#press-{ana.user_id[1:9]}:{ana.user_id.partition(':')[2]}"
    named = bot.network.named
    assert (
        await named(f"https://matrix.to/#/{ana.user_id}") == await named(ana.user_id) == Identity("matrix", ana.user_id)
    )
    assert await named(alias) == await named(f"https://matrix.to/#/{quote(alias)}?via=x") == Room("matrix", room)
    nobody = (eve.user_id, bot.user_id, "#nowhere:kantter.test", "#", "@ana", "!", "\ud800", "@a:" + "b" * 300)
    assert [await named(said) for said in nobody] == [None] * len(nobody)


async def test_a_change_in_an_answer_that_broke_off_is_told_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, ana, ben = await scene.bot(), await scene.person("ana"), await scene.person("ben")
    room = await scene.room(bot, ana, ben.user_id, encrypted=False)
    await ben.client.join(room)
    told = bot.inbox.gatherings
    await bot.inbox.until(lambda: bool(told) and len(told[-1].members) == 2)
    timeline: Any = bot.network._session.sync._timeline  # type: ignore[union-attr]  # it is running
    read, cuts = timeline.read, [ChatUnreachable("cut")]

    async def cut_once(room_id: str, raw: dict[str, Any]) -> object:
        if raw.get("content", {}).get("body") == "second" and cuts:
            raise cuts.pop()
        return await read(room_id, raw)

    monkeypatch.setattr(timeline, "read", cut_once)
    bot.inbox.failures += [StoreError("disk full")] * 2
    await ana.say(room, "first")
    await until(lambda: len(bot.inbox.failures) < 2)  # while that is delivered again and again, more happens
    await ben.client.room_leave(room)
    await ana.say(room, "second")
    await bot.inbox.until_text("second")
    assert not cuts
    assert told[-1].members == {Identity("matrix", ana.user_id)}


async def test_a_room_is_called_by_its_name_and_by_an_alias_that_leads_to_it(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person("ana")
    room = await scene.room(bot, ana, alias=f"desk-{ana.user_id[1:9]}")
    alias = f"#desk-{ana.user_id[1:9]}:{ana.user_id.partition(':')[2]}"

    async def called(name: RoomName | None) -> None:
        async def so() -> bool:
            return await bot.network.room_name(Room("matrix", room)) == name

        await until(so, within=20.0)

    await called(RoomName(alias=alias))
    await ana.put_state(room, "m.room.name", {"name": "Desk"})
    await called(RoomName("Desk", alias))
    await bot.stop()
    await bot.start()
    await called(RoomName("Desk", alias))
    other = await scene.room(bot, ana, alias=f"other-{ana.user_id[1:9]}")
    forged = {"type": "m.room.canonical_alias", "state_key": "", "content": {"alias": alias}}
    bot.network._session.rooms._roster.apply(other, [forged])  # type: ignore[union-attr]  # as another homeserver could
    assert await bot.network.room_name(Room("matrix", other)) is None
    await ana.call("DELETE", f"/_matrix/client/v3/directory/room/{quote(alias, safe='')}")
    await called(RoomName("Desk"))
    await ana.put_state(room, "m.room.name", {"name": ""})
    await called(None)
