"""The SQLite file: opening, migrating, and running transactions whole.

It knows SQLite and nothing of the domain's rules. aiosqlite's own calls take one hop to its thread for each statement,
and two tasks that share a connection mix their transactions; so a transaction travels as one function instead, and a
cancelled caller cannot leave half of it behind.
"""

import asyncio
import os
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Self, TypeVar

import aiosqlite

from bridge.errors import ConfigError, StoreError
from bridge.interfaces import Follower, Topic, Tx
from bridge.store.accounts import SqlAccounts
from bridge.store.answers import SqlAnswers
from bridge.store.decisions import SqlDecisions
from bridge.store.links import SqlLinks
from bridge.store.log import SqlLog
from bridge.store.notes import SqlArrivals, SqlNotes
from bridge.store.people import SqlPeople
from bridge.store.policies import SqlPolicies
from bridge.store.posts import SqlPosts
from bridge.store.sealed import SqlSealedValues
from bridge.store.shares import SqlShares
from bridge.store.sql import opened_to_read

T = TypeVar("T")


class _Running(asyncio.Future[T]):
    """What has begun on the other thread and cannot be called back: who is cancelled while they wait for it learns that
    when it is over.
    """

    def cancel(self, msg: object = None) -> bool:
        """Never."""
        return False


class _Connection(aiosqlite.Connection):
    """aiosqlite's connection with one more call: a function that runs whole on the connection's thread."""

    def begin(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Have it run; the future tells what became of it. Raises StoreError when the connection is closed; so does the
        future when it is by then.
        """
        if not self._running:
            raise _closed()
        running: asyncio.Future[T] = _Running(loop=asyncio.get_running_loop())
        self._tx.put_nowait((running, lambda: work(self._open())))
        return running

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise _closed()
        return self._connection

    async def ended(self) -> None:
        """Wait for the thread: after a connect that failed, aiosqlite stops it without waiting."""
        await asyncio.to_thread(self._thread.join)


def _closed() -> StoreError:
    return StoreError("the database is closed")


def _migrations() -> list[str]:
    folder = resources.files("bridge.store") / "schema"
    return [f.read_text("utf-8") for f in sorted(folder.iterdir(), key=lambda f: f.name) if f.name.endswith(".sql")]


def migrate(raw: sqlite3.Connection, scripts: list[str] | None = None) -> None:
    """Bring the database to the newest version, one transaction a step. Raises ConfigError when it is newer than us."""
    steps = _migrations() if scripts is None else scripts
    version: int = raw.execute("PRAGMA user_version").fetchone()[0]
    if version > len(steps):
        raise ConfigError(
            f"the database is of version {version}, this Kantter knows up to {len(steps)}: run the newer Kantter"
        )
    for number, script in enumerate(steps[version:], version + 1):
        try:
            raw.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
        except sqlite3.Error:
            if raw.in_transaction:
                raw.execute("ROLLBACK")
            raise


def _connect(path: str) -> sqlite3.Connection:
    if path != ":memory:":
        # Made with its mode from the first moment: SQLite gives the -wal and -shm files the same one.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    raw = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    try:
        raw.execute("PRAGMA busy_timeout = 5000")
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = FULL")  # a lost `sending` commit would post twice
        raw.execute("PRAGMA foreign_keys = ON")
        migrate(raw)
        raw.execute("INSERT INTO meta VALUES ('instance', ?) ON CONFLICT DO NOTHING", (uuid.uuid4().hex[:12],))
    except BaseException:
        raw.close()
        raise
    return raw


def check(path: Path) -> list[str]:
    """What is wrong with the database at ``path``, a line each; nothing when all is well or there is none yet."""
    if not path.exists():
        return []
    try:
        with closing(opened_to_read(path)) as raw:
            version = raw.execute("PRAGMA user_version").fetchone()[0]
            damage = raw.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        return [f"{path}: cannot be read: {error}"]
    problems = [] if damage == "ok" else [f"{path}: is damaged: {damage}"]
    if version > len(_migrations()):
        problems.append(f"{path}: is of version {version}, this Kantter knows up to {len(_migrations())}")
    return problems


def is_current(path: Path) -> bool:
    """Whether there is a database that opening would not change."""
    if not path.exists():
        return False
    with closing(opened_to_read(path)) as raw:
        version: int = raw.execute("PRAGMA user_version").fetchone()[0]
    return version == len(_migrations())


@dataclass(slots=True)
class _Share:
    """Who joined a transaction; ``kept``: what it did was not undone."""

    follower: Follower | None = None
    kept: bool = False


class Database:
    """The Store on SQLite. Make it with ``await Database.open(path)``."""

    def __init__(self, connection: _Connection, tx: Tx, changed: set[Topic]) -> None:
        self._connection = connection
        self._tx = tx
        self._changed = changed
        self._bells = {topic: asyncio.Event() for topic in Topic}
        self._follower: Follower | None = None

    @classmethod
    async def open(cls, path: Path | str) -> Self:
        """Open or make the file, mode 0600. Raises ConfigError: not ours, newer than us, damaged, not writable."""
        connection = _Connection(lambda: _connect(str(path)), 64)
        try:
            try:
                await connection
            except BaseException:
                await connection.ended()
                raise
            return cls(connection, *await connection.begin(_views))
        except sqlite3.Error as error:
            raise ConfigError(f"{path}: cannot be opened as Kantter's database: {error}") from error

    def bell(self, topic: Topic) -> asyncio.Event:
        return self._bells[topic]

    def follow(self, follower: Follower | None) -> None:
        self._follower = follower

    async def transact(self, work: Callable[[Tx], T], *, lasting: bool = True) -> T:
        share = _Share()

        def whole(raw: sqlite3.Connection) -> tuple[T, frozenset[Topic]]:
            self._changed.clear()
            if not lasting:  # a script, since it takes effect when it is compiled: one that is kept does nothing
                raw.executescript("PRAGMA synchronous = NORMAL")
            try:
                raw.execute("BEGIN IMMEDIATE")
                result = work(self._tx)
                if lasting:  # whoever joins may act on it at once
                    self._join(raw, share)
                raw.execute("COMMIT")
            except BaseException:
                if raw.in_transaction:
                    raw.execute("ROLLBACK")
                raise
            finally:
                if not (lasting or raw.in_transaction):  # in one, a script would begin with a commit
                    raw.executescript("PRAGMA synchronous = FULL")
            return result, frozenset(self._changed)

        try:
            running = self._connection.begin(whole)
            try:
                return (await running)[0]
            finally:  # also when our caller was cancelled meanwhile
                self._ended(share, running)
        except sqlite3.IntegrityError:
            raise  # two rows where one may be: a bug, not the disk
        except (sqlite3.OperationalError, sqlite3.DatabaseError) as error:
            raise StoreError(f"the database refused: {error}") from error

    def _join(self, raw: sqlite3.Connection, share: "_Share") -> None:
        """On the store's thread: let the follower add its share."""
        follower = self._follower
        if follower is None or Topic.POSTS not in self._changed or not follower.may_join():
            return
        raw.execute("SAVEPOINT share")
        try:
            if follower.join(self._tx):
                share.follower, share.kept = follower, True
                self._changed.discard(Topic.POSTS)
        except Exception:  # a follower's bug must not undo what its host records; it meets it again by itself
            share.follower = follower
            if not raw.in_transaction:  # the disk: SQLite has rolled all of it back
                raise
            raw.execute("ROLLBACK TO share")

    def _ended(self, share: "_Share", running: asyncio.Future[tuple[T, frozenset[Topic]]]) -> None:
        """In the event loop: tell the follower what became of its share, and ring for what was committed."""
        committed = running.done() and running.exception() is None
        if share.follower is not None:
            share.follower.joined(committed=committed and share.kept)
        if committed:
            for topic in running.result()[1]:
                self._bells[topic].set()

    async def close(self) -> None:
        await self._connection.close()


def _views(raw: sqlite3.Connection) -> tuple[Tx, set[Topic]]:
    changed: set[Topic] = set()
    instance: str = raw.execute("SELECT value FROM meta WHERE key = 'instance'").fetchone()[0]
    accounts, policies = SqlAccounts(raw, changed), SqlPolicies(raw, changed)
    posts = SqlPosts(raw, changed, accounts, policies)
    tx = Tx(
        notes=SqlNotes(raw),
        arrivals=SqlArrivals(raw),
        accounts=accounts,
        posts=posts,
        answers=SqlAnswers(raw, changed, instance),
        links=SqlLinks(raw, changed),
        decisions=SqlDecisions(raw, changed, accounts, posts),
        shares=SqlShares(raw, changed),
        policies=policies,
        log=SqlLog(raw),
        people=SqlPeople(raw),
        sealed=SqlSealedValues(raw),
    )
    return tx, changed
