"""The SQL of what the bot has to say, and of its questions."""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import accumulate, takewhile
from typing import Any

from bridge.interfaces import Topic
from bridge.model import Answer, Identity, Medium, Question, Room, Speech
from bridge.store import media
from bridge.store.sql import marks, with_rows

_COLUMNS = (
    "id, network, room, speech, body, target, target_answer, thread, mention, due_at, post_id, question_id, event_id,"
    " medium"
)
_MOST_LINES = 20
"""Answers in one message: more would be cut by some networks and read by nobody."""
_MOST_CHARACTERS = 3_000
"""Of several answers in one message; a single one may have more. Of no network may their sum be too large."""
_MOST_SHUT = 10_000
"""Rooms that a query can leave out; SQLite takes 32,766 values."""


def _answer(row: Sequence[Any]) -> Answer:
    network = row[1]
    return Answer(
        id=row[0],
        room=Room(network, row[2]),
        speech=Speech(row[3]),
        body=row[4],
        target=row[5],
        target_answer=row[6],
        thread=row[7],
        mention=None if row[8] is None else Identity(network, row[8]),
        due_at=row[9],
        post_id=row[10],
        question_id=row[11],
        event_id=row[12],
        medium=media.from_text(row[13])[0] if row[13] else None,
    )


def _short(batch: list[Answer]) -> list[Answer]:
    """Its beginning that is not too long in all; at least the first one."""
    sums = accumulate(len(answer.body) for answer in batch)
    return batch[: max(1, sum(so_far <= _MOST_CHARACTERS for so_far in sums))]


_INSERT = (
    "INSERT INTO answer (network, room, speech, body, target, target_answer, thread, mention, due_at, post_id,"
    " question_id, medium)"
)


def _row(answer: Answer) -> tuple[object, ...]:
    """Without what only a sent answer has."""
    return (
        answer.room.network, answer.room.id, answer.speech.value, answer.body, answer.target, answer.target_answer,
        answer.thread, None if answer.mention is None else answer.mention.name, answer.due_at, answer.post_id,
        answer.question_id, "" if answer.medium is None else media.as_text((answer.medium,)),
    )  # fmt: skip


class SqlAnswers:
    def __init__(self, raw: sqlite3.Connection, changed: set[Topic], instance: str) -> None:
        self._raw = raw
        self._changed = changed
        self._instance = instance  # part of every key: another database's row 7 is another answer

    def _all(self, where: str, *values: object) -> list[Answer]:
        return [_answer(row) for row in self._raw.execute(f"SELECT {_COLUMNS} FROM answer WHERE {where}", values)]  # noqa: S608 - ours

    def add(
        self,
        room: Room,
        speech: Speech,
        body: str,
        *,
        target: str | None = None,
        target_answer: int | None = None,
        thread: str | None = None,
        mention: Identity | None = None,
        due_at: float = 0.0,
        post_id: int | None = None,
        question_id: int | None = None,
        medium: Medium | None = None,
    ) -> int:
        self._changed.add(Topic.ANSWERS)
        row = _row(
            Answer(
                0, room, speech, body, target, target_answer, thread, mention, due_at, post_id, question_id,
                medium=medium,
            )
        )  # fmt: skip
        return self._raw.execute(f"{_INSERT} VALUES ({marks(row)})", row).lastrowid or 0

    def add_all(self, answers: Collection[Answer]) -> None:
        self._changed.add(Topic.ANSWERS)
        with_rows(self._raw, _INSERT, [_row(answer) for answer in answers])

    def claim(self, now: float, busy: Collection[Room], limit: int) -> list[tuple[str, list[Answer]]]:
        queues: dict[Room, list[Answer]] = {}
        # A room that is busy or cannot be reached may have any number of answers: they must not fill the window.
        shut = [part for room in list(busy)[:_MOST_SHUT] for part in (room.network, room.id)]
        rooms = ", ".join(["(?, ?)"] * (len(shut) // 2))
        others = f" AND (network, room) NOT IN (VALUES {rooms})" if shut else ""
        for answer in self._all(f"done_at IS NULL AND due_at <= ?{others} ORDER BY id LIMIT 1000", now, *shut):
            if answer.room not in busy and (answer.room in queues or len(queues) < limit):
                queues.setdefault(answer.room, []).append(answer)
        return [self._batch(queue) for queue in queues.values()]

    def _batch(self, queue: list[Answer]) -> tuple[str, list[Answer]]:
        first = queue[0]
        known = self._raw.execute("SELECT batch FROM answer WHERE id = ?", (first.id,)).fetchone()[0]
        if known is not None:  # tried before: the same key must carry the same words
            batch = self._all("batch = ? ORDER BY id", known)
        else:
            batch = [first]
            if first.speech is Speech.TEXT:
                texts = [a for a in queue if a.speech is Speech.TEXT and a.thread == first.thread]
                batch = _short(self._until_reacted_on(texts[: _MOST_LINES + 1])[:_MOST_LINES])
            ids = [(first.id, a.id) for a in batch]
            self._raw.executemany("UPDATE answer SET batch = ? WHERE id = ?", ids)
        return f"{self._instance}-{first.id if known is None else known}", [self._resolve(a) for a in batch]

    def _until_reacted_on(self, texts: list[Answer]) -> list[Answer]:
        """A preview is a message of its own, since reactions on it decide and edits replace it, and so is a question:
        the texts before one, or it alone.
        """
        sql = "SELECT answer_id FROM preview WHERE answer_id BETWEEN ? AND ?"
        alone = {row[0] for row in self._raw.execute(sql, (texts[0].id, texts[-1].id))}
        alone |= {text.id for text in texts if text.question_id is not None}
        if texts[0].id in alone:
            return texts[:1]
        return list(takewhile(lambda answer: answer.id not in alone, texts))

    def _resolve(self, answer: Answer) -> Answer:
        if answer.target is not None or answer.target_answer is None:
            return answer
        row = self._raw.execute("SELECT event_id FROM answer WHERE id = ?", (answer.target_answer,)).fetchone()
        return replace(answer, target=row[0] if row else None)

    def _batch_id(self, key: str) -> int:
        return int(key.rpartition("-")[2])

    def sent(self, key: str, event_id: str, now: float) -> None:
        sql = "UPDATE answer SET event_id = ?, done_at = ? WHERE batch = ?"
        self._raw.execute(sql, (event_id, now, self._batch_id(key)))

    def postpone(self, key: str, due_at: float) -> None:
        self._raw.execute("UPDATE answer SET due_at = ? WHERE batch = ?", (due_at, self._batch_id(key)))

    def give_up(self, key: str, now: float) -> None:
        self._raw.execute("UPDATE answer SET done_at = ? WHERE batch = ?", (now, self._batch_id(key)))

    def of_post(self, post_id: int, speech: Speech, body: str | None = None) -> list[Answer]:
        found = self._all("post_id = ? AND speech = ? ORDER BY id", post_id, speech.value)
        return [a for a in found if body is None or a.body == body]

    def of_posts(self, post_ids: Collection[int], speech: Speech) -> list[Answer]:
        return self._all(f"post_id IN ({marks(post_ids)}) AND speech = ? ORDER BY id", *post_ids, speech.value)

    def cancel(self, answer_id: int) -> bool:
        sql = "DELETE FROM answer WHERE id = ? AND batch IS NULL AND done_at IS NULL"
        return self._raw.execute(sql, (answer_id,)).rowcount == 1

    def unsay(self, post_id: int, speech: Speech, room: Room | None = None) -> None:
        said = [one for one in self.of_post(post_id, speech) if room in (None, one.room)]
        late = [one for one in said if not self.cancel(one.id)]
        gone = {one.target_answer for one in self.of_post(post_id, Speech.REDACTION)} if late else set()
        for one in late:
            if one.id not in gone:
                self.add(one.room, Speech.REDACTION, "", target_answer=one.id, post_id=post_id)

    def instead(self, post_ids: Collection[int], old: str, new: str) -> set[int]:
        self._changed.add(Topic.ANSWERS)
        rows = self._raw.execute(
            f"UPDATE answer SET body = ?, due_at = 0 WHERE post_id IN ({marks(post_ids)}) AND speech = 'reaction'"  # noqa: S608 - ours
            " AND body = ? AND batch IS NULL AND done_at IS NULL RETURNING post_id, id",
            (new, *post_ids, old),
        ).fetchall()
        kept = dict(rows)
        for post_id, answer_id in rows:
            if answer_id != kept[post_id]:  # it was to be said twice
                self.cancel(answer_id)
        return set(kept)

    def of_event(self, network: str, event_id: str) -> list[Answer]:
        return self._all("event_id = ? AND network = ? ORDER BY id", event_id, network)

    def ask(self, asked: Identity, room: Room) -> Question:
        cursor = self._raw.execute(
            "INSERT INTO question (network, name, room) VALUES (?, ?, ?)", (asked.network, asked.name, room.id)
        )
        return Question(cursor.lastrowid or 0, asked, room)

    def question(self, question_id: int) -> Question | None:
        row = self._raw.execute("SELECT id, network, name, room FROM question WHERE id = ?", (question_id,)).fetchone()
        return None if row is None else Question(row[0], Identity(row[1], row[2]), Room(row[1], row[3]))

    def next_due(self, after: float) -> float | None:
        sql = "SELECT min(due_at) FROM answer WHERE done_at IS NULL AND due_at > ?"
        found = self._raw.execute(sql, (after,)).fetchone()[0]
        return None if found is None else float(found)

    def pending(self) -> int:
        return int(self._raw.execute("SELECT count(*) FROM answer WHERE done_at IS NULL").fetchone()[0])
