"""The SQL of policies: what a team decided about its account, a row for each key that differs from the usual."""

import sqlite3
from collections.abc import Mapping
from typing import Literal, cast

from bridge.interfaces import Topic
from bridge.model import Policy, Room

USUAL = Policy()
"""Of an account about which nothing was decided."""


class SqlPolicies:
    def __init__(self, raw: sqlite3.Connection, changed: set[Topic]) -> None:
        self._raw = raw
        self._changed = changed

    def of(self, account_id: int) -> Policy:
        rows = self._raw.execute("SELECT key, value FROM policy WHERE account_id = ?", (account_id,)).fetchall()
        return _policy(dict(rows)) if rows else USUAL

    def put(self, account_id: int, policy: Policy) -> None:
        self._changed.add(Topic.POSTS)  # a post that waited for a higher budget, or fewer approvals, may go now
        usual = _values(USUAL)
        self._raw.execute("DELETE FROM policy WHERE account_id = ?", (account_id,))
        self._raw.executemany(
            "INSERT INTO policy (account_id, key, value) VALUES (?, ?, ?)",
            [(account_id, key, value) for key, value in _values(policy).items() if value != usual[key]],
        )

    def of_room(self, room: Room) -> list[int]:
        sql = "SELECT account_id FROM policy WHERE key = 'room' AND value = ? ORDER BY account_id"
        return [row[0] for row in self._raw.execute(sql, (str(room),))]

    def move_room(self, old: Room, new: Room) -> None:
        self._raw.execute("UPDATE policy SET value = ? WHERE key = 'room' AND value = ?", (str(new), str(old)))


def _values(policy: Policy) -> dict[str, str]:
    return {
        "approvals": str(policy.approvals),
        "approvals_from": policy.approvals_from,
        "approve_by": policy.approve_by,
        "room": "" if policy.room is None else str(policy.room),
        "hold": repr(float(policy.hold)),
        "budget": str(policy.budget),
        "links": policy.links,
        "alt": policy.alt,
    }


def _policy(kept: Mapping[str, str]) -> Policy:
    values = _values(USUAL) | dict(kept)
    network, _, room = values["room"].partition(":")
    return Policy(
        approvals=int(values["approvals"]),
        approvals_from=cast(Literal["contributors", "everyone"], values["approvals_from"]),
        approve_by=cast(Literal["reaction", "command"], values["approve_by"]),
        room=Room(network, room) if room else None,
        hold=float(values["hold"]),
        budget=int(values["budget"]),
        links=cast(Literal["tell", "ask", "allow"], values["links"]),
        alt=cast(Literal["off", "ask", "require"], values["alt"]),
    )
