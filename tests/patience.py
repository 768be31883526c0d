"""Waiting in tests: for a condition, with a deadline, never for a time."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], bool | Awaitable[bool]], *, within: float = 5.0) -> None:
    """Return once ``condition`` holds. It is looked at at once, and then ever less often, as most looks cost something:
    after 2 ms at first, and every 40 ms in the end. Raises TimeoutError.
    """
    pause = 0.002
    async with asyncio.timeout(within):
        while True:
            holds = condition()
            if await holds if isinstance(holds, Awaitable) else holds:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, 0.04)
