"""The steps of one pending link: open the DM, fetch the address, trade the PIN, tell when its time is over.

It knows the way of a link (``LinkState``) and nothing of verbs or turns. Each step asks the network or the publisher
and writes down what came of it in one transaction, if the row is still as it was read. So a crash repeats a step, and
a person who drops the link meanwhile wins.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import structlog

from bridge.bot.joining import join, same, say
from bridge.bot.linking import HOUR, MOST_AN_HOUR, SHARED, UNENCRYPTED, VALID, ended
from bridge.bot.sealing import seal
from bridge.bot.words import moment
from bridge.errors import (
    ChatError,
    ChatRefused,
    LinkRefused,
    OperatorMustAct,
    OutcomeUnknown,
    PublishError,
    Throttled,
    Unreachable,
)
from bridge.interfaces import ChatNetwork, Clock, Privacy, Publisher, Store, Tx
from bridge.model import Credentials, Linked, LinkState, PendingLink, Room
from bridge.retry import pause
from bridge.vault import Vault, VaultError, pin_purpose, request_purpose

log = structlog.get_logger(__name__)

TRIES = 5
"""So often is a step tried against a network or publisher that cannot be reached, before the person is told."""
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
LONGEST_ASK = 30.0
"""Seconds that a network may take to open a DM and to tell who is in it."""
_LONGEST_WAIT = 60.0
"""Seconds that a person waits for a throttled publisher without being told."""


class Steps:
    """Takes a pending link one step further. Every method may raise StoreError; then nothing was recorded."""

    def __init__(
        self,
        store: Store,
        networks: Mapping[str, ChatNetwork],
        publishers: Mapping[str, Publisher],
        vault: Vault,
        clock: Clock,
        locks: Mapping[str, asyncio.Lock],
        prefix: str,
    ) -> None:
        self._store = store
        self._networks = networks
        self._publishers = publishers
        self._vault = vault
        self._clock = clock
        self._locks = locks
        self._prefix = prefix

    async def take(self, link: PendingLink) -> None:
        """Do what the link's state asks for, and record what came of it."""
        if link.state is LinkState.ASKED:
            await self._begin(link)
        elif link.state is LinkState.PROVING:
            await self._prove(link)
        elif link.state is LinkState.WAITING:
            await self.end(link, f"The 15 minutes are over, and nothing was linked. {self._anew()}")

    async def end(self, link: PendingLink, words: str, room: Room | None = None) -> None:
        """The attempt is over; tell the person, in ``room``, else in the DM, else where they asked."""
        await self._record(link, ended(link), words, room, outcome="not linked")

    # ------------------------------------------------------------ the steps

    async def _begin(self, link: PendingLink) -> None:
        room = await self._alone(link)
        if room is None:
            return
        try:
            start = await self._publishers[link.publisher].begin_link()
        except PublishError as error:
            await self._failed(link, room, error)
            return
        request = self._vault.seal_credentials(start.request, purpose=request_purpose(link.id))
        due = self._clock() + VALID
        waiting = replace(link, state=LinkState.WAITING, room=room, request=request, due_at=due, tries=0)
        await self._record(link, waiting, seal(self._vault, self._address(link, start.authorize_url)), room)

    async def _prove(self, link: PendingLink) -> None:
        room = await self._alone(link)
        if room is None:
            return
        try:
            request, pin = self._open(link)
        except VaultError as error:
            log.warning("a pending link cannot be opened", link=link.id, error=str(error))
            await self.end(link, f"Nothing was linked: I cannot open what I kept ({error}). {self._anew()}")
            return
        async with self._locks[link.publisher]:  # see revoking: no revocation may overtake the new pair
            if await self._store.transact(lambda tx: same(tx, link)):
                await self._trade(link, room, request, pin)

    async def _trade(self, link: PendingLink, room: Room, request: Credentials, pin: str) -> None:
        name = _shown(link)
        try:
            linked = await self._publishers[link.publisher].finish_link(request, pin)
        except LinkRefused:
            await self._afresh(link, f"{name} did not take that PIN: it is wrong, was used before, or is too old.")
        except OutcomeUnknown:
            await self._afresh(link, f"{name} gave no clear answer, and the PIN may be used up.")
        except PublishError as error:
            await self._failed(link, room, error)
        else:
            await self._join(link, linked)

    async def _join(self, link: PendingLink, linked: Linked) -> None:
        now, prefix = self._clock(), self._prefix
        if not await self._store.transact(lambda tx: join(tx, link, linked, self._vault, prefix=prefix, now=now)):
            log.info("a link was dropped while its PIN was traded", link=link.id)
            return
        log.info("linked", link=link.id, identity=str(link.identity), publisher=link.publisher, handle=linked.handle)

    async def _afresh(self, link: PendingLink, why: str) -> None:
        """Begin again by ourselves, as a refused PIN burns its address; leave the last address of the hour to the
        person's own word.
        """
        now = self._clock()

        def work(tx: Tx) -> None:
            if not same(tx, link):
                return
            room = link.room or link.origin
            if tx.links.count_since(link.identity, now - HOUR) >= MOST_AN_HOUR - 1:
                tx.links.save(ended(link))
                say(tx, link, room, f"{why} Nothing was linked. {self._anew()}")
                return
            say(tx, link, room, f"{why} Nothing was linked. A new address follows; the one before counts for nothing.")
            tx.links.add(link.identity, link.publisher, link.origin, link.message_id, link.thread, room, now)

        await self._store.transact(work)

    # ------------------------------------------------------------ what they share

    async def _alone(self, link: PendingLink) -> Room | None:
        """The DM, looked at right now; None when there is none, and then that is recorded and told."""
        network = self._networks[link.identity.network]
        try:
            async with asyncio.timeout(LONGEST_ASK):
                room = link.room or await network.open_dm(link.identity)
                privacy = await network.privacy(room, link.identity)
        except (ChatError, TimeoutError) as error:
            words = f"Nothing was linked: I cannot write to you in private ({str(error) or 'no answer'})."
            if isinstance(error, ChatRefused):
                await self.end(link, f"{words} {self._anew()}")
            else:
                await self._again(link, words)
            return None
        if privacy is Privacy.PRIVATE:
            return room
        reason = UNENCRYPTED if privacy is Privacy.UNENCRYPTED else SHARED
        await self.end(link, f"Nothing was linked. {reason} {self._anew()}")
        return None

    async def _failed(self, link: PendingLink, room: Room, error: PublishError) -> None:
        """The publisher gave nothing, and nothing is lost: try again, or tell why not."""
        name, now = _shown(link), self._clock()
        if isinstance(error, Throttled) and error.retry_at - now <= _LONGEST_WAIT:
            await self._again(link, f"Nothing was linked: {name} is too busy.", room, error.retry_at)
        elif isinstance(error, Throttled):
            when = moment(error.retry_at, now)
            await self.end(link, f"Nothing was linked: {name} takes no links before {when}. {self._anew()}", room)
        elif isinstance(error, Unreachable | OutcomeUnknown):
            await self._again(link, f"Nothing was linked: {name} cannot be reached.", room)
        elif isinstance(error, OperatorMustAct):
            log.error("the publisher refuses the app", publisher=link.publisher, error=str(error))
            words = f"Nothing was linked: {name} refuses me, and only the people who run me can mend that ({error})."
            await self.end(link, f"{words} {self._anew()}", room)
        else:
            await self.end(link, f"Nothing was linked: {name} refused it ({error}). {self._anew()}", room)

    async def _again(self, link: PendingLink, words: str, room: Room | None = None, not_before: float = 0.0) -> None:
        """The same step later; after the last try ``words`` are said instead."""
        tries = link.tries + 1
        if tries >= TRIES:
            await self.end(link, f"{words} {self._anew()}", room)
            return
        due = max(not_before, self._clock() + pause(tries, first=_FIRST_PAUSE, most=_LONGEST_PAUSE))
        await self._record(link, replace(link, tries=tries, due_at=due))

    async def _record(
        self, link: PendingLink, after: PendingLink, words: str = "", room: Room | None = None, outcome: str = ""
    ) -> None:
        now = self._clock()

        def work(tx: Tx) -> None:
            if same(tx, link):
                tx.links.save(after)
                if outcome:
                    tx.log.add(link.identity, "link", room=link.room, detail=_shown(link), outcome=outcome, at=now)
                if words:
                    say(tx, link, room or link.room or link.origin, words)

        await self._store.transact(work)

    def _open(self, link: PendingLink) -> tuple[Credentials, str]:
        if link.request is None or link.pin is None:
            raise VaultError("a sealed value is missing")
        request = self._vault.open_credentials(link.request, purpose=request_purpose(link.id))
        return request, self._vault.open(link.pin, purpose=pin_purpose(link.id)).decode("ascii")

    def _address(self, link: PendingLink, url: str) -> str:
        name = _shown(link)
        return (
            f"Open this address to link an account at {name}:\n\n{url}\n\n"
            f"Log in there with the account that you want to link, let me in, and say the PIN of 7 digits here."
            f" Only you may open the address, and never pass the PIN on: whoever gives you either of them wants to use"
            f" your account. Both are valid for 15 minutes; {self._prefix}cancel drops them."
        )

    def _anew(self) -> str:
        return f"Say {self._prefix}link to start anew."


def _shown(link: PendingLink) -> str:
    """The publisher's name as people write it."""
    return link.publisher.capitalize()
