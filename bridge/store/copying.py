"""A copy of the database, whole and of one moment, while others write to it (SQLite, "Online Backup").

It knows the file and its counters. What the rows of a copy are to become is decided elsewhere.
"""

import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from bridge.errors import StoreError
from bridge.store.sql import opened_to_read

_PAGES = 256
"""Of a step: a megabyte, for a bar that moves."""
_LEAP = 36**3
"""Ids of which people type the names, that are left out in a copy: the original gives them away while it lives on."""


def copy(source: Path, target: Path, step: Callable[[int, int], None]) -> None:
    """Copy ``source`` into the empty file ``target``; ``step`` is told the pages that are done, and all. A read is held
    open meanwhile, which keeps it to one moment: else each change would begin it anew. Raises StoreError.
    """
    try:
        with (
            closing(opened_to_read(source)) as whole,
            closing(sqlite3.connect(target, isolation_level=None)) as made,
        ):
            whole.execute("BEGIN")
            whole.execute("SELECT count(*) FROM sqlite_master").fetchone()
            whole.backup(made, pages=_PAGES, progress=lambda _, left, total: step(total - left, total))
    except sqlite3.Error as error:
        raise StoreError(f"cannot be written: {error}") from error


def renew(path: Path) -> None:
    """Make the copy a database of its own: it has another name in keys, and gives no id that the original gives.
    Raises StoreError.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute("BEGIN IMMEDIATE")
            raw.execute("UPDATE meta SET value = ? WHERE key = 'instance'", (uuid.uuid4().hex[:12],))
            for table in ("post", "question"):
                if not raw.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ?", (_LEAP, table)).rowcount:
                    raw.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, _LEAP))
            raw.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreError(f"cannot be written: {error}") from error


def finish(path: Path) -> None:
    """Make the copy one file with nothing beside it, and look whether it is whole. Raises StoreError."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute("PRAGMA journal_mode = DELETE")
            damage = raw.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise StoreError(f"cannot be written: {error}") from error
    if damage != "ok":
        raise StoreError(f"the copy is damaged, as the database may be: {damage}")
