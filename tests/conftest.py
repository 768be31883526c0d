"""What all tests share: the event loop, which is the one of ``kantter run``."""

from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], uvloop.Loop]]:
    """A hook of pytest-asyncio: what makes the loops."""
    return {"uvloop": uvloop.new_event_loop}
