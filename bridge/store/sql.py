"""What the SQL of several nouns needs."""

import sqlite3
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path

USABLE = (
    "SELECT account_id, role FROM team WHERE network = :network AND name = :name UNION ALL"
    " SELECT g.account_id, g.role FROM member m CROSS JOIN gathering h CROSS JOIN room_grant g"
    " WHERE m.network = :network AND m.name = :name AND h.network = m.network AND h.room = m.room AND h.closed"
    " AND g.network = m.network AND g.room = m.room"
)
"""The accounts that a person may use, and as what: by name, and by each closed room that they are in. CROSS JOIN fixes
the order (SQLite, "Manual control of query plans"): from the few rows of one person to the keys of the others, whatever
SQLite believes about the sizes of the tables.
"""


def opened_to_read(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, and makes no file. A path may hold what means something in an address."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def marks(values: Collection[object]) -> str:
    """The placeholders of ``values`` in an ``IN (...)``."""
    return ", ".join("?" * len(values))


_ROWS_AT_ONCE = 32


def with_rows(raw: sqlite3.Connection, before: str, rows: Sequence[Sequence[object]], after: str = "") -> None:
    """Run a statement that takes ``rows`` as VALUES, many at a time: where each row is a statement of its own (as with
    ``executemany``), it costs half as much again, and the other threads of Python are let in for each.
    """
    start, size = 0, _ROWS_AT_ONCE
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        part = rows[start : start + size]
        raw.execute(f"{before} {_values(len(part[0]), size)} {after}", [value for row in part for value in row])
        start += size


@lru_cache(maxsize=64)
def _values(width: int, count: int) -> str:
    return "VALUES " + ", ".join([f"({marks(range(width))})"] * count)
