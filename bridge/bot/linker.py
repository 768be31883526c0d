"""The linker: carries out what people have said about linking, whenever something is due.

It knows which jobs there are (steps of pending links, revocations, notices to owners) and in which turns they run,
side by side; not what a step does. A job that breaks or cannot be recorded rests, and holds no other.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from bridge.bot.notices import Notice, notices, told
from bridge.bot.revoking import Revoker
from bridge.bot.steps import LONGEST_ASK, Steps
from bridge.bot.turns import broke, in_turns
from bridge.errors import ChatError, ChatRefused, StoreError
from bridge.interfaces import ChatNetwork, Clock, Publisher, Store, Topic, Tx
from bridge.model import PendingLink, Speech
from bridge.retry import pause
from bridge.vault import Vault

log = structlog.get_logger(__name__)

_AT_ONCE = 8
_LONGEST_PAUSE = 300.0
_NOTICE_TRIES = 20


@dataclass(frozen=True, slots=True)
class _Job:
    """One thing to do. ``link``: the person of that attempt is told when our own code breaks."""

    name: str
    work: Callable[[], Coroutine[Any, Any, None]]
    link: PendingLink | None = None


class Linker:
    """Works on pending links, revocations and notices until cancelled. One task runs it, and only once."""

    def __init__(
        self,
        store: Store,
        networks: Mapping[str, ChatNetwork],
        publishers: Mapping[str, Publisher],
        vault: Vault,
        clock: Clock,
        *,
        prefix: str = "!",
    ) -> None:
        self._store = store
        self._networks = networks
        self._publishers = publishers
        self._clock = clock
        self._bell = store.bell(Topic.LINKS)
        locks = {name: asyncio.Lock() for name in publishers}
        self._steps = Steps(store, networks, publishers, vault, clock, locks, prefix)
        self._revoker = Revoker(store, publishers, vault, clock, locks)
        self._busy: set[str] = set()
        self._rest_until: dict[str, float] = {}
        self._failures: Counter[str] = Counter()

    async def run(self) -> None:
        """Work until cancelled. A step that was cut off is done again at the next start."""
        await in_turns(self._turn, self._bell, self._clock, trouble="links cannot be read", most=_LONGEST_PAUSE)

    # ------------------------------------------------------------ turns and jobs

    async def _turn(self, group: asyncio.TaskGroup) -> float | None:
        """Begin what is to do, and give the time of the next turn if nothing rings."""
        now = self._clock()
        for name in [name for name, until in self._rest_until.items() if until <= now]:
            del self._rest_until[name]
        jobs, due = await self._store.transact(lambda tx: (self._jobs(tx, now), tx.links.next_due(now)))
        waiting = [job for job in jobs if job.name not in self._busy and job.name not in self._rest_until]
        for job in waiting[: _AT_ONCE - len(self._busy)]:
            self._busy.add(job.name)
            group.create_task(self._do(job))
        times = [t for t in (due, *self._rest_until.values()) if t is not None]
        return min(times, default=None)

    def _jobs(self, tx: Tx, now: float) -> list[_Job]:
        """What is due. What belongs to a network or publisher that is not configured waits until it is again."""
        jobs = [
            _Job(f"link {link.id}", partial(self._steps.take, link), link)
            for link in tx.links.to_do(now)
            if link.identity.network in self._networks and link.publisher in self._publishers
        ]
        for revocation in tx.links.revocations(now):
            account = tx.accounts.get(revocation.account_id)
            if account is not None and account.publisher in self._publishers:
                work = partial(self._revoker.revoke, revocation, account)
                jobs.append(_Job(f"revocation {revocation.id}", work))
        untold = [notice for notice in notices(tx) if notice.to.network in self._networks]
        return jobs + [_Job(f"notice {notice.id}", partial(self._tell, notice)) for notice in untold]

    async def _do(self, job: _Job) -> None:
        try:
            await job.work()
            if job.name not in self._rest_until:
                self._failures.pop(job.name, None)
        except StoreError as error:
            log.warning("a step of linking was not recorded", job=job.name, error=str(error))
            self._rest(job.name)
        except Exception as error:  # noqa: BLE001  # the one place for bugs in linking: they must not stop the others
            ref = broke("linking", error, job=job.name)
            self._rest(job.name)
            if job.link is not None:
                await self._apologize(job.link, ref)
        finally:
            self._busy.discard(job.name)
            self._bell.set()

    def _rest(self, name: str) -> None:
        self._failures[name] += 1
        self._rest_until[name] = self._clock() + pause(self._failures[name], most=_LONGEST_PAUSE)

    async def _apologize(self, link: PendingLink, ref: str) -> None:
        try:
            await self._steps.end(link, f"Nothing was linked: something broke (ref {ref}). Tell the people who run me.")
        except StoreError as error:
            log.warning("a link that broke was not ended", link=link.id, error=str(error))

    async def _tell(self, notice: Notice) -> None:
        """Put what an owner is to be told into their DM, once there is one."""
        name = f"notice {notice.id}"
        try:
            async with asyncio.timeout(LONGEST_ASK):
                room = await self._networks[notice.to.network].open_dm(notice.to)
        except (ChatError, TimeoutError) as error:
            if isinstance(error, ChatRefused) or self._failures[name] + 1 >= _NOTICE_TRIES:
                log.warning("an owner could not be told", owner=str(notice.to), error=str(error))
                await self._store.transact(lambda tx: told(tx, notice))
            else:
                self._rest(name)
            return

        def work(tx: Tx) -> None:
            if told(tx, notice):
                tx.answers.add(room, Speech.TEXT, notice.words, mention=notice.to)

        await self._store.transact(work)
