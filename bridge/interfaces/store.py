"""The seam to what outlives a crash: one transaction, and what it sees."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeVar

from bridge.interfaces.accounts import Accounts, Links, People
from bridge.interfaces.answers import Answers, Decisions
from bridge.interfaces.log import Log
from bridge.interfaces.posts import Posts
from bridge.interfaces.teams import Policies, Shares
from bridge.model import SealedValue

T = TypeVar("T")


class Notes(Protocol):
    """Small things that an adapter keeps between runs. ``scope`` is the adapter's name. Secrets go in sealed."""

    def get(self, scope: str, key: str) -> bytes | None: ...

    def put(self, scope: str, key: str, value: bytes) -> None: ...

    def drop(self, scope: str, key: str) -> None: ...


class Arrivals(Protocol):
    """Which events have been seen."""

    def first(self, network: str, event_id: str, replay_key: str | None, at: float) -> bool:
        """Remember the event; False when its id, or its replay key, was there already."""
        ...


class SealedValues(Protocol):
    """Every sealed value, wherever it stands: for a new key of the vault, and for a look whether the key opens them."""

    def after(self, last: SealedValue | None, most: int) -> list[SealedValue]:
        """The first ``most`` of those behind ``last`` (None: of all), in an order that stays, or a few more; empty
        at the end.
        """
        ...

    def put(self, value: SealedValue) -> None:
        """Keep its bytes where it stands."""
        ...


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction's view of the store. All of it is synchronous and runs whole; see Store.transact."""

    notes: Notes
    arrivals: Arrivals
    accounts: Accounts
    posts: Posts
    answers: Answers
    links: Links
    decisions: Decisions
    shares: Shares
    policies: Policies
    log: Log
    people: People
    sealed: SealedValues


class Topic(Enum):
    """What a committed transaction may have given somebody to do."""

    POSTS = "posts"
    ANSWERS = "answers"
    LINKS = "links"
    SHARES = "shares"
    PICTURES = "pictures"


class Follower(Protocol):
    """Who adds its share to the transactions of others, so that both reach the disk at once."""

    def may_join(self) -> bool:
        """Asked on the store's thread before ``join``: whether it is of any use to call that now."""
        ...

    def join(self, tx: Tx) -> bool:
        """Called on the store's thread, at the end of a lasting transaction that changed something of Topic.POSTS.
        False when it did nothing. What it did is undone, and the transaction goes on without it, when it raises.
        """
        ...

    def joined(self, *, committed: bool) -> None:
        """Called in the event loop after each ``join`` that gave True or raised: whether what it did is on disk."""
        ...


class Store(Protocol):
    """Everything that must outlive a crash."""

    def follow(self, follower: Follower | None) -> None:
        """Have ``follower`` join; None ends that. Topic.POSTS does not ring for a transaction that it has joined."""
        ...

    def bell(self, topic: Topic) -> asyncio.Event:
        """Rings after each committed transaction that changed something of ``topic``. Its one listener clears it."""
        ...

    async def transact(self, work: Callable[[Tx], T], *, lasting: bool = True) -> T:
        """Run ``work`` in one transaction on the store's own thread, whole or not at all, and give what it gives.

        ``work`` must be quick, must not await, and must touch nothing of the event loop. What it raises rolls back and
        passes through. Raises StoreError when the database refuses. On return, the change has reached the disk; or,
        where it need not be ``lasting``, the operating system. Then a loss of power (no crash of ours) can undo it,
        and no transaction that comes later outlives it.
        """
        ...

    async def close(self) -> None: ...
