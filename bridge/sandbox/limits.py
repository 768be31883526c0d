"""X's rate limits: so many requests in a window, for each account and endpoint.

It counts and knows nothing else; the time is an argument. The numbers are those of X's documentation of August 2026.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

WINDOW = 900.0
"""Seconds. A window begins with the first request in it."""

PUBLISHED: Mapping[str, int] = MappingProxyType(
    {"post": 100, "delete": 50, "repost": 50, "media": 500, "read": 900, "me": 75, "timeline": 900}
)
"""Requests a window. Reposts and reads are X's numbers for a user; see its page on rate limits."""


@dataclass(slots=True)
class _Window:
    reset: float
    used: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands with one limit, as the headers say it. ``allowed``: this request was still within it."""

    limit: int
    remaining: int
    reset: float
    allowed: bool

    def headers(self) -> dict[str, str]:
        """``reset`` is in Unix seconds, rounded up: whoever waits for it is not early."""
        return {
            "x-rate-limit-limit": str(self.limit),
            "x-rate-limit-remaining": str(self.remaining),
            "x-rate-limit-reset": str(-int(-self.reset // 1)),
        }


class Limits:
    """Counts requests. ``numbers`` overrides ``PUBLISHED`` by name."""

    def __init__(self, numbers: Mapping[str, int] | None = None, window: float = WINDOW) -> None:
        self.numbers = {**PUBLISHED, **(numbers or {})}
        self.window = window
        self._windows: dict[tuple[str, str], _Window] = {}

    def count(self, user_id: str, name: str, now: float) -> Standing:
        """Count one request. A request beyond the limit is not counted."""
        current = self._windows.get((user_id, name))
        if current is None or now >= current.reset:
            current = self._windows[user_id, name] = _Window(now + self.window)
        limit = self.numbers[name]
        allowed = current.used < limit
        current.used += allowed
        return Standing(limit, max(limit - current.used, 0), current.reset, allowed)

    def forget(self) -> None:
        """Everybody starts anew."""
        self._windows.clear()
