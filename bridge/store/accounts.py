"""The SQL of accounts: whose they are, which one stands for whom, and how long each rests."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from bridge.interfaces import Topic
from bridge.model import Account, Action, Identity, Role, Room, Sealed
from bridge.store.sql import USABLE

_COLUMNS = "a.id, a.publisher, a.remote_id, a.handle, a.premium, a.broken, a.frozen"

_OWN_ON_ONE = "SELECT role FROM team WHERE account_id = :account AND network = :network AND name = :name"
_BY_ROOM_ON_ONE = (
    "SELECT g.role FROM room_grant g CROSS JOIN gathering h CROSS JOIN member m"
    " WHERE g.account_id = :account AND g.network = :network AND h.network = g.network AND h.room = g.room AND h.closed"
    " AND m.network = g.network AND m.name = :name AND m.room = g.room"
)
"""As USABLE, from the few rows of one account."""


def _best(roles: Iterable[str]) -> Role | None:
    return max(map(Role, roles), key=lambda role: role.rank, default=None)


def _account(row: Sequence[Any]) -> Account:
    return Account(row[0], row[1], row[2], row[3], bool(row[4]), row[5], row[6])


def _scope(scope: Identity | Room) -> tuple[str, str, str]:
    if isinstance(scope, Identity):
        return "identity", scope.network, scope.name
    return "room", scope.network, scope.id


class SqlAccounts:
    def __init__(self, raw: sqlite3.Connection, changed: set[Topic]) -> None:
        self._raw = raw
        self._changed = changed

    def _one(self, where: str, *values: object) -> Account | None:
        row = self._raw.execute(f"SELECT {_COLUMNS} FROM account a WHERE {where}", values).fetchone()  # noqa: S608 - ours
        return None if row is None else _account(row)

    def put(self, publisher: str, remote_id: str, handle: str) -> Account:
        row = self._raw.execute(
            "INSERT INTO account (publisher, remote_id, handle) VALUES (?, ?, ?)"
            " ON CONFLICT (publisher, remote_id) DO UPDATE SET handle = excluded.handle"
            " RETURNING id, publisher, remote_id, handle, premium, broken, frozen",
            (publisher, remote_id, handle),
        ).fetchone()
        return _account(row)

    def get(self, account_id: int) -> Account | None:
        return self._one("a.id = ?", account_id)

    def find(self, publisher: str, remote_id: str) -> Account | None:
        return self._one("a.publisher = ? AND a.remote_id = ?", publisher, remote_id)

    def everyone(self) -> list[Account]:
        rows = self._raw.execute(f"SELECT {_COLUMNS} FROM account a ORDER BY lower(a.handle), a.id")  # noqa: S608 - ours
        return [_account(row) for row in rows]

    def save(self, account: Account) -> None:
        self._changed.add(Topic.POSTS)  # an account that works again has posts to send
        self._raw.execute(
            "UPDATE account SET handle = ?, premium = ?, broken = ?, frozen = ? WHERE id = ?",
            (account.handle, account.premium, account.broken, account.frozen, account.id),
        )

    def seal(self, account_id: int, credentials: Sealed | None) -> None:
        self._raw.execute("UPDATE account SET credentials = ? WHERE id = ?", (credentials, account_id))

    def sealed(self, account_id: int) -> Sealed | None:
        row = self._raw.execute("SELECT credentials FROM account WHERE id = ?", (account_id,)).fetchone()
        return None if row is None or row[0] is None else Sealed(row[0])

    def grant(self, account_id: int, identity: Identity, role: Role, at: float, *, linked: bool = False) -> None:
        self._changed.add(Topic.POSTS)
        self._raw.execute(
            "INSERT INTO team (account_id, network, name, role, since, linked) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (account_id, network, name) DO UPDATE SET role = excluded.role,"
            " linked = max(linked, excluded.linked)",
            (account_id, identity.network, identity.name, role.value, at, linked),
        )

    def revoke(self, account_id: int, identity: Identity) -> None:
        self._changed.add(Topic.POSTS)
        who = (account_id, identity.network, identity.name)
        self._raw.execute("DELETE FROM team WHERE account_id = ? AND network = ? AND name = ?", who)

    def role(self, account_id: int, identity: Identity) -> Role | None:
        who = {"account": account_id, "network": identity.network, "name": identity.name}
        return _best(row[0] for row in self._raw.execute(f"{_OWN_ON_ONE} UNION ALL {_BY_ROOM_ON_ONE}", who))

    def own(self, account_id: int, identity: Identity) -> tuple[Role, bool] | None:
        row = self._raw.execute(
            "SELECT role, linked FROM team WHERE account_id = ? AND network = ? AND name = ?",
            (account_id, identity.network, identity.name),
        ).fetchone()
        return None if row is None else (Role(row[0]), bool(row[1]))

    def people(self, account_id: int) -> list[tuple[Identity, Role]]:
        rows = self._raw.execute(
            "SELECT network, name, role FROM team WHERE account_id = ? ORDER BY since, network, name", (account_id,)
        )
        return [(Identity(network, name), Role(role)) for network, name, role in rows]

    def team(self, account_id: int) -> list[tuple[Identity, Role]]:
        found = dict(self.people(account_id))
        rows = self._raw.execute(
            "SELECT m.network, m.name, g.role FROM room_grant g CROSS JOIN gathering h CROSS JOIN member m"
            " WHERE g.account_id = ? AND h.network = g.network AND h.room = g.room AND h.closed"
            " AND m.network = g.network AND m.room = g.room ORDER BY g.since, m.network, m.name",
            (account_id,),
        )
        for network, name, said in rows:
            who, role = Identity(network, name), Role(said)
            if who not in found or role.rank > found[who].rank:
                found[who] = role
        return list(found.items())

    def usable_by(self, identity: Identity) -> list[tuple[Account, Role]]:
        rows = self._raw.execute(
            f"SELECT {_COLUMNS}, t.role FROM ({USABLE}) t CROSS JOIN account a"  # noqa: S608 - ours
            " WHERE a.id = t.account_id",
            {"network": identity.network, "name": identity.name},
        )
        best: dict[int, tuple[Account, Role]] = {}
        for row in rows:
            role = Role(row[7])
            if row[0] not in best or role.rank > best[row[0]][1].rank:
                best[row[0]] = (_account(row), role)
        return sorted(best.values(), key=lambda pair: (pair[0].handle.lower(), pair[0].id))

    def default(self, scope: Identity | Room) -> int | None:
        row = self._raw.execute(
            "SELECT account_id FROM preference WHERE kind = ? AND network = ? AND name = ?", _scope(scope)
        ).fetchone()
        return None if row is None else int(row[0])

    def set_default(self, scope: Identity | Room, account_id: int | None) -> None:
        where = _scope(scope)
        if account_id is None:
            self._raw.execute("DELETE FROM preference WHERE kind = ? AND network = ? AND name = ?", where)
            return
        self._raw.execute(
            "INSERT INTO preference (kind, network, name, account_id) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, network, name) DO UPDATE SET account_id = excluded.account_id",
            (*where, account_id),
        )

    def rest(self, account_id: int, action: Action, until: float | None) -> None:
        self._changed.add(Topic.POSTS)
        if until is None:
            self._raw.execute("DELETE FROM rest WHERE account_id = ? AND action = ?", (account_id, action.value))
            return
        self._raw.execute(
            "INSERT INTO rest (account_id, action, until) VALUES (?, ?, ?)"
            " ON CONFLICT (account_id, action) DO UPDATE SET until = excluded.until",
            (account_id, action.value, until),
        )

    def resting(self, account_id: int, action: Action) -> float:
        row = self._raw.execute(
            "SELECT until FROM rest WHERE account_id = ? AND action = ?", (account_id, action.value)
        ).fetchone()
        return 0.0 if row is None else float(row[0])

    def move_room(self, old: Room, new: Room) -> None:
        default = self.default(old)
        if default is not None:
            self.set_default(old, None)
            if self.default(new) is None:  # an old room's admin can point at the new one again and again
                self.set_default(new, default)
        ids = (new.id, old.network, old.id)
        self._raw.execute("UPDATE answer SET room = ? WHERE done_at IS NULL AND network = ? AND room = ?", ids)
        self._raw.execute(
            "UPDATE post SET room = ? WHERE state NOT IN ('posted', 'failed') AND network = ? AND room = ?", ids
        )
