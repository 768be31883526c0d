"""The SQL of sealed values, wherever they stand: so that all of them can be sealed anew, and none is forgotten.

It knows which columns hold them, in which form, and what each is bound to; not what is in them. A column that comes to
hold sealed bytes belongs into ``_KINDS``.
"""

import base64
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.model import Sealed, SealedValue
from bridge.store.media import as_text, from_text, rekeyed, with_copies
from bridge.vault import (
    BODY_MARK,
    BODY_PURPOSE,
    account_purpose,
    file_purpose,
    looks_sealed,
    note_purpose,
    pin_purpose,
    request_purpose,
)

Row = Sequence[Any]


def _encoded(sealed: Sealed) -> str:
    return base64.b64encode(sealed).decode("ascii")


def _decoded(text: str) -> Sealed | None:
    """What ``_encoded`` made; None for what is no sealed value."""
    try:
        value = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return Sealed(value) if looks_sealed(value) else None


def _bytes(purpose: Callable[[Row], str]) -> Callable[[Row], list[tuple[str, Sealed]]]:
    """For rows that end with a column of sealed bytes."""
    return lambda row: [(purpose(row), Sealed(bytes(row[-1])))]


def _note(row: Row) -> list[tuple[str, Sealed]]:
    """Plain notes stand beside the sealed ones."""
    value = bytes(row[-1])
    return [(note_purpose(row[0], row[1]), Sealed(value))] if looks_sealed(value) else []


def _body(row: Row) -> list[tuple[str, Sealed]]:
    sealed = _decoded(row[-1].removeprefix(BODY_MARK))
    return [] if sealed is None else [(BODY_PURPOSE, sealed)]


def _files(row: Row) -> list[tuple[str, Sealed]]:
    found = [(file_purpose(one.source), _decoded(one.key)) for one in with_copies(from_text(row[-1]))]
    return [(purpose, sealed if sealed is not None else Sealed(b"")) for purpose, sealed in found]


@dataclass(frozen=True, slots=True)
class _Kind:
    """``rows``: what is read, the key's columns first, with its condition; ``key``: those columns; ``values``: what
    is sealed in a row, empty where it is none; ``write``: the new bytes and the key go in.
    """

    rows: str
    key: str
    values: Callable[[Row], list[tuple[str, Sealed]]]
    write: str

    @property
    def columns(self) -> int:
        return self.key.count(",") + 1


_KINDS = {
    "account": _Kind(
        "SELECT id, publisher, remote_id, credentials FROM account WHERE credentials IS NOT NULL",
        "id",
        _bytes(lambda row: account_purpose(row[1], row[2])),
        "UPDATE account SET credentials = ? WHERE id = ?",
    ),
    "revocation": _Kind(
        "SELECT revocation.id, publisher, remote_id, revocation.credentials FROM revocation"
        " JOIN account ON account.id = account_id WHERE 1 = 1",
        "revocation.id",
        _bytes(lambda row: account_purpose(row[1], row[2])),
        "UPDATE revocation SET credentials = ? WHERE id = ?",
    ),
    "request": _Kind(
        "SELECT id, request FROM pending_link WHERE request IS NOT NULL",
        "id",
        _bytes(lambda row: request_purpose(row[0])),
        "UPDATE pending_link SET request = ? WHERE id = ?",
    ),
    "pin": _Kind(
        "SELECT id, pin FROM pending_link WHERE pin IS NOT NULL",
        "id",
        _bytes(lambda row: pin_purpose(row[0])),
        "UPDATE pending_link SET pin = ? WHERE id = ?",
    ),
    "note": _Kind(
        "SELECT scope, key, value FROM note WHERE 1 = 1",
        "scope, key",
        _note,
        "UPDATE note SET value = ? WHERE scope = ? AND key = ?",
    ),
    "answer": _Kind(
        f"SELECT id, body FROM answer WHERE substr(body, 1, {len(BODY_MARK)}) = '{BODY_MARK}'",  # noqa: S608 - ours
        "id",
        _body,
        "UPDATE answer SET body = ? WHERE id = ?",
    ),
    "file": _Kind(
        "SELECT id, media FROM post WHERE media LIKE '%\"key\":%'",
        "id",
        _files,
        "UPDATE post SET media = ? WHERE id = ?",
    ),
    "shown": _Kind(
        "SELECT id, medium FROM answer WHERE medium LIKE '%\"key\":%'",
        "id",
        _files,
        "UPDATE answer SET medium = ? WHERE id = ?",
    ),
}


class SqlSealedValues:
    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def after(self, last: SealedValue | None, most: int) -> list[SealedValue]:
        kinds = list(_KINDS)
        found: list[SealedValue] = []
        for name in kinds[kinds.index(last.kind) if last else 0 :]:
            found += self._of(name, last if last and last.kind == name else None, most - len(found))
            if len(found) >= most:
                break
        return found

    def _of(self, name: str, last: SealedValue | None, most: int) -> list[SealedValue]:
        """Of one kind, whole rows: at least ``most`` values, where there are so many."""
        kind, found = _KINDS[name], list[SealedValue]()
        behind = last.key[: kind.columns] if last else None
        while len(found) < most and (rows := self._rows(kind, behind, most)):
            behind = tuple(rows[-1][: kind.columns])
            for row in rows:
                key = tuple(row[: kind.columns])
                found += [
                    SealedValue(name, (*key, place), purpose, sealed)
                    for place, (purpose, sealed) in enumerate(kind.values(row))
                    if sealed
                ]
        return found

    def _rows(self, kind: _Kind, behind: tuple[int | str, ...] | None, most: int) -> list[Row]:
        marks = ", ".join("?" * kind.columns)
        more = f" AND ({kind.key}) > ({marks})" if behind else ""
        sql = f"{kind.rows}{more} ORDER BY {kind.key} LIMIT ?"
        return self._raw.execute(sql, (*(behind or ()), most)).fetchall()

    def put(self, value: SealedValue) -> None:
        kind, key, place = _KINDS[value.kind], value.key[:-1], value.key[-1]
        kept: Sealed | str = value.sealed
        if value.kind == "answer":
            kept = BODY_MARK + _encoded(value.sealed)
        elif kind.values is _files:
            text = self._raw.execute(f"{kind.rows} AND id = ?", key).fetchone()[1]
            kept = as_text(rekeyed(from_text(text), int(place), _encoded(value.sealed)))
        self._raw.execute(kind.write, (kept, *key))
