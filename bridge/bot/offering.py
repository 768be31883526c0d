"""The offerer: asks people in private whether they want a role that they are offered, and ends the week of recoveries.

It knows offers, DMs and turns, as the linker does; not who may give what. An offer that cannot be made rests, and holds
no other; after the last try, or when the network refuses for good, its giver is told.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import structlog

from bridge.bot import recovering
from bridge.bot.accepting import words_of
from bridge.bot.steps import LONGEST_ASK
from bridge.bot.turns import broke, in_turns
from bridge.errors import ChatError, ChatRefused, StoreError
from bridge.interfaces import ChatNetwork, Clock, Store, Topic, Tx
from bridge.model import Offer, OfferState, Room, Speech
from bridge.retry import pause

log = structlog.get_logger(__name__)

_AT_ONCE = 8
_LONGEST_PAUSE = 300.0
_TRIES = 20


class Offerer:
    """Works on offers and recoveries until cancelled. One task runs it, and only once."""

    def __init__(self, store: Store, networks: Mapping[str, ChatNetwork], clock: Clock, *, prefix: str = "!") -> None:
        self._store = store
        self._networks = networks
        self._clock = clock
        self._prefix = prefix
        self._bell = store.bell(Topic.SHARES)
        self._busy: set[int] = set()
        self._rest_until: dict[int, float] = {}
        self._failures: Counter[int] = Counter()

    async def run(self) -> None:
        """Work until cancelled. An offer that was cut off is made again at the next start."""
        await in_turns(self._turn, self._bell, self._clock, trouble="offers cannot be read", most=_LONGEST_PAUSE)

    async def _turn(self, group: asyncio.TaskGroup) -> float | None:
        """Begin what is to do, and give the time of the next turn if nothing rings."""
        now = self._clock()
        for offer_id in [offer_id for offer_id, until in self._rest_until.items() if until <= now]:
            del self._rest_until[offer_id]

        def work(tx: Tx) -> tuple[list[Offer], float | None]:
            recovering.settle(tx, now)
            made = [offer for offer in tx.shares.open_offers() if offer.state is OfferState.MADE]
            return made, tx.shares.next_due(now)

        offers, due = await self._store.transact(work)
        waiting = [
            offer
            for offer in offers
            if offer.to.network in self._networks and offer.id not in self._busy and offer.id not in self._rest_until
        ]
        for offer in waiting[: _AT_ONCE - len(self._busy)]:
            self._busy.add(offer.id)
            group.create_task(self._do(offer))
        times = [t for t in (due, *self._rest_until.values()) if t is not None]
        return min(times, default=None)

    async def _do(self, offer: Offer) -> None:
        try:
            await self._ask(offer)
            if offer.id not in self._rest_until:
                self._failures.pop(offer.id, None)
        except StoreError as error:
            log.warning("an offer was not recorded", offer=offer.id, error=str(error))
            self._rest(offer)
        except Exception as error:  # noqa: BLE001  # the one place for bugs in offers: they must not stop the others
            broke("offering", error, offer=str(offer.id))
            self._rest(offer)
        finally:
            self._busy.discard(offer.id)
            self._bell.set()

    def _rest(self, offer: Offer) -> None:
        self._failures[offer.id] += 1
        self._rest_until[offer.id] = self._clock() + pause(self._failures[offer.id], most=_LONGEST_PAUSE)

    async def _ask(self, offer: Offer) -> None:
        """Put the question into the person's DM, once there is one."""
        try:
            async with asyncio.timeout(LONGEST_ASK):
                room = await self._networks[offer.to.network].open_dm(offer.to)
        except (ChatError, TimeoutError) as error:
            if isinstance(error, ChatRefused) or self._failures[offer.id] + 1 >= _TRIES:
                log.warning("an offer could not be made", offer=offer.id, to=str(offer.to), error=str(error))
                await self._give_up(offer, str(error) or "no answer")
            else:
                self._rest(offer)
            return
        await self._store.transact(lambda tx: self._asked(tx, offer, room))

    def _asked(self, tx: Tx, offer: Offer, room: Room) -> None:
        account = tx.accounts.get(offer.account_id)
        if tx.shares.get_offer(offer.id) != offer or account is None:
            return  # withdrawn or replaced meanwhile
        words = words_of(offer, account, self._prefix)
        answer_id = tx.answers.add(room, Speech.TEXT, words, mention=offer.to)
        tx.shares.save_offer(replace(offer, state=OfferState.ASKED, room=room, answer_id=answer_id))

    async def _give_up(self, offer: Offer, why: str) -> None:
        def work(tx: Tx) -> None:
            if tx.shares.get_offer(offer.id) != offer:
                return
            tx.shares.save_offer(replace(offer, state=OfferState.WITHDRAWN))
            words = f"I cannot write to {offer.to.name} in private ({why}), so nothing was shared with them."
            target, thread = offer.message_id, offer.thread
            tx.answers.add(offer.origin, Speech.TEXT, words, target=target, thread=thread, mention=offer.by)

        await self._store.transact(work)
