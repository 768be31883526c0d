"""The SQL of what persons prefer."""

import sqlite3

from bridge.model import Identity


class SqlPeople:
    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def zone(self, identity: Identity) -> str:
        sql = "SELECT zone FROM person WHERE network = ? AND name = ?"
        row = self._raw.execute(sql, (identity.network, identity.name)).fetchone()
        return "" if row is None else str(row[0])

    def set_zone(self, identity: Identity, zone: str) -> None:
        self._raw.execute(
            "INSERT INTO person (network, name, zone) VALUES (?, ?, ?)"
            " ON CONFLICT (network, name) DO UPDATE SET zone = excluded.zone",
            (identity.network, identity.name, zone),
        )
