"""The chain of the log's hashes: any single change to the file shows, and the form of a row is the documented one."""

import hashlib
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import START, Identity, Room
from bridge.store.database import migrate
from bridge.store.log import SqlLog

ANA = Identity("matrix", "@ana:example.org")
PRESS = Room("matrix", "!press")
ROWS = 7
TEXTS = ("network", "actor", "room", "verb", "detail", "outcome")
NUMBERS = ("id", "at", "account_id", "post_id")


def opened() -> tuple[sqlite3.Connection, SqlLog]:
    """A log of seven rows."""
    raw = sqlite3.connect(":memory:", isolation_level=None)
    migrate(raw)
    chain = SqlLog(raw)
    for number in range(ROWS):
        chain.add(ANA, "post", room=PRESS, detail=f"k{number}", outcome="posted", at=1.5 + number)
    return raw, chain


def first_broken(chain: SqlLog, most: int = 3) -> int | None:
    so_far = START
    while not so_far.done:
        so_far = chain.verify(so_far, most)
    return so_far.broken


def test_the_hash_is_the_documented_one() -> None:
    raw, _ = opened()
    canonical = b'[1,1.5,"matrix","@ana:example.org",null,null,"matrix:!press","post","k0","posted"]'
    assert raw.execute("SELECT hash FROM log WHERE id = 1").fetchone()[0] == (
        hashlib.sha256(bytes(32) + canonical).digest()
    )


@given(st.integers(1, ROWS), st.sampled_from(TEXTS), st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
def test_a_changed_text_shows(row: int, column: str, text: str) -> None:
    raw, chain = opened()
    before = raw.execute(f"SELECT {column} FROM log WHERE id = ?", (row,)).fetchone()[0]
    raw.execute(f"UPDATE log SET {column} = ? WHERE id = ?", (text, row))
    assert first_broken(chain) == (None if text == before else row)
    raw.close()


@given(st.integers(1, ROWS), st.sampled_from(NUMBERS), st.integers(20, 2**62) | st.floats(20.5, 1e300))
def test_a_changed_number_shows(row: int, column: str, value: float) -> None:
    raw, chain = opened()
    raw.execute("PRAGMA foreign_keys = OFF")
    if column == "id":
        value = int(min(value, 2**62))
    raw.execute(f"UPDATE log SET {column} = ? WHERE id = ?", (value, row))
    assert first_broken(chain) == row
    raw.close()


@given(st.integers(1, ROWS), st.integers(0, 255))
def test_a_changed_bit_of_a_hash_shows(row: int, bit: int) -> None:
    raw, chain = opened()
    sealed = int.from_bytes(raw.execute("SELECT hash FROM log WHERE id = ?", (row,)).fetchone()[0], "big")
    raw.execute("UPDATE log SET hash = ? WHERE id = ?", ((sealed ^ 1 << bit).to_bytes(32, "big"), row))
    assert first_broken(chain) == row
    raw.close()


@given(st.sets(st.integers(1, ROWS), min_size=1), st.booleans())
def test_removed_rows_show_at_the_end_too_and_after_more_was_written(rows: set[int], more: bool) -> None:
    raw, chain = opened()
    for row in rows:
        raw.execute("DELETE FROM log WHERE id = ?", (row,))
    if more:
        chain.add(None, "fail", at=9.0)
    assert first_broken(chain) == min(rows)
    raw.close()


@given(st.permutations(range(1, ROWS + 1)))
def test_rows_in_another_order_show(order: list[int]) -> None:
    raw, chain = opened()
    raw.execute("UPDATE log SET id = -id")
    for new, old in enumerate(order, 1):
        raw.execute("UPDATE log SET id = ? WHERE id = ?", (new, -old))
    moved = [new for new, old in enumerate(order, 1) if new != old]
    assert first_broken(chain) == (min(moved) if moved else None)
    raw.close()


@pytest.mark.parametrize("more", [False, True])
def test_a_row_that_somebody_else_added_at_the_end_shows(more: bool) -> None:
    raw, chain = opened()
    forger = SqlLog(raw)
    head = raw.execute("SELECT value FROM note WHERE scope = 'log'").fetchone()[0]
    forger.add(ANA, "post", detail="never", at=9.0)  # a correct hash: the form is public
    raw.execute("UPDATE note SET value = ? WHERE scope = 'log'", (head,))
    if more:
        chain.add(None, "fail", at=9.0)
    assert first_broken(chain) == ROWS + (2 if more else 1)
    raw.close()


@pytest.mark.parametrize(("column", "value"), [("detail", b"k0"), ("hash", "text"), ("at", "late")])
def test_a_column_of_another_type_shows(column: str, value: object) -> None:
    raw, chain = opened()
    raw.execute(f"UPDATE log SET {column} = ? WHERE id = 1", (value,))
    assert first_broken(chain) == 1
    raw.close()


def test_a_lost_head_shows_and_stops_nobody() -> None:
    raw, chain = opened()
    raw.execute("DELETE FROM note WHERE scope = 'log'")
    assert first_broken(chain) is not None
    SqlLog(raw).add(None, "fail", at=9.0)  # after a restart: until then the chain is known
    assert first_broken(chain) == ROWS + 1
    raw.close()
