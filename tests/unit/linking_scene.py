"""A desk for the tests of what people say about linking: a store and a house, and no linker that runs."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from bridge.bot import linking, unlinking
from bridge.bot.asked import Asked, Facts, House
from bridge.interfaces import Privacy, Tx
from bridge.model import (
    Account,
    Action,
    Draft,
    Identity,
    LinkState,
    Message,
    PendingLink,
    Post,
    PostState,
    Role,
    Room,
    Sealed,
    Speech,
)
from bridge.store import Database
from bridge.vault import Vault
from tests.fakes.publisher import FakePublisher
from tests.unit.bot_scene import ANA, DM, NOW, PRESS

ROWS = (*linking.COMMANDS, *unlinking.COMMANDS)
BENS = Room("matrix", "!dm-ben")
PIN = "1234567"
ALONE = Facts(privacy=Privacy.PRIVATE, may_redact=True)
WATCHED = Facts(privacy=Privacy.SHARED, may_redact=True)


@dataclass(frozen=True)
class Said:
    """A row of the answers, as the test looks at it."""

    room: str
    speech: Speech
    body: str
    target: str | None


class Desk:
    """A store and a house; ``say`` runs a command as the bot does."""

    def __init__(self, store: Database, path: Path) -> None:
        self.store = store
        self.path = path
        self.vault = Vault([b"k" * 32])
        self.now = NOW
        self.count = 0
        self.house = House(
            publishers={"x": FakePublisher()},
            vault=self.vault,
            admins=frozenset(),
            prefix="!",
            stale_after=600.0,
            posts_per_day=50,
            commands=ROWS,
            verbs=MappingProxyType({row.name: row for row in ROWS}),
        )

    def asked(self, verb: str, text: str, who: Identity, room: Room, facts: Facts, account: str | None) -> Asked:
        self.count += 1
        direct = room in (DM, BENS)
        message = Message(f"$said-{self.count}", room, who, text, self.now, direct=direct, thread="$t")
        return Asked(message, verb, account, text, facts, self.now)

    async def say(
        self,
        verb: str,
        text: str = "",
        *,
        who: Identity = ANA,
        room: Room = DM,
        facts: Facts = ALONE,
        account: str | None = None,
    ) -> str:
        """The id of the message. Raises UsageError, as the bot would show it."""
        asked = self.asked(verb, text, who, room, facts, account)
        await self.store.transact(lambda tx: self.house.verbs[verb].work(tx, asked, self.house))
        return asked.message.id

    async def digits(
        self, text: str = PIN, *, who: Identity = ANA, room: Room = DM, facts: Facts = ALONE
    ) -> tuple[bool, str]:
        """Whether it meant something, and the id of the message."""
        asked = self.asked("pin", text, who, room, facts, None)
        return await self.store.transact(lambda tx: linking.pin_said(tx, asked, self.house)), asked.message.id

    async def waiting(self, who: Identity = ANA, room: Room = DM, after: float = 0.0) -> PendingLink:
        """A link whose address was given ``after`` seconds from now."""

        def work(tx: Tx) -> PendingLink:
            link = tx.links.add(who, "x", room, "$link", None, room, self.now)
            link = replace(link, state=LinkState.WAITING, request=Sealed(b"r"), due_at=self.now + after + 900)
            tx.links.save(link)
            return link

        return await self.store.transact(work)

    async def link(self, number: int = 1) -> PendingLink:
        found = await self.store.transact(lambda tx: tx.links.get(number))
        assert found is not None
        return found

    def said(self) -> list[Said]:
        with sqlite3.connect(self.path) as raw:
            rows = raw.execute("SELECT room, speech, body, target FROM answer ORDER BY id").fetchall()
        raw.close()
        return [Said(room, Speech(speech), body, target) for room, speech, body, target in rows]

    def words(self) -> str:
        return "\n".join(said.body for said in self.said() if said.speech is Speech.TEXT)

    def redacted(self) -> list[str | None]:
        return [said.target for said in self.said() if said.speech is Speech.REDACTION]

    async def account(self, handle: str, *who: Identity, role: Role = Role.OWNER) -> Account:
        def work(tx: Tx) -> Account:
            account = tx.accounts.put("x", str(abs(hash(handle)) % 10**9), handle)
            tx.accounts.seal(account.id, Sealed(b"pair of " + handle.encode()))
            for number, identity in enumerate(who):
                tx.accounts.grant(account.id, identity, role, NOW + number)
            return account

        return await self.store.transact(work)

    async def post(self, account: Account, state: PostState, text: str = "hello", who: Identity = ANA) -> Post:
        def work(tx: Tx) -> Post:
            post = tx.posts.add(
                Action.POST,
                account.id,
                who,
                PRESS,
                f"$post-{text}",
                None,
                Draft(text),
                state=PostState.QUEUED,
                now=NOW,
                fresh_at=NOW,
                due_at=NOW,
            )
            post = replace(post, state=state)
            tx.posts.save(post)
            return post

        return await self.store.transact(work)


@asynccontextmanager
async def open_desk(folder: Path) -> AsyncIterator[Desk]:
    """A fresh one in ``folder``."""
    path = folder / "kantter.db"
    store = await Database.open(path)
    yield Desk(store, path)
    await store.close()


async def get(desk: Desk, work: Callable[[Tx], object]) -> object:
    return await desk.store.transact(work)
