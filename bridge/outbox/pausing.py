"""The operator's pause: its note, and the words to the admins.

The note (scope "outbox", key "pause") is JSON: ``reason``, ``since`` (Unix seconds), and ``told``, the admins that have
been written to. Whoever drops the note ends the pause. It knows nothing of rows.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace

import structlog

from bridge.interfaces import Tx
from bridge.model import Identity, Room, Speech
from bridge.outbox import words

log = structlog.get_logger(__name__)

NOTE = ("outbox", "pause")


@dataclass(frozen=True, slots=True)
class Pause:
    """Why and since when nothing is sent."""

    reason: str
    since: float
    told: tuple[str, ...] = ()


def read(tx: Tx) -> Pause | None:
    """The pause, while there is one. A note that cannot be read is one too: sending is the dangerous side."""
    noted = tx.notes.get(*NOTE)
    if noted is None:
        return None
    try:
        note = json.loads(noted)
        return Pause(str(note["reason"]), float(note["since"]), tuple(map(str, note.get("told", ()))))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Pause("no reason noted", 0.0)


def _write(tx: Tx, pause: Pause) -> None:
    note = {"reason": pause.reason, "since": pause.since, "told": list(pause.told)}
    tx.notes.put(*NOTE, json.dumps(note).encode("utf-8"))


def begin(tx: Tx, reason: str, now: float) -> None:
    """Pause, unless it is paused already."""
    if tx.notes.get(*NOTE) is None:
        log.warning("paused", reason=reason)
        _write(tx, Pause(reason, now))


def lift(tx: Tx) -> bool:
    """End the pause; False when there is none."""
    there = tx.notes.get(*NOTE) is not None
    tx.notes.drop(*NOTE)
    return there


def untold(tx: Tx, admins: Collection[Identity]) -> list[Identity]:
    """The admins who have not been written to about the pause."""
    pause = read(tx)
    return [] if pause is None else sorted((a for a in admins if str(a) not in pause.told), key=str)


def tell(tx: Tx, admin: Identity, room: Room, prefix: str) -> None:
    """Write to one admin, once a pause."""
    pause = read(tx)
    if pause is None or str(admin) in pause.told:
        return
    tx.answers.add(room, Speech.TEXT, words.paused_for_admins(pause.reason, prefix))
    _write(tx, replace(pause, told=(*pause.told, str(admin))))
