"""CPU of one ``!tweet`` with 100,000 linked accounts and 1,000,000 old posts in the database, beside the same with a
hundred and none.

The old rows are laid with plain SQL; the posts that are measured go the whole way, as in ``post_cpu``.
"""

import asyncio
import sqlite3
import tempfile
from pathlib import Path
from statistics import median

import uvloop

from benchmarks.house import house
from benchmarks.post_cpu import PEOPLE, ours
from benchmarks.stand import Stand, stand

ACCOUNTS = 100_000
POSTS = 1_000_000
ROUNDS = 5

_FILL = """
INSERT INTO account (publisher, remote_id, handle, credentials)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :accounts)
    SELECT 'x', 'old' || i, 'old' || i, randomblob(150) FROM n;
INSERT INTO team (account_id, network, name, role, since)
    SELECT id, 'matrix', '@old' || id || ':example.org', 'owner', 0 FROM account WHERE handle LIKE 'old%';
INSERT INTO preference (kind, network, name, account_id)
    SELECT 'identity', 'matrix', '@old' || id || ':example.org', id FROM account WHERE handle LIKE 'old%';
INSERT INTO post
    (action, account_id, network, author, room, message_id, text, state, created_at, fresh_at, due_at, remote_id)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :posts)
    SELECT 'post', 1 + i % (:accounts + :people), 'matrix', '@old' || (i % :accounts) || ':example.org', '!bench',
        '$old' || i, 'an old post with the number ' || i, 'posted', 1e9 + i, 1e9 + i, 1e9 + i, '9' || i FROM n
"""


def fill(path: Path) -> None:
    """Lay the old rows."""
    raw = sqlite3.connect(path)
    with raw:
        for statement in _FILL.split(";"):
            raw.execute(statement, {"accounts": ACCOUNTS, "posts": POSTS, "people": PEOPLE})
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()


async def measure(x: Stand) -> list[tuple[float, float]]:
    """(large, small) for each round, in CPU seconds a post; the first round warms up and is left out."""
    rounds: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as large_folder, tempfile.TemporaryDirectory() as small_folder:
        async with house(Path(large_folder), x) as large, house(Path(small_folder), x) as small:
            await asyncio.to_thread(fill, Path(large_folder) / "kantter.db")
            sending = [asyncio.create_task(parts.outbox.run()) for parts in (large, small)]
            for number in range(ROUNDS + 1):
                spent = await ours(large, f"large{number}")
                rounds.append((spent, await ours(small, f"small{number}")))
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)
    return rounds[1:]


def report() -> list[tuple[str, str, str, str]]:
    """One row: what, with the large database, with the small one, the ratio."""
    with stand(PEOPLE) as x:
        rounds = uvloop.run(measure(x))
    return [
        (
            "(d) CPU a post with 100,000 accounts and 1,000,000 old posts, beside 100 accounts and none (aim: about 1)",
            f"{median(r[0] for r in rounds) * 1000:.2f} ms",
            f"{median(r[1] for r in rounds) * 1000:.2f} ms",
            f"{median(r[0] / r[1] for r in rounds):.2f}",
        )
    ]
