"""Things that go wrong on demand: what, for which requests, how often.

It knows only how to describe and to choose them; ``wire`` carries them out.
"""

from dataclasses import dataclass, replace
from enum import Enum
from fnmatch import fnmatchcase

from bridge.sandbox.answers import CANNED


class Kind(Enum):
    """What goes wrong. Whether the request is carried out all the same is said by ``Fault.taken``."""

    DELAY = "delay"
    """Waits ``seconds``: before the request is carried out, or (taken) before its answer goes out."""
    ANSWER = "answer"
    """Gives the refusal named ``answer`` instead of the real one."""
    CUT = "cut"
    """The connection closes with no answer (FIN)."""
    RESET = "reset"
    """The connection breaks with no answer (RST)."""
    TRUNCATE = "truncate"
    """The connection breaks in the middle of the real answer. Always taken."""
    DRIBBLE = "dribble"
    """The real answer comes byte by byte, ``seconds`` in all. Always taken."""
    GARBAGE = "garbage"
    """The status of the real answer (200 when not taken) with a body that is ``body``, or no JSON."""
    HANG = "hang"
    """No answer; the connection stays open until the client gives up or the sandbox closes."""
    REDIRECT = "redirect"
    """A 307 to ``location``, or to a path of the sandbox that logs who follows."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. None in ``method``, ``path`` (a glob) or ``account`` (a handle) matches everything signed.

    ``times`` is how many requests it still hits. ``seconds`` is also the time until the reset that a ``rate-limit``
    answer names.
    """

    kind: Kind
    taken: bool = False
    answer: str = "503"
    seconds: float = 0.0
    body: str | None = None
    location: str | None = None
    method: str | None = None
    path: str | None = None
    account: str | None = None
    times: int = 1

    def __post_init__(self) -> None:
        if self.answer not in CANNED:
            raise ValueError(f"no canned answer {self.answer!r}; there are: {', '.join(CANNED)}")
        if self.times < 1:
            raise ValueError("a fault happens at least once")
        if self.kind in (Kind.TRUNCATE, Kind.DRIBBLE):
            object.__setattr__(self, "taken", True)

    def hits(self, method: str, path: str, account: str | None) -> bool:
        """Whether a request is one of those that it is meant for."""
        return (
            (self.method is None or self.method == method)
            and (self.path is None or fnmatchcase(path, self.path))
            and (self.account is None or self.account == account)
        )


class Faults:
    """The faults that still wait to happen, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let it happen to the next requests that it matches."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._waiting.clear()

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, method: str, path: str, account: str | None) -> Fault | None:
        """The fault of this request, and one time less of it; None when all goes well."""
        for place, fault in enumerate(self._waiting):
            if fault.hits(method, path, account):
                if fault.times > 1:
                    self._waiting[place] = replace(fault, times=fault.times - 1)
                else:
                    del self._waiting[place]
                return fault
        return None
