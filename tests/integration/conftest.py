"""The real homeserver that the Matrix tests need, and a scene on it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.matrix_scene import Scene
from tests.synapse import Synapse, require


@pytest.fixture(scope="session")
def homeserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    """One Synapse for a whole run (one for each worker of pytest-xdist). Do not stop it: others use it too."""
    require()
    server = Synapse.start(tmp_path_factory.mktemp("synapse"))
    yield server
    server.stop()


@pytest.fixture
def own_homeserver(tmp_path: Path) -> Iterator[Synapse]:
    """A Synapse of the test's own, to stop, kill and resume."""
    require()
    server = Synapse.start(tmp_path / "synapse")
    yield server
    server.stop()


@pytest.fixture
async def scene(homeserver: Synapse, tmp_path: Path) -> AsyncIterator[Scene]:
    """Makes bots and people; all of them end with the test."""
    made = Scene(homeserver, tmp_path)
    yield made
    await made.close()
