"""Threads on the outbox's stage: their rows, and what the bot does with them. What the tests of threads share."""

import sqlite3
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import cast

from bridge.interfaces import Tx
from bridge.model import Account, Action, Post, PostState, Speech
from bridge.store.posts import SqlPosts
from tests.unit.outbox_stage import ANA, ENDLESS, Stage

TEXTS = [f"part number {n}" for n in range(1, 6)]


async def thread(at: Stage, account: Account, texts: list[str] = TEXTS) -> list[Post]:
    """What the bot does with `!thread`: a row for each part, all of one message."""

    def work(tx: Tx) -> list[Post]:
        found: list[Post] = []
        fields: dict[str, object] = {"state": PostState.QUEUED, "now": at.time.wall, "fresh_at": at.time.wall}
        fields["due_at"] = at.time.wall
        for number, text in enumerate(texts, 1):
            post = at._add(tx, Action.POST, account, text, ANA, fields)
            root = found[0].id if found else post.id
            found.append(replace(post, thread_root=root, part=number))
            tx.posts.extend(found[-1])
            if number > 1:  # one ⏳ for all
                for answer in tx.answers.of_post(post.id, Speech.REACTION):
                    tx.answers.cancel(answer.id)
        raw(tx).execute("UPDATE post SET message_id = '$t' WHERE thread_root = ?", (found[0].id,))
        return found

    return await at.store.transact(work)


def raw(tx: Tx) -> sqlite3.Connection:
    return cast(SqlPosts, tx.posts)._raw


async def rows(at: Stage, parts: list[Post]) -> list[Post]:
    return [await at.row(part) for part in parts]


async def send_all(at: Stage, parts: list[Post]) -> None:
    """What the bot does with `send` of the question."""
    for part in await rows(at, parts):
        if part.state in (PostState.HELD, PostState.UNKNOWN) and part.question_id is not None:
            await at.send(part)


async def roll_back(at: Stage, parts: list[Post]) -> list[Post]:
    """What the bot does with `undo` of a thread: the newest first."""

    def work(tx: Tx) -> list[Post]:
        account = tx.accounts.get(parts[0].account_id)
        assert account is not None
        made = []
        for known in reversed(parts):
            part = tx.posts.get(known.id)
            assert part is not None
            if part.state in (PostState.HELD, PostState.QUEUED):
                tx.posts.save(replace(part, state=PostState.FAILED))
            elif part.state is not PostState.FAILED:
                due = at.time.wall if part.state is PostState.POSTED else ENDLESS
                fields: dict[str, object] = {"state": PostState.QUEUED, "now": at.time.wall, "fresh_at": at.time.wall}
                row = at._add(tx, Action.DELETE, account, "", ANA, fields | {"due_at": due, "undoes": part.id})
                made.append(replace(row, thread_root=parts[0].id, part=part.part))
                tx.posts.extend(made[-1])
        ids = ",".join(str(row.id) for row in made)
        raw(tx).execute(f"UPDATE post SET message_id = '$undo' WHERE id IN ({ids})")  # of one command
        return made

    return await at.store.transact(work)


def check_chain(at: Stage) -> None:
    """What is out is each part once, in order, each a reply to the one before."""
    out = [made for made in at.x.person("acme").posts if made.text in TEXTS]
    assert max(Counter(made.text for made in out).values(), default=0) <= 1
    assert [made.text for made in out] == TEXTS[: len(out)]
    for earlier, later in pairwise(out):
        assert later.reply_to == earlier.id
    if out:
        assert out[0].reply_to is None
