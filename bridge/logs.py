"""How logs look, and what never reaches them. Lines go to standard error."""

import logging
import sys

import structlog

_QUIET = ("aiohttp", "aiosqlite", "asyncio", "peewee", "urllib3", "filelock")
"""Libraries whose debug lines hold people's messages or tokens: warnings only, whatever the level."""

_MUTE = ("nio",)
"""Libraries whose warnings hold what strangers sent, whole and however large; what matters of it we log ourselves."""

_SECRET = ("requests_oauthlib", "requests_oauthlib.oauth1_session", "requests_oauthlib.oauth1_auth", "oauthlib")
"""Libraries that print keys and token pairs at DEBUG."""


def set_up(level: str) -> None:
    """Log at ``level`` (debug, info, warning, error): coloured on a terminal, one JSON object a line elsewhere."""
    number = logging.getLevelNamesMapping()[level.upper()]
    for name in (*_QUIET, *_SECRET):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _MUTE:
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in _SECRET:
        logging.getLogger(name).propagate = False
    terminal = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        # Not the rich traceback: it prints local variables, and people's words and tokens are among them.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.JSONRenderer()
    )
    trace: list[structlog.typing.Processor] = [] if terminal else [structlog.processors.format_exc_info]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *trace, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
