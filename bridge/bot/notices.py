"""What people are to be told in private, kept until the linker has their DM.

It knows who and the words, and nothing of what they are about.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.interfaces import Tx
from bridge.model import Identity

_SCOPE, _KEY = "linker", "notices"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person is to be told in private; ``id`` is unique among those that wait."""

    id: str
    to: Identity
    words: str


def notify(tx: Tx, people: Iterable[Identity], words: str, *, key: str) -> None:
    """Have each of them told in private. ``key`` is unique for what they are told of."""
    new = [Notice(f"{key}-{number}", who, words) for number, who in enumerate(people)]
    if new:
        _put(tx, [*notices(tx), *new])
        tx.links.ring()


def notices(tx: Tx) -> list[Notice]:
    """What waits to be told in private, oldest first."""
    kept = tx.notes.get(_SCOPE, _KEY)
    rows = json.loads(kept) if kept else []
    return [Notice(id_, Identity(network, name), words) for id_, network, name, words in rows]


def told(tx: Tx, notice: Notice) -> bool:
    """Take the notice off the list; False when it was off already."""
    rest = [other for other in notices(tx) if other.id != notice.id]
    found = len(rest) < len(notices(tx))
    if found:
        _put(tx, rest)
    return found


def _put(tx: Tx, waiting: Sequence[Notice]) -> None:
    rows = [[notice.id, notice.to.network, notice.to.name, notice.words] for notice in waiting]
    tx.notes.put(_SCOPE, _KEY, json.dumps(rows).encode("utf-8"))
