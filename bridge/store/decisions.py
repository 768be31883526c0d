"""The SQL of decisions: what approvers said of a post, and the previews that they saw. It decides whose word counts.

**The content of a post** is the SHA-256, in hex, of a JSON array (RFC 8259) in ASCII, without white space, of ::

    [account_id, scheduled_for, [[action, text, reply_to, target], ...]]

with an inner array for the post itself, or for each part of its thread in order. Where a part has pictures, its array
ends with one more: ``[[source, sha256, mime, alt], ...]``; behind the alt text of a picture that may be scaled down
stands ``"scaled"``. Without its hash a picture may be anything, so nothing that was said of it counts. What a part
replies to within its own thread is not known before it is sent, and no part of it.
"""

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from bridge.interfaces import Accounts, Posts, Topic
from bridge.model import Decision, Identity, Post, PostState, Preview, Role, Room, Verdict
from bridge.store import media

_COLUMNS = "post_id, network, name, verdict, content, event_id, at, reason"


def _decision(row: Sequence[Any]) -> Decision:
    return Decision(row[0], Identity(row[1], row[2]), Verdict(row[3]), row[4], row[5], row[6], row[7])


class SqlDecisions:
    def __init__(self, raw: sqlite3.Connection, changed: set[Topic], accounts: Accounts, posts: Posts) -> None:
        self._raw = raw
        self._changed = changed
        self._accounts = accounts
        self._posts = posts

    def _parts(self, post: Post) -> list[Post]:
        """The post itself, or all parts of its thread, as they stand in the store."""
        if post.thread_root is not None:
            parts = self._posts.thread(post.thread_root)
            if parts:
                return parts
        stored = self._posts.get(post.id)
        return [post if stored is None else stored]

    def content(self, post: Post) -> str:
        parts = self._parts(post)
        first = parts[0]
        said = [
            [
                part.action.value,
                part.draft.text,
                part.draft.reply_to if part.id == first.id else None,
                part.target,
                *(
                    [
                        [
                            [one.source, one.sha256, one.mime, one.alt, *["scaled"] * one.scaled]
                            for one in part.draft.media
                        ]
                    ]
                    if part.draft.media
                    else []
                ),
            ]
            for part in parts
        ]
        canonical = json.dumps([first.account_id, first.scheduled_for, said], ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()

    def add(
        self,
        post_id: int,
        identity: Identity,
        verdict: Verdict,
        content: str,
        event_id: str | None,
        at: float,
        reason: str = "",
    ) -> None:
        self._changed.add(Topic.POSTS)
        self._raw.execute(
            f"INSERT INTO decision ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - ours
            " ON CONFLICT (post_id, network, name) DO UPDATE SET verdict = excluded.verdict,"
            " content = excluded.content, event_id = excluded.event_id, at = excluded.at, reason = excluded.reason",
            (post_id, identity.network, identity.name, verdict.value, content, event_id, at, reason),
        )

    def withdraw(self, network: str, event_id: str, who: Identity) -> Decision | None:
        if who.network != network:
            return None
        where = "network = ? AND event_id = ? AND name = ?"
        row = self._raw.execute(
            f"DELETE FROM decision WHERE {where} RETURNING {_COLUMNS}",  # noqa: S608 - ours
            (network, event_id, who.name),
        ).fetchone()
        if row is None:
            return None
        self._changed.add(Topic.POSTS)
        return _decision(row)

    def of(self, post_id: int) -> list[Decision]:
        sql = f"SELECT {_COLUMNS} FROM decision WHERE post_id = ? ORDER BY at, network, name"  # noqa: S608 - ours
        return [_decision(row) for row in self._raw.execute(sql, (post_id,))]

    def standing(self, post: Post) -> list[Decision]:
        parts = self._parts(post)
        root, content = parts[0], self.content(post)
        if root.content != content or not all(one.sha256 for part in parts for one in part.draft.media):
            return []
        return [
            decision
            for decision in self.of(root.id)
            if decision.verdict is Verdict.APPROVE
            and decision.content == content
            and decision.identity != root.author
            and self._accounts.role(root.account_id, decision.identity) in (Role.APPROVER, Role.OWNER)
        ]

    def stands(self, post: Post, approvals: int) -> bool:
        return len(self.standing(post)) >= max(approvals, 1)

    def void(self, post_id: int) -> None:
        self._changed.add(Topic.POSTS)
        self._raw.execute("DELETE FROM decision WHERE post_id = ? AND verdict <> ?", (post_id, Verdict.WROTE.value))

    def show(self, answer_id: int, post_id: int, version: int, content: str) -> None:
        self._raw.execute(
            "INSERT INTO preview (answer_id, post_id, version, content) VALUES (?, ?, ?, ?)",
            (answer_id, post_id, version, content),
        )

    def previews(self, post_id: int) -> list[Preview]:
        rows = self._raw.execute(
            "SELECT p.answer_id, p.post_id, p.version, p.content, a.network, a.room"
            " FROM preview p JOIN answer a ON a.id = p.answer_id WHERE p.post_id = ? ORDER BY p.answer_id",
            (post_id,),
        )
        return [Preview(row[0], row[1], row[2], row[3], Room(row[4], row[5])) for row in rows]

    def unseen(self) -> list[Post]:
        # Of the many drafts, only the few with pictures are read.
        sql = ("SELECT coalesce(thread_root, id), media FROM post WHERE state NOT IN ('posted', 'failed')"
               " AND state = ? AND media <> ''")  # fmt: skip
        found = self._raw.execute(sql, (PostState.DRAFT.value,))
        roots = {root for root, column in found if not all(one.looked_at for one in media.from_text(column))}
        return [post for root in sorted(roots) if (post := self._posts.get(root)) is not None]

    def ring(self) -> None:
        self._changed.add(Topic.PICTURES)
