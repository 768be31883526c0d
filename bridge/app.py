"""Builds the parts and runs them together. The only file that names an adapter.

It knows which parts there are, in which order they start and stop, and nothing of what they do.
"""

import asyncio
import gc
import os
import shutil
import signal
import stat
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from filelock import FileLock, Timeout

from bridge.bot import Bot
from bridge.chat.console import ConsoleNetwork
from bridge.chat.matrix import MatrixNetwork, trust
from bridge.config import BotSettings, PriceSettings, Settings, WebSettings, XSettings
from bridge.errors import ConfigError, StoreError
from bridge.fetching import Fetcher
from bridge.interfaces import ChatNetwork, Clock, Store
from bridge.model import Health, Identity
from bridge.outbox import Outbox
from bridge.pricing import Prices
from bridge.publish.x import XPublisher
from bridge.store import Database
from bridge.vault import Vault
from bridge.web.server import Web

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 8.5
"""How long a stop waits for exchanges in flight. One takes 8 s at most, and the whole stop 10."""
CATCH_UP_SECONDS = 5.0
"""How long a start waits for networks to tell what came meanwhile, before it posts."""
LAST_WORDS_SECONDS = 1.0
"""How long a stop waits for answers to be said. They are on disk: what is left is said at the next start."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one running Kantter."""

    store: Store
    networks: Mapping[str, ChatNetwork]
    bot: Bot
    outbox: Outbox

    def health(self) -> dict[str, Health]:
        """The health of each part, by its name."""
        return {name: network.health() for name, network in self.networks.items()} | {
            "bot": self.bot.health(),
            "outbox": self.outbox.health(),
        }

    async def numbers(self) -> dict[str, dict[str, float]]:
        """What the metrics page shows."""
        tally, answers = await self.store.transact(lambda tx: (tx.posts.tally(), tx.answers.pending()))
        return {
            "posts": {state.value: float(count) for state, count in tally.items()},
            "outcomes": {name: float(count) for name, count in self.outbox.outcomes().items()},
            "answers": {"": float(answers)},
        }


def data_folder(path: Path) -> Path:
    """The data folder, made where there is none. Raises ConfigError when it cannot be, is another user's, or others can
    read it.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"bot.data_dir: {path} cannot be made: {error.strerror}") from error
    try:
        modes = {place: place.stat().st_mode for place in (path, path / "kantter.db") if place.exists()}
    except OSError as error:
        raise ConfigError(f"bot.data_dir: {path} cannot be read: {error.strerror}{_as_owner(path)}") from error
    for place, mode in modes.items():
        if mode & 0o077:
            wanted = "700" if stat.S_ISDIR(mode) else "600"
            raise ConfigError(f"bot.data_dir: others can read {place}; mend it with: chmod {wanted} {place}")
    return path


def _as_owner(folder: Path) -> str:
    """What to do where the folder is another user's."""
    owner = folder.stat().st_uid
    return "" if owner == os.geteuid() else f"; it belongs to user {owner}: run this as that user: sudo -u '#{owner}' …"


def _passing(folder: Path) -> Path:
    """The empty folder for files that lie there for a moment: what a crash left in it is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the data folder for this process: a second outbox would take what the first one sends for what a crash left.

    Raises ConfigError when another process holds it.
    """
    lock = FileLock(folder / "kantter.lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout as error:
        raise ConfigError(
            f"bot.data_dir: another process (kantter run?) uses {folder}: stop it first; only one may work on it"
        ) from error
    except OSError as error:
        raise ConfigError(f"bot.data_dir: {folder} cannot be used: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


@asynccontextmanager
async def _parts(
    bot: BotSettings,
    x: XSettings,
    vault: Vault,
    make_networks: Callable[[Store], Mapping[str, ChatNetwork]],
    admins: frozenset[Identity],
    clock: Clock = time.time,
    prices: PriceSettings = PriceSettings(),  # noqa: B008 - frozen
) -> AsyncIterator[Parts]:
    async with AsyncExitStack() as stack:
        folder = data_folder(bot.data_dir)
        stack.enter_context(_alone(folder))
        store = await Database.open(folder / "kantter.db")
        stack.push_async_callback(store.close)
        publisher = XPublisher(x, clock=clock)
        stack.push_async_callback(publisher.close)
        publishers = {publisher.name: publisher}
        networks = make_networks(store)
        for network in networks.values():
            stack.push_async_callback(network.close)
        fetcher = Fetcher(_passing(folder / "passing"))
        answering = Bot(
            store=store,
            networks=networks,
            publishers=publishers,
            vault=vault,
            admins=admins,
            prefix=bot.prefix,
            stale_after=bot.stale_after,
            posts_per_day=bot.posts_per_day,
            clock=clock,
            prices=Prices(*prices.millionths),
            zone=bot.zone,
            fetcher=fetcher,
        )
        sending = Outbox(
            store=store,
            networks=networks,
            publishers=publishers,
            vault=vault,
            admins=admins,
            stale_after=bot.stale_after,
            clock=clock,
            prefix=bot.prefix,
            prices=Prices(*prices.millionths),
            fetcher=fetcher,
        )
        yield Parts(store, networks, answering, sending)


_YOUNG = 10_000
"""Objects that may come before the collector looks. With its usual 700 it looks several times a post, in vain."""


def settle_memory() -> None:
    """Take what start-up made, modules above all, out of the collector's sight: it lives as long as the process, and
    each full collection would walk through it. What comes and goes with posts is looked at less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG)


async def _run(parts: Parts, web: WebSettings | None, stop: asyncio.Event, *, ends_with_network: bool = False) -> None:
    """Run until ``stop`` is set or a part ends; then finish what is in flight. Raises what a part raised."""
    jobs: list[Coroutine[Any, Any, None]] = [network.run(parts.bot) for network in parts.networks.values()]
    talking = [asyncio.create_task(job) for job in jobs]
    jobs = [parts.bot.run(), _send(parts)]
    if web is not None:
        host, port = web.address
        jobs.append(Web(host, port, parts=parts.health, numbers=parts.numbers).run())
    working = [asyncio.create_task(job) for job in jobs]
    stopping = asyncio.create_task(stop.wait())
    everything = [*talking, *working, stopping]
    settle_memory()
    try:
        done, _ = await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
        failed = next((error for task in done if (error := task.exception())), None)
        if failed is None and not (stopping in done or ends_with_network):
            failed = RuntimeError("a part ended by itself")
        log.info("stopping")
        await _finish(parts)
        if failed is not None:
            raise failed
    finally:
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)


async def _send(parts: Parts) -> None:
    """Post from when every network has told what came meanwhile: an undo that was said while nothing ran comes before
    what it is about. A network that is away is waited for only so long.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(CATCH_UP_SECONDS):
            while not all(network.health().ok for network in parts.networks.values()):  # noqa: ASYNC110 - no bell for that
                await asyncio.sleep(0.05)
    await parts.outbox.run()


async def _finish(parts: Parts) -> None:
    """Let what is in flight come to its end, and what is to be said be said."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            await parts.outbox.drain()
    with suppress(TimeoutError, StoreError):
        async with asyncio.timeout(LAST_WORDS_SECONDS):
            while await parts.store.transact(lambda tx: tx.answers.pending()):  # noqa: ASYNC110 - no bell for what was said
                await asyncio.sleep(0.02)


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def run(settings: Settings) -> None:
    """``kantter run``: until SIGTERM or SIGINT. Raises ConfigError when only the operator can help."""
    vault = Vault.from_file(settings.vault.key_file)
    stop = _stop_on_signals()

    def networks(store: Store) -> dict[str, ChatNetwork]:
        folder = settings.bot.data_dir / "matrix"
        matrix = MatrixNetwork(settings.matrix, folder=folder, store=store, vault=vault, clock=time.time)
        return {matrix.name: matrix}

    admins = frozenset(Identity("matrix", name) for name in settings.bot.admins)
    async with _parts(settings.bot, settings.x, vault, networks, admins, prices=settings.prices) as parts:
        await _run(parts, settings.web, stop)


@asynccontextmanager
async def look_into(settings: Settings) -> AsyncIterator[Store]:
    """The store, for looking; Kantter may be running. Raises ConfigError when there is none yet."""
    path = data_folder(settings.bot.data_dir) / "kantter.db"
    if not path.exists():
        raise ConfigError(f"{path}: there is no database yet; kantter run makes it")
    store = await Database.open(path)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def take_over(settings: Settings) -> AsyncIterator[Store]:
    """The store, for this process alone. Raises ConfigError: there is none yet, Kantter is running, or the files belong
    to another user, who could not use what we make there.
    """
    folder = data_folder(settings.bot.data_dir)
    if said := _as_owner(folder):
        raise ConfigError(f"bot.data_dir: {folder} is not yours{said}")
    with _alone(folder):
        async with look_into(settings) as store:
            yield store


async def trust_anew(settings: Settings, user_id: str) -> bool:
    """Forget the Matrix identity that was kept of a user; give whether there was one. Kantter may be running."""
    store = await Database.open(data_folder(settings.bot.data_dir) / "kantter.db")
    try:
        return await store.transact(lambda tx: trust.forget_identity(tx, user_id))
    finally:
        await store.close()


async def run_console(bot: BotSettings, x: XSettings, vault: Vault, console: ConsoleNetwork) -> None:
    """The demo's Kantter: the console in the place of a chat network, until the person ends it."""
    stop = _stop_on_signals()
    admins = frozenset({Identity(console.name, "ana")})
    async with _parts(bot, x, vault, lambda _store: {console.name: console}, admins) as parts:
        await _run(parts, None, stop, ends_with_network=True)
