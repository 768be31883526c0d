"""The loop of the outbox: one transaction after another, and the exchanges between them.

Each turn is one transaction that records the outcomes of finished exchanges and claims what is sent next; a claim is on
disk before any byte leaves. While a turn is being committed, exchanges go on, and what ends meanwhile shares the next
commit. A turn that only claims can join the very transaction that queued the post, which saves a commit.

There is one turn at a time: whoever holds the lock, from its beginning until it is taken over. All state here belongs
to the holder; an exchange only appends its outcome. It knows no rule about rows.
"""

import asyncio
import secrets
import threading
import time
from collections import Counter
from collections.abc import Mapping

import structlog

from bridge.errors import ChatError, OperatorMustAct, OutcomeUnknown, PublishError, StoreError, Unreachable
from bridge.fetching import Fetcher
from bridge.interfaces import ChatNetwork, Clock, Publisher, Store, Topic, Tx
from bridge.model import Health, Identity
from bridge.outbox import pausing
from bridge.outbox.asking import ask
from bridge.outbox.choosing import choose
from bridge.outbox.errand import Courier, Errand, Outcome
from bridge.outbox.ripening import ripen
from bridge.outbox.settling import recover, settle, shift
from bridge.outbox.telling import tell_waiting
from bridge.outbox.turn import ENDLESS, House, Search, Turn, Upload
from bridge.pricing import USUAL, Prices
from bridge.retry import pause
from bridge.vault import Vault

log = structlog.get_logger(__name__)

_IN_FLIGHT = 160
"""Accounts. Enough that exchanges go on while a turn is committed, and many share one commit."""
_POLL = 5.0
"""Seconds after which the loop looks around without having been rung: a clock that jumps rings nothing."""
_TELL_EVERY = 2.0
"""Seconds between two looks for people who wait without a word."""
_DRAIN = 8.0
_SET_BACK = 2.0
"""Seconds by which the clock must fall behind the monotonic one to count as set back."""


class Outbox:
    """See the package. ``prefix``: of commands, for the words. ``seconds``: the sum of all exchanges' durations;
    ``turns``: how many transactions were committed. ``fetcher``: of pictures.

    ``monotonic`` gives seconds that never jump; what is stored comes from ``clock``.
    """

    def __init__(
        self,
        *,
        store: Store,
        networks: Mapping[str, ChatNetwork],
        publishers: Mapping[str, Publisher],
        vault: Vault,
        admins: frozenset[Identity],
        stale_after: float,
        clock: Clock,
        prefix: str = "!",
        monotonic: Clock = time.monotonic,
        prices: Prices = USUAL,
        fetcher: Fetcher | None = None,
    ) -> None:
        self.seconds = 0.0
        self.turns = 0
        self._store = store
        self._networks = networks
        self._admins = frozenset(admin for admin in admins if admin.network in networks)
        self._house = House(publishers, stale_after, prefix, prices)
        self._courier = Courier(publishers, vault, networks, fetcher)
        self._clock = clock
        self._monotonic = monotonic
        self._counts: Counter[str] = Counter()
        self._bell = store.bell(Topic.POSTS)
        self._turned = asyncio.Event()
        self._pause_began = asyncio.Event()
        self._lock = threading.Lock()
        self._joined: Turn | None = None
        self._running = False
        self._draining = False
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._finished: list[Outcome] = []
        self._busy: set[int] = set()
        self._stuck: set[int] = set()
        self._searches: dict[int, Search] = {}
        self._holds: dict[int, float] = {}
        self._uploads: dict[int, Upload] = {}
        self._uploading: dict[int, asyncio.Task[None]] = {}
        self._recovered = False
        self._behind = 0
        self._wake = ENDLESS
        self._quiet = False
        self._one_by_one = False
        self._probing = False
        self._paused = ""
        self._trouble = ""
        self._troubles = 0
        self._next_tell = 0.0
        self._offset = self._clock() - self._monotonic()

    # ------------------------------------------------------------ what others may call

    async def run(self) -> None:
        """Send until cancelled. What is cut off in an exchange is found at the next start, and looked for."""
        await self._hold()  # a turn of an earlier run may be under way
        self._begin_anew()
        self._running = True
        self._release()
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._tell_admins())
            self._store.follow(self)
            try:
                while True:
                    await self._step()
            finally:
                self._store.follow(None)
                self._running = False
                self._turned.set()

    async def drain(self) -> None:
        """Claim nothing new; return when nothing is in flight and all outcomes are recorded, after 8 s at most. Uploads
        are given up: the next start repeats them.
        """
        self._draining = True
        for task in self._uploading.values():
            task.cancel()
        self._bell.set()
        try:
            async with asyncio.timeout(_DRAIN):
                while self._running and (self._lock.locked() or self._busy or self._finished):
                    self._turned.clear()
                    await self._turned.wait()
        except TimeoutError:
            log.warning("exchanges were cut off", count=len(self._busy))

    def health(self) -> Health:
        """Whether posts can go out now."""
        if not self._running:
            return Health(ok=False, reason="the outbox is not running")
        if self._trouble:
            return Health(ok=False, reason=self._trouble)
        if self._paused:
            return Health(ok=True, reason=f"paused: {self._paused}")  # it works; it is X that does not
        return Health(ok=True)

    def outcomes(self) -> Mapping[str, int]:
        """How many rows ended how since the start: ``posted`` (and reposted), ``deleted``, ``failed``, ``unknown``."""
        return self._counts

    @property
    def in_flight(self) -> int:
        """How many accounts have an exchange under way, and how many uploads are; or ended and are not recorded yet."""
        return len(self._busy) + sum(upload.under_way for upload in self._uploads.values())

    # ------------------------------------------------------------ turns

    async def _step(self) -> None:
        await self._hold()
        outcomes = self._finished[:1] if self._one_by_one else list(self._finished)
        trouble = ""
        try:
            turn = await self._turn(outcomes)
        except StoreError as error:
            trouble = f"the database does not record: {error}"
        except Exception as error:  # the one named place for bugs of a turn: the loop must live on
            reference = secrets.token_hex(2)
            log.exception("turn broke", ref=reference, kind=type(error).__name__)
            self._set_aside(outcomes)
            trouble = f"something broke (ref {reference})"
        else:
            self._take_over(turn, outcomes)
            self._wake = turn.wake
        finally:
            self._release()
        if trouble:
            await self._back_off(trouble)
        else:
            await self._rest()

    async def _hold(self) -> None:
        """Wait for the lock."""
        while not self._lock.acquire(blocking=False):
            self._turned.clear()
            await self._turned.wait()

    def _release(self) -> None:
        self._lock.release()
        self._turned.set()

    async def _turn(self, outcomes: list[Outcome]) -> Turn:
        now, mono = self._clock(), self._monotonic()
        back = self._offset - (now - mono)
        # A claim must last before any byte leaves. Where nothing waits to be claimed, and what is to be recorded would
        # be found again at the publisher, the disk is not waited for: nothing is said of it before that has happened.
        lasting = not (self._quiet and outcomes and all(outcome.went_out for outcome in outcomes))
        turn = await self._store.transact(
            lambda tx: self._work(tx, now, mono, outcomes, back, lasting=lasting), lasting=lasting
        )
        self._quiet = not turn.kinds.queued
        # What was committed before this turn has rung before, and the turn has seen it; what comes after rings anew.
        self._bell.clear()
        if back > _SET_BACK or back < 0.0:
            self._offset = now - mono
        return turn

    def _work(
        self, tx: Tx, now: float, mono: float, outcomes: list[Outcome], back: float = 0.0, *, lasting: bool = True
    ) -> Turn:
        """A turn's transaction, on the store's thread. ``back``: by how many seconds the clock was set back. One that
        is not ``lasting`` claims nothing.
        """
        busy = (self._busy - {done.errand.account.id for done in outcomes if done.errand.holds_account}) | self._stuck
        free = _IN_FLIGHT - len(busy) if not self._probing else 1 - len(busy - self._stuck)
        tells = mono >= self._next_tell
        free = free if lasting else 0
        searches, holds, uploads = dict(self._searches), dict(self._holds), dict(self._uploads)
        turn = Turn(tx, self._house, now, mono, busy, free, searches, holds, uploads, tells, self._behind)
        if not self._recovered:
            turn.lifted = pausing.lift(tx)
            recover(turn)
        if back > _SET_BACK:
            shift(turn, back)
        settle(turn, outcomes)
        noted = pausing.read(tx)
        turn.paused = "" if noted is None else noted.reason
        turn.lifted |= bool(self._paused) and not turn.paused
        if turn.lifted:  # one try first: the others follow when it went well
            turn.free = min(free, 1)
        turn.kinds = tx.posts.kinds()
        if not (self._draining or self._one_by_one):
            ripen(turn)
            choose(turn)
            if tells:
                tell_waiting(turn)
        ask(turn)
        if turn.kinds.queued and not lasting:
            turn.wake = mono
        return turn

    def may_join(self) -> bool:
        """See Follower. Where anything is unusual, it is left to the loop."""
        unusual = self._draining or self._one_by_one or self._troubles or not self._recovered
        return not (unusual or self._lock.locked())

    def join(self, tx: Tx) -> bool:
        """See Follower: a turn in another's transaction."""
        if not self._lock.acquire(blocking=False):
            return False
        self._joined = self._work(tx, self._clock(), self._monotonic(), [])
        return True

    def joined(self, *, committed: bool) -> None:
        """See Follower. What a turn claimed after the end is found at the next start, like a cut off exchange."""
        turn, self._joined = self._joined, None
        try:
            if self._running and committed and turn is not None:
                self._take_over(turn, [])
            if not committed or turn is None or turn.wake < self._wake:
                self._bell.set()
        finally:
            self._release()

    def _take_over(self, turn: Turn, outcomes: list[Outcome]) -> None:
        self.turns += 1
        del self._finished[: len(outcomes)]
        if self._finished:
            self._bell.set()
        else:
            self._one_by_one = False
        for outcome in outcomes:
            if outcome.errand.holds_account:
                self._busy.discard(outcome.errand.account.id)
            self._note(outcome)
        self._busy.update(errand.account.id for errand in turn.errands if errand.holds_account)
        self._behind = turn.behind
        self._searches = turn.searches
        self._uploads = turn.uploads
        self._holds = {account: until for account, until in turn.holds.items() if until > turn.mono}
        if turn.counts:
            self._counts.update(turn.counts)
        self._recovered = True
        self._probing |= turn.lifted
        if turn.paused and not self._paused:
            self._pause_began.set()
        self._paused = turn.paused
        if turn.tells:
            self._next_tell = turn.mono + _TELL_EVERY
        elif turn.waiting or turn.paused:
            turn.wake = min(turn.wake, self._next_tell)
        self._trouble, self._troubles = "", 0
        for post_id in turn.given_up:
            if (task := self._uploading.pop(post_id, None)) is not None:
                task.cancel()
        for errand in turn.errands:
            task = self._tasks.create_task(self._fly(errand))
            if not errand.holds_account:
                self._uploading[errand.post.id] = task

    def _note(self, outcome: Outcome) -> None:
        self.seconds += outcome.seconds
        result = outcome.result
        if outcome.errand.search is None and not isinstance(result, OperatorMustAct | OutcomeUnknown | Unreachable):
            self._probing = False
        if isinstance(result, PublishError):
            log.info("not confirmed", post=outcome.errand.post.label, kind=type(result).__name__, reason=str(result))

    def _set_aside(self, outcomes: list[Outcome]) -> None:
        """An outcome that breaks the turn must not stop the others: its row is found as unknown at the next start."""
        if len(outcomes) == 1:
            log.error("outcome set aside", post=outcomes[0].errand.post.label)
            del self._finished[0]
            if outcomes[0].errand.holds_account:
                self._busy.discard(outcomes[0].errand.account.id)
                self._stuck.add(outcomes[0].errand.account.id)
        elif outcomes:
            self._one_by_one = True

    async def _back_off(self, trouble: str) -> None:
        if not self._troubles:
            log.error("outbox in trouble", reason=trouble)
        self._trouble = trouble
        self._troubles += 1
        await asyncio.sleep(pause(self._troubles, first=0.2, most=5.0))

    async def _rest(self) -> None:
        """Sleep until the bell rings, an exchange ends, or the last turn wants another one."""
        seconds = min(self._wake - self._monotonic(), _POLL)
        if seconds <= 0 or self._bell.is_set():
            return
        alarm = asyncio.get_running_loop().call_later(seconds, self._bell.set)
        try:
            await self._bell.wait()
        finally:
            alarm.cancel()

    async def _fly(self, errand: Errand) -> None:
        self._finished.append(await self._courier.carry_out(errand))
        self._bell.set()

    # ------------------------------------------------------------ the admins

    async def _tell_admins(self) -> None:
        """Write to each admin in private, once a pause, however long their network is away."""
        tries = 0
        while True:
            await self._pause_began.wait()
            self._pause_began.clear()
            try:
                for admin in await self._store.transact(lambda tx: pausing.untold(tx, self._admins)):
                    await self._tell_admin(admin)
                tries = 0
            except (ChatError, StoreError) as error:
                tries += 1
                log.warning("admin not told yet", reason=str(error))
            except Exception as error:  # an adapter's bug must not stop the posts
                tries += 1
                log.exception("telling an admin broke", kind=type(error).__name__)
            if tries:
                self._pause_began.set()
                await asyncio.sleep(pause(tries, most=60.0))

    async def _tell_admin(self, admin: Identity) -> None:
        room = await self._networks[admin.network].open_dm(admin)
        await self._store.transact(lambda tx: pausing.tell(tx, admin, room, self._house.prefix))
