"""The bot: takes what a network heard, decides, and records all of it in one transaction. Runs speaker and linker.

It asks networks before the transaction and never within. A bug that one event sets off costs that event only.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo

import structlog

from bridge.bot import facts, hearing, table, turns
from bridge.bot.asked import Facts, House, Need
from bridge.bot.hearing import Heard
from bridge.bot.linker import Linker
from bridge.bot.looking import Looker
from bridge.bot.offering import Offerer
from bridge.bot.parse import Pin
from bridge.bot.speaker import Speaker
from bridge.errors import StoreError
from bridge.fetching import Fetcher
from bridge.interfaces import ChatNetwork, Clock, Publisher, Store, Tx
from bridge.model import Event, Gathering, Health, Identity, Message, Room
from bridge.pricing import USUAL, Prices
from bridge.vault import Vault

log = structlog.get_logger(__name__)

BOOKMARK = "bookmark"


class Bot:
    """An Inbox for every network. Times in seconds; ``posts_per_day`` is a person's cap."""

    def __init__(
        self,
        *,
        store: Store,
        networks: Mapping[str, ChatNetwork],
        publishers: Mapping[str, Publisher],
        vault: Vault,
        admins: frozenset[Identity],
        prefix: str,
        stale_after: float,
        posts_per_day: int,
        clock: Clock,
        prices: Prices = USUAL,
        zone: tzinfo = UTC,
        fetcher: Fetcher | None = None,
    ) -> None:
        self._store = store
        self._networks = networks
        self._clock = clock
        self._house = House(
            publishers=publishers,
            vault=vault,
            admins=admins,
            prefix=prefix,
            stale_after=stale_after,
            posts_per_day=posts_per_day,
            commands=table.COMMANDS,
            verbs=table.VERBS,
            prices=prices,
            zone=zone,
        )
        self._speaker = Speaker(store, networks, vault, clock)
        self._linker = Linker(store, networks, publishers, vault, clock, prefix=prefix)
        self._offerer = Offerer(store, networks, clock, prefix=prefix)
        self._looker = Looker(store, networks, fetcher or Fetcher(), self._house, clock)
        self._running = False

    async def run(self) -> None:
        """Speak, link, offer and look at pictures until cancelled."""
        self._running = True
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._speaker.run())
                group.create_task(self._linker.run())
                group.create_task(self._offerer.run())
                group.create_task(self._looker.run())
        finally:
            self._running = False

    def health(self) -> Health:
        """Whether somebody speaks and links. Never blocks."""
        return Health(ok=True) if self._running else Health(ok=False, reason="not running")

    # ------------------------------------------------------------ the inbox

    async def deliver(self, events: Sequence[Event], bookmark: str | None = None) -> None:
        """See ``Inbox``. Without events, the bookmark is that of the only network. Raises StoreError."""
        heard = await self._prepare(events)
        now = self._clock()
        network = self._name(events) if bookmark is not None else ""
        broken: dict[int, str] = {}
        while True:
            batch = _Batch(heard, broken, self._house, now, network, bookmark)
            try:
                await self._store.transact(batch.work)
            except StoreError:
                raise
            except Exception as error:  # a bug that one event sets off costs that event only, not the batch
                if batch.at is None:
                    raise  # not of an event: nothing that could be left out
                self._note(heard[batch.at].event, batch.at, broken, error)
            else:
                return

    async def _prepare(self, events: Sequence[Event]) -> list[Heard]:
        """Read the events, and ask the networks what some of them need."""
        heard = [hearing.listen(event, self._house) for event in events]
        if any(map(hearing.may_tell_of_rooms, heard)):
            heard = await self._name_rooms(heard)
        wanted = [(n, h.event, hearing.need_of(h)) for n, h in enumerate(heard) if isinstance(h.event, Message)]
        asking = [(n, message, asks) for n, message, need in wanted if (asks := need & ~Need.ROOMS)]
        if not asking:
            return heard
        pins = {message.sender for n, message, _ in asking if isinstance(heard[n].reading, Pin)}
        linking = await self._with_pending_link(pins) if pins else frozenset()
        asking = [a for a in asking if not isinstance(heard[a[0]].reading, Pin) or a[1].sender in linking]
        for number, found in (await facts.gather(self._networks, asking)).items():
            heard[number] = replace(heard[number], facts=replace(found, rooms=heard[number].facts.rooms))
        return heard

    async def _name_rooms(self, heard: list[Heard]) -> list[Heard]:
        wanted = await self._store.transact(lambda tx: [hearing.rooms_of(tx, one) for one in heard])
        names = await facts.rooms(self._networks, set().union(*wanted))
        return [
            replace(one, facts=Facts(rooms={room: names[room] for room in rooms if room in names})) if rooms else one
            for one, rooms in zip(heard, wanted, strict=True)
        ]

    async def _with_pending_link(self, people: set[Identity]) -> frozenset[Identity]:
        """Seven digits are of interest only from somebody whose link waits: for others no network is asked."""
        return await self._store.transact(
            lambda tx: frozenset(person for person in people if tx.links.pending(person) is not None)
        )

    def _name(self, events: Sequence[Event]) -> str:
        if events:
            return events[0].room.network
        if len(self._networks) == 1:
            return next(iter(self._networks))
        raise ValueError("whose bookmark is it? There are no events, and several networks")

    def _note(self, event: Event, number: int, broken: dict[int, str], error: Exception) -> None:
        """Remember that the event sets off a bug: once, and it is answered so; twice, and it is passed over."""
        if number in broken:
            log.error("an event could not even be answered, and is passed over", ref=broken[number])
            broken[number] = ""
            return
        broken[number] = turns.broke("an event", error, heard=type(event).__name__)


class _Batch:
    """One attempt at a batch. ``at``: the number of the event in work; None before the first and after the last.

    A transaction has no savepoints, so the whole batch is tried again without the event that broke: it stands in
    ``broken`` with its reference (answered with that) or with "" (passed over).
    """

    def __init__(
        self,
        heard: Sequence[Heard],
        broken: Mapping[int, str],
        house: House,
        now: float,
        network: str,
        bookmark: str | None,
    ) -> None:
        self.at: int | None = None
        self._heard = heard
        self._broken = broken
        self._house = house
        self._now = now
        self._network = network
        self._bookmark = bookmark

    def work(self, tx: Tx) -> None:
        """The transaction."""
        deaf: set[tuple[Room, Identity]] = set()
        for number, heard in enumerate(self._heard):
            self.at = number
            reference = self._broken.get(number)
            if reference != "" and self._is_new(tx, heard.event):
                if reference is None:
                    hearing.decide(tx, heard, self._house, self._now, deaf)
                else:
                    hearing.broke(tx, heard, reference)
        self.at = None
        if self._bookmark is not None:
            tx.notes.put(self._network, BOOKMARK, self._bookmark.encode("utf-8"))

    def _is_new(self, tx: Tx, event: Event) -> bool:
        if isinstance(event, Gathering):
            return True  # it tells how things are: to note it again changes nothing
        replay_key = getattr(event, "replay_key", None)
        return tx.arrivals.first(event.room.network, event.id, replay_key, self._now)
