"""What all tests share: the event loop, which is the one of ``kantter run``, plain tracebacks in what they log, and no
deadline for an example: a busy machine is no failure.
"""

from collections.abc import Callable, Mapping

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


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], uvloop.Loop]]:
    """A hook of pytest-asyncio: what makes the loops."""
    return {"uvloop": uvloop.new_event_loop}
