"""A desk for the tests of the linker: a store on disk, one network, one publisher, a clock that tests set, and people
who say things in rooms.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

from bridge.bot import linking, unlinking
from bridge.bot.asked import Asked, Facts, House
from bridge.bot.linker import Linker
from bridge.bot.speaker import Speaker
from bridge.errors import ChatError
from bridge.interfaces import Topic
from bridge.model import Account, Credentials, Identity, LinkStart, LinkState, Message, PendingLink, Role, Room
from bridge.store import Database
from bridge.vault import Vault, account_purpose, request_purpose
from tests.fakes.network import FakeNetwork
from tests.fakes.publisher import FakePublisher
from tests.patience import until

T = TypeVar("T")

ANA = Identity("matrix", "@ana:example.org")
BEN = Identity("matrix", "@ben:example.org")
PRESS = Room("matrix", "!press")
NOW = 1_800_000_000.0


class LinkDesk:
    """``working()`` runs a linker and a speaker; leaving it is a crash, and entering it again a restart."""

    def __init__(self, store: Database, path: Path) -> None:
        self.store = store
        self.path = path
        self.vault = Vault([b"k" * 32])
        self.network = FakeNetwork()
        self.now = NOW
        self.x = FakePublisher(clock=lambda: self.now)
        self.dm = self.network.befriend(ANA)
        self.network.redactors.add(self.dm)
        self.spoken = 0

    @asynccontextmanager
    async def working(self, vault: Vault | None = None, x: FakePublisher | None = None) -> AsyncIterator[None]:
        networks, publishers = {"matrix": self.network}, {"x": x or self.x}
        linker = Linker(self.store, networks, publishers, vault or self.vault, lambda: self.now)
        speaker = Speaker(self.store, networks, vault or self.vault, lambda: self.now)
        tasks = [asyncio.create_task(linker.run()), asyncio.create_task(speaker.run())]
        try:
            yield
            assert not any(task.done() for task in tasks), "a loop ended by itself"
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for topic in (Topic.LINKS, Topic.ANSWERS):
            self.store.bell(topic).set()

    # ------------------------------------------------------------ what people do

    async def say(self, text: str, *, who: Identity = ANA, room: Room | None = None) -> str:
        """Say a command of linking, or a bare PIN, in the person's DM or in ``room``. Gives the message's id."""
        self.spoken += 1
        room = room or self.network.dms[who]
        message = Message(f"$said-{self.spoken}", room, who, text, self.now, direct=room in self.network.dms.values())
        try:
            facts = Facts(await self.network.privacy(room, who), may_redact=await self.network.may_redact(room))
        except ChatError as error:
            facts = Facts(trouble=str(error))
        rows = (*linking.COMMANDS, *unlinking.COMMANDS)
        house = House({"x": self.x}, self.vault, frozenset(), "!", 600.0, 50, rows, {row.name: row for row in rows})
        verb, _, rest = text.partition(" ")
        if verb.isdigit():
            asked = Asked(message, "pin", None, text, facts, self.now)
            await self.store.transact(lambda tx: linking.pin_said(tx, asked, house))
        else:
            asked = Asked(message, verb, None, rest, facts, self.now)
            await self.store.transact(lambda tx: house.verbs[verb].work(tx, asked, house))
        return message.id

    async def address(self, who: Identity = ANA) -> PendingLink:
        """The person's link, once it has an address."""
        await until(lambda: self._in_state(who, LinkState.WAITING))
        link = await self.pending(who)
        assert link is not None
        return link

    async def approve(self, handle: str, who: Identity = ANA) -> str:
        """The person opens the address and lets the app in as ``handle``. Gives the PIN."""
        link = await self.address(who)
        assert link.request is not None
        request = self.vault.open_credentials(link.request, purpose=request_purpose(link.id))
        return self.x.approve(LinkStart(request, ""), handle)

    async def link(self, handle: str, who: Identity = ANA, room: Room | None = None) -> str:
        """The whole way, up to the bot's last word. Gives the PIN."""
        before = self.heard(who).count(f"Linked @{handle}")
        await self.say("link", who=who, room=room)
        pin = await self.approve(handle, who)
        await self.say(pin, who=who)
        await self.hears(f"Linked @{handle}", who, times=before + 1)
        return pin

    # ------------------------------------------------------------ what tests ask

    def heard(self, where: Identity | Room = ANA) -> str:
        """All that the bot said in the person's DM, or in a room."""
        room = self.network.dms.get(where) if isinstance(where, Identity) else where
        return "\n".join(self.network.texts(room)) if room else ""

    async def hears(self, words: str, where: Identity | Room = ANA, *, times: int = 1, step: float = 0.0) -> None:
        """Wait until the bot has said so; with ``step``, time passes by so many seconds at each look."""

        def said() -> bool:
            if step:
                self.pass_time(step)
            return self.heard(where).count(words) >= times

        await until(said)

    async def pending(self, who: Identity = ANA) -> PendingLink | None:
        return await self.store.transact(lambda tx: tx.links.pending(who))

    async def over(self, who: Identity = ANA) -> bool:
        return await self.pending(who) is None

    async def account(self, handle: str) -> Account | None:
        person = self.x.person(handle)
        return await self.store.transact(lambda tx: tx.accounts.find("x", person.remote_id))

    async def pair(self, handle: str) -> Credentials | None:
        """The account's pair, opened."""
        account = await self.account(handle)
        assert account is not None
        sealed = await self.store.transact(lambda tx: tx.accounts.sealed(account.id))
        purpose = account_purpose("x", account.remote_id)
        return None if sealed is None else self.vault.open_credentials(sealed, purpose=purpose)

    async def revocations(self) -> int:
        return await self.store.transact(lambda tx: len(tx.links.revocations(float("inf"))))

    async def none_to_revoke(self) -> bool:
        return not await self.revocations()

    def rows(self) -> list[tuple[str, bytes | None, bytes | None]]:
        """State and secrets of every attempt, oldest first."""
        with sqlite3.connect(self.path) as raw:
            rows = raw.execute("SELECT state, request, pin FROM pending_link ORDER BY id").fetchall()
        raw.close()
        return rows

    async def _in_state(self, who: Identity, state: LinkState) -> bool:
        link = await self.pending(who)
        return link is not None and link.state is state


@asynccontextmanager
async def open_desk(folder: Path) -> AsyncIterator[LinkDesk]:
    """A fresh one in ``folder``."""
    path = folder / "kantter.db"
    store = await Database.open(path)
    yield LinkDesk(store, path)
    await store.close()


async def role(desk: LinkDesk, handle: str, who: Identity) -> Role | None:
    account = await desk.account(handle)
    return None if account is None else await desk.store.transact(lambda tx: tx.accounts.role(account.id, who))


async def default(desk: LinkDesk, who: Identity = ANA) -> int | None:
    return await desk.store.transact(lambda tx: tx.accounts.default(who))


async def tried(desk: LinkDesk) -> bool:
    link = await desk.pending()
    return link is not None and link.tries > 0
