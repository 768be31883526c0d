"""The SQLite file itself: modes, migrations, and what happens when the disk says no."""

import asyncio
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.errors import ConfigError, StoreError
from bridge.interfaces import Topic, Tx
from bridge.store import Database, check
from bridge.store.database import migrate
from tests.patience import until


async def test_nobody_else_can_read_the_file_or_its_journal(tmp_path: Path) -> None:
    path = tmp_path / "kantter.db"
    database = await Database.open(path)
    await database.transact(lambda tx: tx.notes.put("a", "b", b"c"))
    modes = {f.name: stat.S_IMODE(f.stat().st_mode) for f in tmp_path.iterdir()}
    await database.close()
    assert modes
    assert set(modes.values()) == {0o600}


async def test_what_was_committed_is_there_after_opening_again(tmp_path: Path) -> None:
    path = tmp_path / "kantter.db"
    for expected in (None, b"1"):
        database = await Database.open(path)
        assert await database.transact(lambda tx: tx.notes.get("a", "b")) == expected
        await database.transact(lambda tx: tx.notes.put("a", "b", b"1"))
        await database.close()
    assert check(path) == []


async def test_a_database_from_the_future_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kantter.db"
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 999")
    raw.close()
    with pytest.raises(ConfigError, match="999"):
        await Database.open(path)
    assert "999" in check(path)[0]


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kantter.db"
    path.write_bytes(b"not a database at all, but long enough to look at" * 40)
    with pytest.raises(ConfigError, match=str(path)):
        await Database.open(path)
    assert check(path)


async def test_each_commit_waits_for_the_disk_but_where_it_need_not_last(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "kantter.db")
    levels: list[int] = []

    def look(raw: sqlite3.Connection) -> None:
        levels.append(raw.execute("PRAGMA synchronous").fetchone()[0])

    def work(tx: Tx) -> None:
        look(database._connection._conn)
        tx.notes.put("a", "b", b"c")

    for lasting in (True, False, False, True):
        await database.transact(work, lasting=lasting)

    def breaks(tx: Tx) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await database.transact(breaks, lasting=False)
    await database._connection.begin(look)
    assert levels == [2, 1, 1, 2, 2]  # 2: FULL, 1: NORMAL
    await database.close()


async def test_a_transaction_that_cannot_begin_leaves_the_next_one_waiting_for_the_disk(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "kantter.db")
    await database._connection.begin(lambda raw: raw.execute("PRAGMA busy_timeout = 10").fetchone())
    other = sqlite3.connect(tmp_path / "kantter.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        await database.transact(lambda tx: tx.notes.put("a", "b", b"c"), lasting=False)
    other.close()
    level = await database._connection.begin(lambda raw: int(raw.execute("PRAGMA synchronous").fetchone()[0]))
    assert level == 2  # FULL
    await database.close()


class Eager:
    """A follower that joins whenever it may."""

    def __init__(self) -> None:
        self.joins = 0

    def may_join(self) -> bool:
        return True

    def join(self, tx: Tx) -> bool:
        self.joins += 1
        return True

    def joined(self, *, committed: bool) -> None:
        pass


async def test_nobody_joins_a_transaction_that_need_not_last(tmp_path: Path) -> None:
    database, eager = await Database.open(tmp_path / "kantter.db"), Eager()
    database.follow(eager)
    await database.transact(lambda tx: tx.posts.save(), lasting=False)
    assert eager.joins == 0
    assert database.bell(Topic.POSTS).is_set()
    await database.transact(lambda tx: tx.posts.save())
    assert eager.joins == 1
    await database.close()


class Logging(Eager):
    """A follower that logs, and breaks or fills the disk where it is told to."""

    def __init__(self, end: Callable[[Tx], object]) -> None:
        super().__init__()
        self.end = end
        self.kept: list[bool] = []

    def join(self, tx: Tx) -> bool:
        two_deeds(tx)
        self.end(tx)
        return super().join(tx)

    def joined(self, *, committed: bool) -> None:
        self.kept.append(committed)


def two_deeds(tx: Tx) -> None:
    for verb in ("a", "b"):
        tx.log.add(None, verb, at=1.0)
    tx.posts.save()


def breaks(tx: Tx) -> None:
    two_deeds(tx)
    raise LookupError


async def test_the_log_stays_one_chain_whatever_is_rolled_back(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "kantter.db")
    await database.transact(two_deeds)
    for _ in range(2):
        with pytest.raises(LookupError):
            await database.transact(breaks)
    shares = [Logging(breaks), Logging(lambda tx: None)]
    for share in shares:
        database.follow(share)
        await database.transact(two_deeds)
    assert [share.kept for share in shares] == [[False], [True]]
    await database._connection.begin(lambda raw: raw.execute("PRAGMA max_page_count = 60").fetchone())
    database.follow(full := Logging(lambda tx: tx.notes.put("a", "b", b"x" * 1_000_000)))
    with pytest.raises(StoreError, match="full"):
        await database.transact(two_deeds)
    assert full.kept == [False]
    database.follow(None)
    await database.transact(two_deeds)
    checked = await database.transact(lambda tx: tx.log.verify())
    assert (checked.id, checked.broken, checked.done) == (10, None, True)
    await database.close()


async def test_what_comes_while_it_is_being_closed_is_a_store_error(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "kantter.db")
    connection, closed = database._connection, threading.Event()
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    waits = connection.begin(lambda raw: closed.wait(5.0))
    late = asyncio.create_task(database.transact(lambda tx: tx.notes.get("a", "b")))
    await until(lambda: connection._connection is None)
    closed.set()
    with pytest.raises(StoreError):
        await asyncio.wait_for(late, 5.0)
    await asyncio.gather(waits, closing, return_exceptions=True)


async def test_a_full_disk_is_a_store_error_and_nothing_is_recorded(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "kantter.db")
    await database._connection.begin(lambda raw: raw.execute("PRAGMA max_page_count = 60").fetchone())
    with pytest.raises(StoreError, match="full"):
        await database.transact(lambda tx: tx.notes.put("a", "b", b"x" * 1_000_000))
    assert await database.transact(lambda tx: tx.notes.get("a", "b")) is None
    await database.close()


async def test_a_closed_database_is_a_store_error(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "kantter.db")
    await database.close()
    with pytest.raises(StoreError):
        await database.transact(lambda tx: tx.notes.get("a", "b"))


def test_a_migration_that_fails_half_way_leaves_the_version_before() -> None:
    raw = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(sqlite3.Error):
        migrate(raw, ["CREATE TABLE one (a);", "CREATE TABLE two (a); CREATE TABLE one (a);"])
    assert raw.execute("PRAGMA user_version").fetchone() == (1,)
    assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("one",)]
    raw.close()
