"""A homeserver for the run, and a stage for each test; when a test fails, the end of Kantter's log is in its report."""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from pathlib import Path

import pytest

from tests.e2e.stage import Stage
from tests.integration.conftest import homeserver, own_homeserver
from tests.synapse import Synapse

__all__ = ["homeserver", "own_homeserver"]

SetUp = Callable[..., Awaitable[Stage]]


@pytest.fixture
async def set_up(homeserver: Synapse, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[SetUp]:
    """Makes the test's stage, with lines for the ``[bot]`` table; nothing runs yet."""
    made: list[Stage] = []

    async def make(*options: str, server: Synapse | None = None, numbers: dict[str, int] | None = None) -> Stage:
        stage = await Stage.set_up(server or homeserver, tmp_path / f"stage{len(made)}", *options, numbers=numbers)
        stage.kantter.afresh = request.node.get_closest_marker("afresh") is not None
        made.append(stage)
        request.node.stash.setdefault(STAGES, []).append(stage)
        return stage

    yield make
    for stage in made:
        await stage.close()


@pytest.fixture
async def stage(set_up: SetUp) -> Stage:
    """A Kantter that runs and is ready."""
    made: Stage = await set_up()
    await made.kantter.start()
    return made


STAGES = pytest.StashKey[list[Stage]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the end of Kantter's log to the report of a test that failed."""
    report = yield
    if report.failed:
        for stage in item.stash.get(STAGES, []):
            report.sections.append(("Kantter's log", stage.kantter.log[-6000:]))
    return report
