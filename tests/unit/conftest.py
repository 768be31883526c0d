"""What unit tests share."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bridge.store import database
from tests.unit.bot_scene import Scene, open_scene
from tests.unit.linkdesk import LinkDesk, open_desk
from tests.unit.outbox_stage import Stage, stage


@pytest.fixture(scope="session", autouse=True)
def migrated_once() -> Iterator[None]:
    """A new database is a copy of one that was migrated: the tests open thousands, and a copy costs far less."""
    migrate = database.migrate
    with closing(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)) as made:
        migrate(made)

        def copied(raw: sqlite3.Connection, scripts: list[str] | None = None) -> None:
            (version,), (tables,) = (
                raw.execute(said).fetchone() for said in ("PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
            )
            if scripts is None and (version, tables) == (0, 0):
                made.backup(raw)
            else:
                migrate(raw, scripts)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(database, "migrate", copied)
            yield


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A bot with a real store, and nobody linked."""
    async with open_scene(tmp_path) as opened:
        yield opened


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Stage]:
    """An outbox that does not run yet, with a real store."""
    async with stage(tmp_path) as made:
        yield made


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[LinkDesk]:
    """A desk where accounts are linked; nothing runs yet."""
    async with open_desk(tmp_path) as made:
        yield made
