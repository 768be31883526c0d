"""The SQL of notes (small things that adapters keep) and arrivals (which events have been seen)."""

import sqlite3


class SqlNotes:
    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def get(self, scope: str, key: str) -> bytes | None:
        row = self._raw.execute("SELECT value FROM note WHERE scope = ? AND key = ?", (scope, key)).fetchone()
        return None if row is None else bytes(row[0])

    def put(self, scope: str, key: str, value: bytes) -> None:
        self._raw.execute(
            "INSERT INTO note (scope, key, value) VALUES (?, ?, ?)"
            " ON CONFLICT (scope, key) DO UPDATE SET value = excluded.value",
            (scope, key, value),
        )

    def drop(self, scope: str, key: str) -> None:
        self._raw.execute("DELETE FROM note WHERE scope = ? AND key = ?", (scope, key))


class SqlArrivals:
    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def first(self, network: str, event_id: str, replay_key: str | None, at: float) -> bool:
        if not self._insert(network, "e:" + event_id, at):
            return False
        return replay_key is None or self._insert(network, "r:" + replay_key, at)

    def _insert(self, network: str, key: str, at: float) -> bool:
        sql = "INSERT INTO seen (network, key, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        return self._raw.execute(sql, (network, key, at)).rowcount == 1
