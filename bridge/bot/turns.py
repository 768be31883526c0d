"""How the parts that work in turns wait for the next one, and what they say of their own bugs.

It knows bells, clocks and tracebacks, and nothing of what is done in a turn.
"""

import asyncio
import secrets
import traceback
from collections.abc import Awaitable, Callable

import structlog

from bridge.errors import StoreError
from bridge.interfaces import Clock
from bridge.retry import pause

log = structlog.get_logger(__name__)


async def in_turns(
    turn: Callable[[asyncio.TaskGroup], Awaitable[float | None]],
    bell: asyncio.Event,
    clock: Clock,
    *,
    trouble: str,
    most: float,
) -> None:
    """Take one ``turn`` after the other until cancelled, whenever ``bell`` rings or the time has come that the turn
    gave. When the store refuses, ``trouble`` is logged and the next turn waits, longer each time: ``most`` seconds at
    most.
    """
    troubles = 0
    async with asyncio.TaskGroup() as group:
        while True:
            bell.clear()
            try:
                due = await turn(group)
            except StoreError as error:
                troubles += 1
                log.warning(trouble, error=str(error))
                due = clock() + pause(troubles, most=most)
            else:
                troubles = 0
            await rung_or_due(bell, due, clock)


async def rung_or_due(bell: asyncio.Event, due: float | None, clock: Clock) -> None:
    """Return when ``bell`` rings, or when ``due`` (Unix seconds by ``clock``) has come; None: only the bell counts."""
    seconds = None if due is None else max(0.0, due - clock())
    try:
        async with asyncio.timeout(seconds):
            await bell.wait()
    except TimeoutError:
        return


def broke(doing: str, error: Exception, **facts: str) -> str:
    """Log a bug of ours and give its reference. Neither the error's text nor any value is logged, only where it was:
    the words of people, a PIN or a token may stand in them.
    """
    where = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
    ref = secrets.token_hex(2)
    log.error("something broke", doing=doing, ref=ref, kind=type(error).__name__, where=where, **facts)
    return ref
