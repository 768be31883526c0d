"""What unit tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.bot_scene import Scene, open_scene


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A bot with a real store, and nobody linked."""
    async with open_scene(tmp_path) as opened:
        yield opened
