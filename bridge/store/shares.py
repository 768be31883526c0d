"""The SQL of sharing: who is in which room, what rooms were given, offers, and recoveries.

It keeps what it is told. Who may give what, and when an offer stands, is decided elsewhere.
"""

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any

from bridge.interfaces import Topic
from bridge.model import Identity, Offer, OfferState, Recovery, Role, Room

_OFFER = "id, account_id, network, name, role, offered_by, origin, message_id, thread, made_at, state, room, answer_id"
_OPEN = "state IN ('made', 'asked')"
_RECOVERY = "account_id, network, name, origin, message_id, thread, due_at"


def _offer(row: Sequence[Any]) -> Offer:
    network = row[2]
    return Offer(
        id=row[0],
        account_id=row[1],
        to=Identity(network, row[3]),
        role=Role(row[4]),
        by=Identity(network, row[5]),
        origin=Room(network, row[6]),
        message_id=row[7],
        thread=row[8],
        made_at=row[9],
        state=OfferState(row[10]),
        room=None if row[11] is None else Room(network, row[11]),
        answer_id=row[12],
    )


class SqlShares:
    def __init__(self, raw: sqlite3.Connection, changed: set[Topic]) -> None:
        self._raw = raw
        self._changed = changed

    # ------------------------------------------------------------ who is where

    def gather(self, room: Room, members: Collection[Identity], *, closed: bool, encrypted: bool = False) -> None:
        where = (room.network, room.id)
        self._raw.execute(
            "INSERT INTO gathering (network, room, closed, encrypted) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (network, room) DO UPDATE SET closed = excluded.closed, encrypted = excluded.encrypted",
            (*where, closed, encrypted),
        )
        names = {member.name for member in members if member.network == room.network} if closed else set()
        known = {row[0] for row in self._raw.execute("SELECT name FROM member WHERE network = ? AND room = ?", where)}
        gone, new = [(*where, name) for name in known - names], [(*where, name) for name in names - known]
        self._raw.executemany("DELETE FROM member WHERE network = ? AND room = ? AND name = ?", gone)
        self._raw.executemany("INSERT INTO member (network, room, name) VALUES (?, ?, ?)", new)
        if gone or not closed:
            self._changed.add(Topic.POSTS)  # what waits of those who went is not sent

    def scatter(self, room: Room) -> None:
        self._changed.add(Topic.POSTS)
        for table in ("member", "gathering"):
            self._raw.execute(f"DELETE FROM {table} WHERE network = ? AND room = ?", (room.network, room.id))  # noqa: S608 - ours

    def is_closed(self, room: Room) -> bool | None:
        sql = "SELECT closed FROM gathering WHERE network = ? AND room = ?"
        row = self._raw.execute(sql, (room.network, room.id)).fetchone()
        return None if row is None else bool(row[0])

    def is_in(self, room: Room, identity: Identity) -> bool:
        sql = "SELECT 1 FROM member WHERE network = ? AND room = ? AND name = ?"
        row = self._raw.execute(sql, (room.network, room.id, identity.name)).fetchone()
        return row is not None and room.network == identity.network

    def is_encrypted(self, room: Room) -> bool:
        sql = "SELECT 1 FROM gathering WHERE network = ? AND room = ? AND encrypted"
        return self._raw.execute(sql, (room.network, room.id)).fetchone() is not None

    def gathered(self, network: str) -> list[Room]:
        rows = self._raw.execute("SELECT room FROM gathering WHERE network = ? ORDER BY room", (network,))
        return [Room(network, row[0]) for row in rows]

    # ------------------------------------------------------------ what rooms were given

    def give(self, account_id: int, room: Room, role: Role, at: float) -> None:
        self._raw.execute(
            "INSERT INTO room_grant (account_id, network, room, role, since) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (account_id, network, room) DO UPDATE SET role = excluded.role",
            (account_id, room.network, room.id, role.value, at),
        )

    def take(self, account_id: int, room: Room) -> bool:
        self._changed.add(Topic.POSTS)
        sql = "DELETE FROM room_grant WHERE account_id = ? AND network = ? AND room = ?"
        return self._raw.execute(sql, (account_id, room.network, room.id)).rowcount == 1

    def rooms(self, account_id: int) -> list[tuple[Room, Role]]:
        sql = "SELECT network, room, role FROM room_grant WHERE account_id = ? ORDER BY since, network, room"
        return [(Room(row[0], row[1]), Role(row[2])) for row in self._raw.execute(sql, (account_id,))]

    def of_room(self, room: Room) -> list[tuple[int, Role]]:
        sql = "SELECT account_id, role FROM room_grant WHERE network = ? AND room = ? ORDER BY account_id"
        return [(row[0], Role(row[1])) for row in self._raw.execute(sql, (room.network, room.id))]

    def through(self, account_id: int, identity: Identity) -> list[tuple[Room, Role]]:
        rows = self._raw.execute(
            "SELECT g.room, g.role FROM room_grant g CROSS JOIN gathering h CROSS JOIN member m"
            " WHERE g.account_id = ? AND g.network = ? AND h.network = g.network AND h.room = g.room AND h.closed"
            " AND m.network = g.network AND m.name = ? AND m.room = g.room ORDER BY g.since, g.room",
            (account_id, identity.network, identity.name),
        )
        found = [(Room(identity.network, room), Role(role)) for room, role in rows]
        return sorted(found, key=lambda pair: -pair[1].rank)

    def move_room(self, old: Room, new: Room) -> None:
        sql = "UPDATE OR REPLACE room_grant SET room = ? WHERE network = ? AND room = ?"
        self._raw.execute(sql, (new.id, old.network, old.id))

    # ------------------------------------------------------------ offers

    def offer(
        self, account_id: int, to: Identity, role: Role, by: Identity, origin: Room, message_id: str,
        thread: str | None, now: float
    ) -> Offer:  # fmt: skip
        self._changed.add(Topic.SHARES)
        self._raw.execute(
            f"UPDATE offer SET state = 'withdrawn' WHERE {_OPEN} AND network = ? AND name = ? AND account_id = ?",  # noqa: S608 - ours
            (to.network, to.name, account_id),
        )
        cursor = self._raw.execute(
            "INSERT INTO offer"
            " (account_id, network, name, role, offered_by, origin, message_id, thread, made_at, state)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'made')",
            (account_id, to.network, to.name, role.value, by.name, origin.id, message_id, thread, now),
        )
        made = OfferState.MADE
        return Offer(cursor.lastrowid or 0, account_id, to, role, by, origin, message_id, thread, now, made)

    def open_offers(self, to: Identity | None = None, account_id: int | None = None) -> list[Offer]:
        where, values = _OPEN, list[object]()
        if to is not None:
            where, values = f"{where} AND network = ? AND name = ?", [to.network, to.name]
        if account_id is not None:
            where, values = f"{where} AND account_id = ?", [*values, account_id]
        return self._offers(f"{where} ORDER BY id", *values)

    def get_offer(self, offer_id: int) -> Offer | None:
        found = self._offers("id = ?", offer_id)
        return found[0] if found else None

    def asked_by(self, answer_id: int) -> Offer | None:
        found = self._offers("answer_id = ?", answer_id)
        return found[0] if found else None

    def save_offer(self, offer: Offer) -> None:
        self._changed.add(Topic.SHARES)
        self._raw.execute(
            "UPDATE offer SET state = ?, room = ?, answer_id = ? WHERE id = ?",
            (offer.state.value, offer.room and offer.room.id, offer.answer_id, offer.id),
        )

    def offers_since(self, by: Identity, since: float) -> int:
        sql = "SELECT count(*) FROM offer WHERE network = ? AND offered_by = ? AND made_at > ?"
        return int(self._raw.execute(sql, (by.network, by.name, since)).fetchone()[0])

    def _offers(self, where: str, *values: object) -> list[Offer]:
        return [_offer(row) for row in self._raw.execute(f"SELECT {_OFFER} FROM offer WHERE {where}", values)]  # noqa: S608 - ours

    # ------------------------------------------------------------ recoveries

    def recover(self, recovery: Recovery) -> None:
        self._changed.add(Topic.SHARES)
        who, origin = recovery.who, recovery.origin
        self._raw.execute(
            f"INSERT OR REPLACE INTO recovery ({_RECOVERY}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - ours
            (
                recovery.account_id, who.network, who.name, origin.id, recovery.message_id, recovery.thread,
                recovery.due_at,
            ),
        )  # fmt: skip

    def recoveries(self, account_id: int | None = None, due: float | None = None) -> list[Recovery]:
        rows = self._raw.execute(
            f"SELECT {_RECOVERY} FROM recovery WHERE account_id = ifnull(?, account_id) AND due_at <= ifnull(?, due_at)"  # noqa: S608 - ours
            " ORDER BY due_at",
            (account_id, due),
        )
        return [Recovery(r[0], Identity(r[1], r[2]), Room(r[1], r[3]), r[4], r[5], r[6]) for r in rows]

    def end_recovery(self, account_id: int, who: Identity | None = None) -> None:
        if who is None:
            self._raw.execute("DELETE FROM recovery WHERE account_id = ?", (account_id,))
            return
        sql = "DELETE FROM recovery WHERE account_id = ? AND network = ? AND name = ?"
        self._raw.execute(sql, (account_id, who.network, who.name))

    def next_due(self, after: float) -> float | None:
        found = self._raw.execute("SELECT min(due_at) FROM recovery WHERE due_at > ?", (after,)).fetchone()[0]
        return None if found is None else float(found)
