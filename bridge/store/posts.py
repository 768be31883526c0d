"""The SQL of the outbox's rows."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, takewhile
from typing import Any

from bridge.interfaces import Accounts, Kinds, Policies, Ready, Topic
from bridge.model import Account, Action, Draft, Identity, Post, PostState, Role, Room, Sealed
from bridge.store.media import as_text, from_text, holding
from bridge.store.policies import USUAL
from bridge.store.sql import USABLE, marks, with_rows

_COLUMNS = (
    "id, action, account_id, network, author, room, message_id, thread, text, reply_to, target, undoes, state,"
    " created_at, fresh_at, due_at, claimed_at, attempts, remote_id, question_id, deleted, reason, scheduled_for,"
    " thread_root, part, cost, content, media"
)
_OPEN = "state NOT IN ('posted', 'failed')"
"""Word for word the condition of the index post_open, so that a million finished rows cost nothing."""

_BARE = "trim({}, char(9, 10, 13, 32))"
_BEGINNING = f"substr({_BARE}, 1, 32)"
"""Word for word what the index post_text holds of a text."""

_BEGINS_ALIKE = (
    f"SELECT 1 FROM post WHERE action = 'post' AND {_BEGINNING.format('text')} = {_BEGINNING.format('?')} LIMIT 1"  # noqa: S608 - ours
)
_SAME_TEXT = f"""
    SELECT {_COLUMNS} FROM post WHERE account_id IN (SELECT :account UNION ALL SELECT account_id FROM ({USABLE}))
        AND action = 'post' AND {_BEGINNING.format("text")} = {_BEGINNING.format(":text")}
        AND {_BARE.format("text")} = {_BARE.format(":text")}
        AND created_at >= :since AND deleted = 0 AND (remote_id IS NOT NULL OR {_OPEN})
    ORDER BY id DESC LIMIT 100
"""  # noqa: S608 - ours

_MONTH = "coalesce(claimed_at, scheduled_for, created_at)"
"""When a row costs; word for word the expression of the index post_cost."""

_WAITING = f"{_OPEN} AND state = 'queued'"
_UNASKED = "state = 'held' AND question_id IS NULL"
_KINDS = f"""
    SELECT EXISTS (SELECT 1 FROM post WHERE {_WAITING}),
        EXISTS (SELECT 1 FROM post WHERE state = 'queued' AND action = 'delete'),
        EXISTS (SELECT 1 FROM post WHERE {_UNASKED}),
        (SELECT min(due_at) FROM (SELECT min(due_at) AS due_at FROM post WHERE state = 'scheduled'
            UNION ALL SELECT min(due_at) FROM post WHERE state = 'draft' AND due_at < 9e999))
"""  # noqa: S608 - ours
_LAST_QUEUED = f"SELECT max(max(created_at, fresh_at)) FROM post WHERE {_WAITING}"  # noqa: S608 - ours
_FIRST_TWO = f"SELECT account_id, id, due_at, action FROM post WHERE {_WAITING} LIMIT 2"  # noqa: S608 - ours
_HEADS = f"""
    WITH RECURSIVE head (account_id, id, due_at, action) AS (
        SELECT * FROM (SELECT account_id, id, due_at, action FROM post
            WHERE {_WAITING} AND account_id > :behind ORDER BY account_id, id LIMIT 1)
        UNION ALL SELECT post.account_id, post.id, post.due_at, post.action FROM head CROSS JOIN post WHERE post.id =
            (SELECT id FROM post WHERE {_WAITING} AND account_id > head.account_id ORDER BY account_id, id LIMIT 1)
    )
    SELECT account_id, id, due_at, action FROM head LIMIT :most
"""  # noqa: S608 - ours
"""It leaps from account to account in the index: long queues cost nothing, as they would with GROUP BY."""
_HEADS_AT_ONCE = 48
_NO_DELETE = f"""
    SELECT account_id, id, due_at FROM post
    WHERE {_WAITING} AND account_id = ? AND action <> 'delete' ORDER BY id LIMIT 1
"""  # noqa: S608 - ours

_READY = f"""
    SELECT {", ".join(f"post.{column}" for column in _COLUMNS.split(", "))},
        account.publisher, account.remote_id, account.handle, account.premium, account.broken, account.frozen,
        account.credentials, rest.until,
        (SELECT role FROM team
            WHERE account_id = post.account_id AND network = post.network AND name = post.author),
        EXISTS (SELECT 1 FROM room_grant WHERE account_id = post.account_id AND network = post.network),
        EXISTS (SELECT 1 FROM policy WHERE account_id = post.account_id)
    FROM post JOIN account ON account.id = post.account_id
    LEFT JOIN rest ON rest.account_id = post.account_id AND rest.action = post.action
"""  # noqa: S608 - ours


def _post(row: Sequence[Any]) -> Post:
    network = row[3]
    return Post(
        id=row[0],
        action=Action(row[1]),
        account_id=row[2],
        author=Identity(network, row[4]),
        room=Room(network, row[5]),
        message_id=row[6],
        thread=row[7],
        draft=Draft(row[8], row[9], from_text(row[27])),
        target=row[10],
        undoes=row[11],
        state=PostState(row[12]),
        created_at=row[13],
        fresh_at=row[14],
        due_at=row[15],
        claimed_at=row[16],
        attempts=row[17],
        remote_id=row[18],
        question_id=row[19],
        deleted=bool(row[20]),
        reason=row[21],
        scheduled_for=row[22],
        thread_root=row[23],
        part=row[24],
        cost=row[25],
        content=row[26],
    )


class SqlPosts:
    def __init__(self, raw: sqlite3.Connection, changed: set[Topic], accounts: Accounts, policies: Policies) -> None:
        self._raw = raw
        self._changed = changed
        self._accounts = accounts
        self._policies = policies

    def _all(self, where: str, *values: object) -> list[Post]:
        return [_post(row) for row in self._raw.execute(f"SELECT {_COLUMNS} FROM post WHERE {where}", values)]  # noqa: S608 - ours

    def _one(self, where: str, *values: object) -> Post | None:
        found = self._all(where + " LIMIT 1", *values)
        return found[0] if found else None

    def add(
        self,
        action: Action,
        account_id: int,
        author: Identity,
        room: Room,
        message_id: str,
        thread: str | None,
        draft: Draft,
        *,
        state: PostState,
        now: float,
        fresh_at: float,
        due_at: float,
        target: str | None = None,
        undoes: int | None = None,
        question_id: int | None = None,
        cost: int = 0,
    ) -> Post:
        self._changed.add(Topic.POSTS)
        cursor = self._raw.execute(
            "INSERT INTO post (action, account_id, network, author, room, message_id, thread, text, reply_to, target,"
            " undoes, state, created_at, fresh_at, due_at, question_id, cost, media)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                action.value, account_id, author.network, author.name, room.id, message_id, thread, draft.text,
                draft.reply_to, target, undoes, state.value, now, fresh_at, due_at, question_id, cost,
                as_text(draft.media),
            ),
        )  # fmt: skip
        return Post(
            id=cursor.lastrowid or 0,
            action=action,
            account_id=account_id,
            author=author,
            room=room,
            message_id=message_id,
            thread=thread,
            draft=draft,
            target=target,
            undoes=undoes,
            state=state,
            created_at=now,
            fresh_at=fresh_at,
            due_at=due_at,
            question_id=question_id,
            cost=cost,
        )

    def get(self, post_id: int) -> Post | None:
        return self._one("id = ?", post_id)

    def save(self, *posts: Post) -> None:
        self._changed.add(Topic.POSTS)
        self._raw.executemany(
            "UPDATE post SET text = ?, reply_to = ?, media = ?, state = ?, fresh_at = ?, due_at = ?, claimed_at = ?,"
            " attempts = ?, remote_id = ?, question_id = ?, deleted = ?, reason = ? WHERE id = ?",
            [
                (
                    post.draft.text, post.draft.reply_to, as_text(post.draft.media), post.state.value, post.fresh_at,
                    post.due_at, post.claimed_at, post.attempts, post.remote_id, post.question_id, post.deleted,
                    post.reason, post.id,
                )
                for post in posts
            ],
        )  # fmt: skip

    def went_out(self, posted: Collection[tuple[int, str]], now: float) -> None:
        self._changed.add(Topic.POSTS)
        with_rows(  # no more than changes: each column that is set costs the indexes it stands in
            self._raw,
            "UPDATE post SET state = 'posted', remote_id = new.column2, question_id = NULL, due_at = new.column3,"
            " reason = '' FROM (",
            [(post_id, remote_id, now) for post_id, remote_id in posted],
            ") new WHERE post.id = new.column1",
        )

    def ready(self, post_ids: Collection[int]) -> list[Ready]:
        where = f"WHERE post.id IN ({marks(post_ids)}) ORDER BY post.id"
        return [self._ready(row) for row in self._raw.execute(_READY + where, tuple(post_ids)).fetchall()]

    def _ready(self, row: Sequence[Any]) -> Ready:
        publisher, remote_id, handle, premium, broken, frozen, credentials, until, role, by_room, decided = row[-11:]
        post = _post(row)
        known = self._accounts.role(post.account_id, post.author) if by_room else None if role is None else Role(role)
        return Ready(
            post=post,
            account=Account(post.account_id, publisher, remote_id, handle, bool(premium), broken, frozen),
            sealed=None if credentials is None else Sealed(credentials),
            rest=until or 0.0,
            role=known,
            policy=self._policies.of(post.account_id) if decided else USUAL,
        )

    def claim(self, post_ids: Collection[int], now: float) -> None:
        self._changed.add(Topic.POSTS)
        self._raw.execute(
            "UPDATE post SET state = 'sending', claimed_at = coalesce(claimed_at, ?), attempts = attempts + 1"  # noqa: S608 - ours
            f" WHERE id IN ({marks(post_ids)})",
            (now, *post_ids),
        )

    def extend(self, post: Post) -> None:
        self._changed.add(Topic.POSTS)
        self._raw.execute(
            "UPDATE post SET scheduled_for = ?, thread_root = ?, part = ?, cost = ?, content = ? WHERE id = ?",
            (post.scheduled_for, post.thread_root, post.part, post.cost, post.content, post.id),
        )

    def thread(self, root: int) -> list[Post]:
        return self._all("thread_root = ? AND action <> 'delete' ORDER BY part", root)

    def rollback(self, root: int) -> list[Post]:
        return self._all("thread_root = ? AND action = 'delete' ORDER BY id", root)

    def of_message(self, network: str, message_id: str) -> Post | None:
        return self._one("network = ? AND message_id = ? ORDER BY id", network, message_id)

    def with_picture(self, network: str, message_id: str) -> list[Post]:
        # Neither by the network nor in order: other indexes would be taken for that, with all that is finished.
        found = self._all(f"{_OPEN} AND media LIKE ? ESCAPE '!'", holding(message_id))
        ids = {post.id for post in found for one in post.draft.media if one.message_id == message_id}
        shown = [post for post in found if post.id in ids and post.room.network == network]
        return sorted(shown, key=lambda post: post.id)

    def undoing(self, post_id: int) -> Post | None:
        return self._one("undoes = ? ORDER BY id DESC", post_id)

    def latest(self, author: Identity, room: Room) -> Post | None:
        return self._one(
            "network = ? AND author = ? AND room = ? AND action <> 'delete' AND state <> 'failed' AND deleted = 0"
            " ORDER BY created_at DESC, id DESC",  # along the index of a person's posts
            author.network,
            author.name,
            room.id,
        )

    def find(self, publisher: str, remote_id: str) -> Post | None:
        return self._one(
            "remote_id = ? AND action = 'post' AND account_id IN (SELECT id FROM account WHERE publisher = ?)",
            remote_id,
            publisher,
        )

    def costs(
        self, account_id: int | None, since: float, until: float, states: Collection[PostState]
    ) -> list[tuple[int, Identity, Room, int]]:
        marks = ", ".join("?" * len(states))
        whose, values = ("account_id = ? AND ", (account_id,)) if account_id is not None else ("", ())
        rows = self._raw.execute(
            f"SELECT account_id, network, author, room, sum(cost) FROM post WHERE {whose}cost > 0"  # noqa: S608 - ours
            f" AND {_MONTH} >= ? AND {_MONTH} < ?"
            f" AND state IN ({marks}) GROUP BY account_id, network, author, room ORDER BY account_id, sum(cost) DESC",
            (*values, since, until, *(state.value for state in states)),
        )
        return [(row[0], Identity(row[1], row[2]), Room(row[1], row[3]), row[4]) for row in rows]

    def same_text(self, account_id: int, who: Identity, text: str, since: float) -> list[Post]:
        values = {"account": account_id, "network": who.network, "name": who.name, "text": text, "since": since}
        if self._raw.execute(_BEGINS_ALIKE, (text,)).fetchone() is None:  # as it mostly is, and soon found out
            return []
        return [_post(row) for row in self._raw.execute(_SAME_TEXT, values)]

    def count_since(self, author: Identity, since: float) -> int:
        who = "network = :network AND author = :name AND action <> 'delete'"
        sql = (
            f"SELECT (SELECT count(*) FROM post WHERE {who} AND created_at > :since AND state <> 'failed')"  # noqa: S608 - ours
            f" + (SELECT count(*) FROM post WHERE {who} AND fresh_at > created_at AND fresh_at > :since"
            " AND created_at <= :since AND scheduled_for IS NULL AND content = '' AND state NOT IN ('failed', 'held'))"
        )
        values = {"network": author.network, "name": author.name, "since": since}
        return int(self._raw.execute(sql, values).fetchone()[0])

    def kinds(self) -> Kinds:
        queued, deletes, unasked, ripens_at = self._raw.execute(_KINDS).fetchone()
        return Kinds(bool(queued), bool(deletes), bool(unasked), ripens_at)

    def heads(self, behind: int = 0) -> Iterator[tuple[int, int, float]]:
        few = self._raw.execute(_FIRST_TWO).fetchall()
        if len(few) < 2:  # as it mostly is; the whole question costs four times as much
            yield from (row[:3] for row in few if row[3] != Action.DELETE.value)
            return
        for account_id, post_id, due_at, action in chain(self._round(behind), self._round(0, behind)):
            if action != Action.DELETE.value:
                yield account_id, post_id, due_at
            else:
                yield from self._raw.execute(_NO_DELETE, (account_id,)).fetchall()

    def _round(self, behind: int, last: float = float("inf")) -> Iterator[tuple[int, int, float, str]]:
        rows: list[tuple[int, int, float, str]] = []
        while not rows or len(rows) == _HEADS_AT_ONCE:
            rows = self._raw.execute(_HEADS, {"behind": behind, "most": _HEADS_AT_ONCE}).fetchall()
            if not rows:
                return
            yield from takewhile(lambda row: row[0] <= last, rows)
            behind = rows[-1][0]
            if behind > last:
                return

    def due(self, states: Collection[PostState], action: Action | None, now: float) -> list[Post]:
        found: list[Post] = []
        for state in states:  # spelled out, so that the partial indexes serve
            where = f"{_OPEN} AND state = '{state.value}' AND due_at <= ?"
            found += self._all(where + (f" AND action = '{action.value}'" if action else ""), now)
        return sorted(found, key=lambda post: post.id)

    def in_state(self, state: PostState, account_id: int | None = None) -> list[Post]:
        if account_id is None:
            return self._all(f"{_OPEN} AND state = ? ORDER BY id", state.value)
        return self._all(f"{_OPEN} AND state = ? AND account_id = ? ORDER BY id", state.value, account_id)

    def last_queued(self) -> float | None:
        found: float | None = self._raw.execute(_LAST_QUEUED).fetchone()[0]
        return found

    def unasked(self) -> list[Post]:
        return self._all(f"{_UNASKED} ORDER BY id")

    def untold(self, account_id: int | None) -> list[Post]:
        where = f"{_OPEN} AND state = 'queued' AND reason = '' AND due_at < 9e999"
        if account_id is None:
            return self._all(where + " ORDER BY id")
        return self._all(where + " AND account_id = ? ORDER BY id", account_id)

    def of_question(self, question_id: int) -> list[Post]:
        return self._all("question_id = ? AND state IN ('held', 'unknown', 'failed') ORDER BY id", question_id)

    def waiting_for(self, author: Identity) -> list[Post]:
        return self._all(
            f"{_OPEN} AND state IN ('held', 'unknown') AND question_id IS NOT NULL AND network = ? AND author = ?"
            " ORDER BY id",
            author.network,
            author.name,
        )

    def remote_ids(self, account_id: int, newest: int = 200) -> set[str]:
        rows = self._raw.execute(
            "SELECT remote_id FROM post WHERE account_id = ? AND remote_id IS NOT NULL ORDER BY id DESC LIMIT ?",
            (account_id, newest),
        )
        return {row[0] for row in rows}

    def next_due(self, after: float) -> float | None:
        sql = f"SELECT min(due_at) FROM post WHERE {_OPEN} AND state IN ('queued', 'unknown') AND due_at > ?"  # noqa: S608 - ours
        found = self._raw.execute(sql, (after,)).fetchone()[0]
        rest = self._raw.execute("SELECT min(until) FROM rest WHERE until > ?", (after,)).fetchone()[0]
        times = [float(t) for t in (found, rest) if t is not None and t != float("inf")]
        return min(times, default=None)

    def tally(self) -> Mapping[PostState, int]:
        rows = self._raw.execute(f"SELECT state, count(*) FROM post WHERE {_OPEN} GROUP BY state")  # noqa: S608 - ours
        return {PostState(state): count for state, count in rows}
