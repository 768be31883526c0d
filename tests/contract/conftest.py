"""The stores that the Store contract is held against."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.store import Database


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "kantter.db")
    yield database
    await database.close()
