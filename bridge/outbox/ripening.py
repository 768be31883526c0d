"""What was scheduled for a time joins the queue when that has come; of a draft whose time comes, its people hear.

It ages from the time that was named, as anything said then would: a slot that was missed by too much is asked about by
the same rule as an old command. It knows no rights.
"""

from dataclasses import replace

from bridge.model import Post, PostState, Speech
from bridge.outbox import telling, words
from bridge.outbox.telling import WAITS
from bridge.outbox.turn import ENDLESS, Turn

_PATIENCE = 1.0
"""Seconds until the command shows that its post is on its way."""


def ripen(turn: Turn) -> None:
    """Queue what is due, and wake up for what is due next."""
    tx, at = turn.tx, turn.kinds.ripens_at
    if at is None or at > turn.now:
        turn.wake_at(at or ENDLESS)
        return
    for post in tx.posts.due((PostState.DRAFT,), None, turn.now):
        _missed(turn, post)
    for post in tx.posts.due((PostState.SCHEDULED,), None, turn.now):
        tx.posts.save(replace(post, state=PostState.QUEUED, fresh_at=post.due_at, reason=""))
        if post.part <= 1:
            tx.answers.add(
                post.room,
                Speech.REACTION,
                WAITS,
                target=post.message_id,
                due_at=turn.now + _PATIENCE,
                post_id=post.id,
            )
    turn.kinds = tx.posts.kinds()
    turn.wake_at(turn.kinds.ripens_at or ENDLESS)


def _missed(turn: Turn, post: Post) -> None:
    """A draft's time has come without its approvals: say so, once, where it was asked for and where approvers look."""
    tx = turn.tx
    tx.posts.save(replace(post, due_at=ENDLESS))
    if post.scheduled_for is None or post.part > 1:
        return
    newest = max((preview.version for preview in tx.decisions.previews(post.id)), default=1)
    said = words.slot_missed(post, newest, turn.house.prefix)
    telling.say(tx, post, said)
    elsewhere = tx.policies.of(post.account_id).room
    if elsewhere not in (None, post.room):
        tx.answers.add(elsewhere, Speech.TEXT, said, post_id=post.id)
