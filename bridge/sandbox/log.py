"""What the sandbox saw: one line a request, the latest ones kept.

It holds no header, body or token: method, path, account and outcome are all that a test may ask for.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

KEPT = 20_000
"""Lines kept; a bound, so that a benchmark does not fill the memory."""


@dataclass(slots=True)
class Seen:
    """One request, written down when it arrives and completed as it goes on. Times in Unix seconds by the clock.

    ``taken``: it was carried out and did what it asked for. ``status`` is 0 while, or when, no answer was given.
    ``note`` says why the gate refused it, or which fault hit it. ``cookie``: the client sent one back.
    """

    at: float
    method: str
    path: str
    account: str | None = None
    taken: bool = False
    status: int = 0
    note: str = ""
    cookie: bool = False
    until: float | None = None
    """When it was over; None while it is not."""


class Log:
    """The latest requests, oldest first."""

    def __init__(self, keep: int = KEPT) -> None:
        self._lines: deque[Seen] = deque(maxlen=keep)

    def add(self, seen: Seen) -> Seen:
        """Write one down."""
        self._lines.append(seen)
        return seen

    def clear(self) -> None:
        """Forget them all."""
        self._lines.clear()

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Seen]:
        return iter(self._lines)

    def __getitem__(self, place: int) -> Seen:
        return self._lines[place]

    def find(
        self,
        method: str | None = None,
        path: str | None = None,
        account: str | None = None,
        *,
        taken: bool | None = None,
    ) -> list[Seen]:
        """The lines that fit, oldest first; None fits everything."""
        return [
            seen
            for seen in self._lines
            if (method is None or seen.method == method)
            and (path is None or seen.path == path)
            and (account is None or seen.account == account)
            and (taken is None or seen.taken == taken)
        ]

    def count(
        self,
        method: str | None = None,
        path: str | None = None,
        account: str | None = None,
        *,
        taken: bool | None = None,
    ) -> int:
        """How many lines fit."""
        return len(self.find(method, path, account, taken=taken))
