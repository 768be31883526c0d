"""The SQL of pending links, and of token pairs that are to be revoked."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from bridge.interfaces import Topic
from bridge.model import Identity, LinkState, PendingLink, Revocation, Room, Sealed

_COLUMNS = (
    "id, network, name, publisher, state, origin, message_id, thread, started_at, room, request, pin, due_at, tries"
)
_OPEN = "state <> 'ended' AND (state <> 'waiting' OR due_at > 0)"
"""The rows that somebody must do something about. It begins with the condition of the index pending_link_open."""


def _link(row: Sequence[Any]) -> PendingLink:
    network = row[1]
    return PendingLink(
        id=row[0],
        identity=Identity(network, row[2]),
        publisher=row[3],
        state=LinkState(row[4]),
        origin=Room(network, row[5]),
        message_id=row[6],
        thread=row[7],
        started_at=row[8],
        room=None if row[9] is None else Room(network, row[9]),
        request=None if row[10] is None else Sealed(row[10]),
        pin=None if row[11] is None else Sealed(row[11]),
        due_at=row[12],
        tries=row[13],
    )


class SqlLinks:
    def __init__(self, raw: sqlite3.Connection, changed: set[Topic]) -> None:
        self._raw = raw
        self._changed = changed

    def _all(self, where: str, *values: object) -> list[PendingLink]:
        return [_link(row) for row in self._raw.execute(f"SELECT {_COLUMNS} FROM pending_link WHERE {where}", values)]  # noqa: S608 - ours

    def add(
        self, identity: Identity, publisher: str, origin: Room, message_id: str, thread: str | None, room: Room | None,
        now: float
    ) -> PendingLink:  # fmt: skip
        self._changed.add(Topic.LINKS)
        self._raw.execute(
            "UPDATE pending_link SET state = 'ended', request = NULL, pin = NULL"
            " WHERE network = ? AND name = ? AND state <> 'ended'",
            (identity.network, identity.name),
        )
        cursor = self._raw.execute(
            "INSERT INTO pending_link (network, name, publisher, state, origin, message_id, thread, started_at, room)"
            " VALUES (?, ?, ?, 'asked', ?, ?, ?, ?, ?)",
            (identity.network, identity.name, publisher, origin.id, message_id, thread, now, room and room.id),
        )
        return PendingLink(
            cursor.lastrowid or 0, identity, publisher, LinkState.ASKED, origin, message_id, thread, now, room
        )

    def get(self, link_id: int) -> PendingLink | None:
        found = self._all("id = ?", link_id)
        return found[0] if found else None

    def pending(self, identity: Identity) -> PendingLink | None:
        found = self._all(
            "network = ? AND name = ? AND state <> 'ended' ORDER BY id DESC", identity.network, identity.name
        )
        return found[0] if found else None

    def save(self, link: PendingLink) -> None:
        self._changed.add(Topic.LINKS)
        self._raw.execute(
            "UPDATE pending_link SET state = ?, room = ?, request = ?, pin = ?, due_at = ?, tries = ?, message_id = ?"
            " WHERE id = ?",
            (
                link.state.value, link.room and link.room.id, link.request, link.pin, link.due_at, link.tries,
                link.message_id, link.id,
            ),
        )  # fmt: skip

    def count_since(self, identity: Identity, since: float) -> int:
        sql = "SELECT count(*) FROM pending_link WHERE network = ? AND name = ? AND started_at > ?"
        return int(self._raw.execute(sql, (identity.network, identity.name, since)).fetchone()[0])

    def to_do(self, now: float) -> list[PendingLink]:
        return self._all(f"{_OPEN} AND due_at <= ? ORDER BY id", now)

    def revoke(self, account_id: int, sealed: Sealed, now: float) -> None:
        self._changed.add(Topic.LINKS)
        sql = "INSERT INTO revocation (account_id, credentials, due_at) VALUES (?, ?, ?)"
        self._raw.execute(sql, (account_id, sealed, now))

    def keep(self, account_id: int) -> None:
        self._raw.execute("DELETE FROM revocation WHERE account_id = ?", (account_id,))

    def revocations(self, now: float) -> list[Revocation]:
        sql = "SELECT id, account_id, credentials, due_at, tries FROM revocation WHERE due_at <= ? ORDER BY id"
        return [Revocation(r[0], r[1], Sealed(r[2]), r[3], r[4]) for r in self._raw.execute(sql, (now,))]

    def postpone(self, revocation: Revocation, due_at: float) -> None:
        sql = "UPDATE revocation SET due_at = ?, tries = ? WHERE id = ?"
        self._raw.execute(sql, (due_at, revocation.tries + 1, revocation.id))

    def revoked(self, revocation: Revocation) -> None:
        self._raw.execute("DELETE FROM revocation WHERE id = ?", (revocation.id,))

    def next_due(self, after: float) -> float | None:
        sql = (
            f"SELECT min(t) FROM (SELECT min(due_at) AS t FROM pending_link WHERE {_OPEN} AND due_at > ?"  # noqa: S608 - ours
            " UNION ALL SELECT min(due_at) FROM revocation WHERE due_at > ?)"
        )
        found = self._raw.execute(sql, (after, after)).fetchone()[0]
        return None if found is None else float(found)

    def ring(self) -> None:
        self._changed.add(Topic.LINKS)
