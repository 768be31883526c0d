"""Kantter without a chat network: a store with linked accounts, the bot, the outbox, a publisher that meets the stand.

It is what the benchmarks drive in the place of a chat adapter.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from benchmarks.stand import Stand
from bridge.app import settle_memory
from bridge.bot import Bot
from bridge.config import XSettings
from bridge.errors import ChatRefused
from bridge.interfaces import Privacy, Tx
from bridge.model import Account, Health, Identity, Medium, Message, Outgoing, Role, Room, RoomName, Unreadable
from bridge.outbox import Outbox
from bridge.publish.x import XPublisher
from bridge.store import Database
from bridge.vault import Vault, account_purpose

T = TypeVar("T")

NETWORK = "matrix"
ROOM = Room(NETWORK, "!bench")


class Silent:
    """A chat network that takes every answer and does nothing."""

    name = NETWORK

    def __init__(self) -> None:
        self.said = 0

    async def run(self, inbox: object) -> None:
        """Nobody talks here."""

    async def send(self, outgoing: Outgoing) -> str:
        self.said += 1
        return f"$out{self.said}"

    async def privacy(self, room: Room, identity: Identity) -> Privacy:
        return Privacy.SHARED

    async def open_dm(self, identity: Identity) -> Room:
        return Room(NETWORK, f"!dm-{identity.name}")

    async def is_admin(self, room: Room, identity: Identity) -> bool:
        return False

    async def named(self, said: str) -> Identity | Room | None:
        return None

    async def room_name(self, room: Room) -> RoomName | None:
        return None

    async def may_redact(self, room: Room) -> bool:
        return False

    async def message(self, room: Room, message_id: str) -> Message | Unreadable | None:
        return None

    async def said_after(
        self, room: Room, message_id: str, *, by: Identity, until: str
    ) -> Sequence[Message | Unreadable]:
        return []

    async def fetch(self, medium: Medium, into: Path, *, most: int) -> None:
        raise ChatRefused("there are no pictures here")

    async def upload(self, file: Path, medium: Medium, *, encrypted: bool) -> Medium:
        raise ChatRefused("there are no pictures here")

    def health(self) -> Health:
        return Health(ok=True)

    async def close(self) -> None:
        """Nothing is held."""


class Watched(Database):
    """The store, and an event that is set after each transaction: whoever waits for an outcome need not poll."""

    turned: asyncio.Event

    async def transact(self, work: Callable[[Tx], T], *, lasting: bool = True) -> T:
        result = await super().transact(work, lasting=lasting)
        if hasattr(self, "turned"):  # not yet while it is being opened
            self.turned.set()
        return result


@dataclass(frozen=True)
class House:
    """The parts that a benchmark drives."""

    store: Watched
    bot: Bot
    outbox: Outbox
    accounts: Sequence[Account]

    async def until_posted(self, count: int) -> None:
        """Wait until that many posts have been recorded as posted since the start."""
        while self.outbox.outcomes().get("posted", 0) < count:
            self.store.turned.clear()
            await self.store.turned.wait()


def person(number: int) -> Identity:
    """The person who owns the account of that number."""
    return Identity(NETWORK, f"@person{number}:example.org")


def link(tx: Tx, vault: Vault, stand: Stand, now: float) -> list[Account]:
    """Link each of the stand's accounts to a person of its own."""
    accounts = []
    for number, (user_id, handle, pair) in enumerate(stand.accounts):
        account = tx.accounts.put("x", user_id, handle)
        tx.accounts.seal(account.id, vault.seal_credentials(pair, purpose=account_purpose("x", user_id)))
        tx.accounts.grant(account.id, person(number), Role.OWNER, now)
        accounts.append(account)
    return accounts


@asynccontextmanager
async def house(folder: Path, stand: Stand) -> AsyncIterator[House]:
    """All of it on a database in ``folder``."""
    store = await Watched.open(folder / "kantter.db")
    store.turned = asyncio.Event()
    vault = Vault([bytes(32)])
    settings = XSettings(
        consumer_key=SecretStr(stand.consumer_key),
        consumer_secret=SecretStr(stand.consumer_secret),
        api_url=stand.url,
        web_url=stand.url,
    )
    publisher = XPublisher(settings, clock=time.time)
    networks, publishers, admins = {NETWORK: Silent()}, {"x": publisher}, frozenset[Identity]()
    bot = Bot(
        store=store,
        networks=networks,
        publishers=publishers,
        vault=vault,
        admins=admins,
        prefix="!",
        stale_after=600.0,
        posts_per_day=10**9,
        clock=time.time,
    )
    outbox = Outbox(
        store=store,
        networks=networks,
        publishers=publishers,
        vault=vault,
        admins=admins,
        stale_after=600.0,
        clock=time.time,
    )
    accounts = await store.transact(lambda tx: link(tx, vault, stand, time.time()))
    settle_memory()  # as the app does
    try:
        yield House(store, bot, outbox, accounts)
    finally:
        await publisher.close()
        await store.close()
