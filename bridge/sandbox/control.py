"""Lets another process set up the sandbox and look inside, as a test in the same process does with its objects.

A token in the header ``x-sandbox-token`` guards it. Bodies are JSON both ways; a mistake is a 400 that says what is
expected.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

from bridge.sandbox.answers import Answer, data, text
from bridge.sandbox.faults import Fault, Faults, Kind
from bridge.sandbox.log import Log
from bridge.sandbox.world import World

HEADER = "x-sandbox-token"

_FAULT: dict[str, type | tuple[type, ...]] = {
    **{field.name: str for field in fields(Fault)},
    "taken": bool,
    "seconds": (int, float),
    "times": int,
}
_SWITCHES: dict[str, type | tuple[type, ...]] = {
    "write": bool,
    "suspended": bool,
    "fresh_pairs": bool,
    "lag": (int, float),
    "processing": (int, float),
    "unfit": str,
}


class Control:
    """Answers ``/sandbox/faults``, ``log``, ``posts``, ``approve``, ``revoke`` and ``world``."""

    def __init__(self, world: World, faults: Faults, log: Log, approve: Callable[[str, str], str]) -> None:
        self._world = world
        self._faults = faults
        self._log = log
        self._approve = approve
        self._table: dict[tuple[str, str], Callable[[dict[str, Any]], object]] = {
            ("POST", "/sandbox/faults"): self._add_fault,
            ("DELETE", "/sandbox/faults"): lambda _: self._faults.clear(),
            ("GET", "/sandbox/faults"): lambda _: {"waiting": len(self._faults)},
            ("GET", "/sandbox/log"): lambda _: [asdict(seen) for seen in self._log],
            ("DELETE", "/sandbox/log"): lambda _: self._log.clear(),
            ("GET", "/sandbox/posts"): lambda _: [asdict(post) for post in self._world.all_posts()],
            ("POST", "/sandbox/approve"): self._approved,
            ("POST", "/sandbox/revoke"): lambda body: self._world.revoke_user(_text(body, "handle")),
            ("POST", "/sandbox/world"): self._switch,
        }

    def knows(self, method: str, path: str) -> bool:
        """Whether the request is for here."""
        return (method, path) in self._table

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Do it; the caller has checked the token."""
        try:
            return data(self._table[method, path](_object(body)))
        except KeyError as error:
            return text(404, f"there is no {error}")
        except (ValueError, TypeError, RecursionError) as error:
            return text(400, str(error))

    def _add_fault(self, body: dict[str, Any]) -> None:
        self._faults.add(fault(body))

    def _approved(self, body: dict[str, Any]) -> object:
        return {"pin": self._approve(_text(body, "authorize_url"), _text(body, "handle"))}

    def _switch(self, body: dict[str, Any]) -> None:
        _check(body, _SWITCHES)
        for name, value in body.items():
            setattr(self._world, name, value)


def fault(body: dict[str, Any]) -> Fault:
    """A fault from its JSON: the fields of ``Fault``, ``kind`` by its value. Raises ValueError or TypeError."""
    given = {name: value for name, value in body.items() if value is not None}
    _check(given, _FAULT)
    return Fault(**given | {"kind": Kind(given.get("kind"))})


def _object(body: bytes) -> dict[str, Any]:
    said = json.loads(body) if body else {}
    if not isinstance(said, dict):
        raise TypeError("a JSON object is expected")
    return said


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise TypeError(f"{name}: a text is expected")
    return value


def _check(body: dict[str, Any], known: dict[str, type | tuple[type, ...]]) -> None:
    for name, value in body.items():
        if name not in known:
            raise ValueError(f"{name}: unknown; there are: {', '.join(known)}")
        flag = isinstance(value, bool)
        if not isinstance(value, known[name]) or (flag and known[name] is not bool):
            raise TypeError(f"{name}: another type is expected")
        if isinstance(value, int | float) and not (math.isfinite(value) and 0 <= value <= 86_400):
            raise ValueError(f"{name}: 0 to 86400 is expected")
