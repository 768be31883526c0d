"""How the parts that work in turns wait for the next one, and what they say of their own bugs.

It knows bells, clocks and tracebacks, and nothing of what is done in a turn.
"""

import asyncio
import secrets
import traceback

import structlog

from bridge.interfaces import Clock

log = structlog.get_logger(__name__)


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
