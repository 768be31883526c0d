"""The emoji that the bot puts on a command: that it waits, and how it ended.

It knows the rows of the answers and nothing of why something ended.
"""

from bridge.interfaces import Tx
from bridge.model import Post, Room, Speech

WAITS = "⏳"
DONE = "✅"
FAILED = "❌"
UNSURE = "❓"
APPROVAL = "👀"
TICKS = ("✅", "✅\ufe0f", "✅\ufe0e")
CROSSES = ("❌", "❌\ufe0f", "❌\ufe0e")
"""What people may send for DONE and FAILED: clients add marks that choose how an emoji is drawn."""

_PATIENCE = 1.0
"""Seconds that a command may take before the bot shows that it waits."""


def wait(tx: Tx, room: Room, message_id: str, post_id: int, now: float) -> None:
    """Show ⏳ on the command, unless its post is settled within a second."""
    tx.answers.add(room, Speech.REACTION, WAITS, target=message_id, due_at=now + _PATIENCE, post_id=post_id)


def put(tx: Tx, post: Post, emoji: str) -> None:
    """Show ``emoji`` on the post's command, unless it stands there: a network refuses the same one twice."""
    shown = {answer.id for answer in tx.answers.of_post(post.id, Speech.REACTION, emoji)}
    if not shown - {answer.target_answer for answer in tx.answers.of_post(post.id, Speech.REDACTION)}:
        tx.answers.add(post.room, Speech.REACTION, emoji, target=post.message_id, post_id=post.id)


def take_away(tx: Tx, post: Post, emoji: str) -> None:
    """Remove our ``emoji`` about that post; where it was not sent yet, it never will be."""
    said = [a for a in tx.answers.of_post(post.id, Speech.REACTION, emoji) if not tx.answers.cancel(a.id)]
    if said:
        gone = {a.target_answer for a in tx.answers.of_post(post.id, Speech.REDACTION)}
        for answer in said:
            if answer.id not in gone:
                tx.answers.add(answer.room, Speech.REDACTION, "", target_answer=answer.id, post_id=post.id)


def end(tx: Tx, post: Post, emoji: str) -> None:
    """The post is settled: ⏳ and 👀 go, ``emoji`` comes."""
    take_away(tx, post, WAITS)
    take_away(tx, post, APPROVAL)
    tx.answers.add(post.room, Speech.REACTION, emoji, target=post.message_id, post_id=post.id)
