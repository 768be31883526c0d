"""What unit tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.bot_scene import Scene, open_scene
from tests.unit.linkdesk import LinkDesk, open_desk
from tests.unit.outbox_stage import Stage, stage


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
