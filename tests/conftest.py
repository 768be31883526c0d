"""What all tests share: the event loop, which is the one of ``kantter run``, plain tracebacks in what they log, and no
deadline for an example: a busy machine is no failure. Where memory suffices, their files lie there: hundreds of
databases that wait for a disk take a tenth of the time of all tests.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import structlog
import uvloop
from hypothesis import settings

settings.register_profile("kantter", deadline=None)
settings.load_profile("kantter")

# The rich ones, which structlog takes where nothing is configured, need seconds each on a busy machine.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


_MEMORY = Path("/dev/shm")
_ENOUGH = 4 << 30
"""Bytes that must be free there; a run takes less than one."""


def pytest_configure(config: pytest.Config) -> None:
    """A hook of pytest: where its temporary folders are."""
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A hook of pytest: what needs a homeserver takes longest and begins first, so that all workers end together."""
    items.sort(key=lambda item: item.get_closest_marker("homeserver") is None)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], uvloop.Loop]]:
    """A hook of pytest-asyncio: what makes the loops."""
    return {"uvloop": uvloop.new_event_loop}
