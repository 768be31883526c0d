"""The SQL of the log: who did what, when, and how it ended. Each row seals the one before it.

**The hash of a row** is SHA-256 over the 32 bytes of the hash before it (32 zero bytes before the first row), followed
by the row's canonical form: a JSON array (RFC 8259) in ASCII, without white space, of ::

    [id, at, network, actor, account_id, post_id, room, verb, detail, outcome]

``id``, ``account_id`` and ``post_id`` are integers (or null); ``at`` is a float in its shortest form that reads back as
the same number (``1800000000.0``); all others are strings, and what is not ASCII in them stands as ``\\uXXXX`` in lower
case. ``network`` is the actor's, else the room's, else empty; ``actor`` is empty for the bot itself; ``room`` is
``network:id`` or empty.

The note ("log", "head") keeps the id and the hash of the newest row, and the next row builds on it: so a row that was
cut off the end shows too. Who can write to the file can build a whole new chain; they cannot meet a hash that was
written down elsewhere before.
"""

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from bridge.model import START, Checked, Deed, Identity, Room
from bridge.store.sql import with_rows

_COLUMNS = "id, at, network, actor, account_id, post_id, room, verb, detail, outcome, hash"

_canonical = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode


def digest(before: bytes, row: Sequence[object]) -> bytes:
    """The hash of ``row`` (its columns in the order of the canonical form, without the hash), as this module says."""
    return hashlib.sha256(before + _canonical(list(row)).encode("ascii")).digest()


def _deed(row: Sequence[Any]) -> Deed:
    network, room = row[2], row[6]
    place, _, room_id = room.partition(":")
    return Deed(
        id=row[0],
        at=row[1],
        actor=Identity(network, row[3]) if row[3] else None,
        account_id=row[4],
        post_id=row[5],
        room=Room(place, room_id) if room else None,
        verb=row[7],
        detail=row[8],
        outcome=row[9],
        hash=bytes(row[10]),
    )


def _storable(text: str) -> str:
    """SQLite takes no lone surrogates."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _columns(deed: Deed) -> tuple[object, ...]:
    """A deed as it is stored and sealed, without its id and hash."""
    network = deed.actor.network if deed.actor else deed.room.network if deed.room else ""
    return (
        float(deed.at),
        _storable(network),
        _storable(deed.actor.name) if deed.actor else "",
        deed.account_id,
        deed.post_id,
        _storable(str(deed.room)) if deed.room else "",
        _storable(deed.verb),
        _storable(deed.detail),
        _storable(deed.outcome),
    )


class SqlLog:
    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self._newest = START  # as far as is known; it counts only while the table ends with just that row

    def add(
        self,
        actor: Identity | None,
        verb: str,
        *,
        room: Room | None = None,
        account_id: int | None = None,
        post_id: int | None = None,
        detail: str = "",
        outcome: str = "",
        at: float,
    ) -> Deed:
        return _deed(self._add([Deed(0, at, actor, account_id, post_id, room, verb, detail, outcome, b"")])[0])

    def add_all(self, deeds: Sequence[Deed]) -> None:
        self._add(deeds)

    def _add(self, deeds: Sequence[Deed]) -> list[tuple[object, ...]]:
        last = int(self._raw.execute("SELECT coalesce(max(id), 0) FROM log").fetchone()[0])
        if self._newest.id != last:  # the first one here; or a transaction was rolled back, or rows were cut off
            self._newest = self._head()
        number, seal = max(self._newest.id, last), self._newest.hash
        rows: list[tuple[object, ...]] = []
        for deed in deeds:
            number += 1
            row = (number, *_columns(deed))
            seal = digest(seal, row)
            rows.append((*row, seal))
        with_rows(self._raw, f"INSERT INTO log ({_COLUMNS})", rows)
        self._raw.execute(
            "INSERT INTO note (scope, key, value) VALUES ('log', 'head', ?)"
            " ON CONFLICT (scope, key) DO UPDATE SET value = excluded.value",
            (b"%d:%s" % (number, seal.hex().encode("ascii")),),
        )
        self._newest = Checked(number, seal)
        return rows

    def _head(self) -> Checked:
        """The newest row that ``add`` has written, whether it is still there or not."""
        row = self._raw.execute("SELECT value FROM note WHERE scope = 'log' AND key = 'head'").fetchone()
        if row is None:
            return START
        number, _, sealed = bytes(row[0]).decode("ascii").partition(":")
        return Checked(int(number), bytes.fromhex(sealed))

    def _latest(self, where: str, most: int, *values: object) -> list[Deed]:
        sql = f"SELECT {_COLUMNS} FROM log WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608 - ours
        return [_deed(row) for row in self._raw.execute(sql, (*values, most))][::-1]

    def of_account(self, account_id: int, most: int, actor: Identity | None = None) -> list[Deed]:
        if actor is None:
            return self._latest("account_id = ?", most, account_id)
        return self._latest("account_id = ? AND network = ? AND actor = ?", most, account_id, actor.network, actor.name)

    def of_post(self, post_id: int) -> list[Deed]:
        return self._latest("post_id = ?", -1, post_id)

    def tail(self, most: int) -> list[Deed]:
        return self._latest("1 = 1", most)

    def after(self, deed_id: int, most: int, account_id: int | None = None) -> list[Deed]:
        where, values = "id > ?", [deed_id]
        if account_id is not None:
            where, values = "account_id = ? AND id > ?", [account_id, deed_id]
        sql = f"SELECT {_COLUMNS} FROM log WHERE {where} ORDER BY id LIMIT ?"  # noqa: S608 - ours
        return [_deed(row) for row in self._raw.execute(sql, (*values, most))]

    def verify(self, so_far: Checked = START, most: int = 1000) -> Checked:
        sql = f"SELECT {_COLUMNS} FROM log WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - ours
        rows = self._raw.execute(sql, (so_far.id, most)).fetchall()
        number, before = so_far.id, so_far.hash
        for row in rows:
            if row[0] != number + 1 or not _fits(before, row):
                return Checked(number, before, broken=min(row[0], number + 1), done=True)
            number, before = row[0], row[10]
        if len(rows) == most:
            return Checked(number, before)
        head = self._head()
        whole = (head.id, head.hash) == (number, before)
        return Checked(number, before, broken=None if whole else min(head.id, number) + 1, done=True)


def _fits(before: bytes, row: Sequence[Any]) -> bool:
    try:
        return bool(digest(before, row[:10]) == row[10])
    except (TypeError, ValueError):  # a column holds what is no text, number or null any more
        return False
