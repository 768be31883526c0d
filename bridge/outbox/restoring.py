"""What waited when a copy of the database was made: it may have gone out since, and the copy cannot know.

So a copy is marked before it is given away: when it is started, each such post is looked for among the account's own
posts. What is found is out; what is not is asked about, in the state in which it can still become all that it could
before: a draft again, scheduled, or sent. It knows rows and states, and nothing of how a copy is made.
"""

from dataclasses import replace

from bridge.interfaces import Tx
from bridge.model import Action, Post, PostState
from bridge.outbox import threads
from bridge.outbox.turn import Turn

RESTORED = "it waited when the backup was made"
"""The reason of an UNKNOWN row that nobody has tried to send, as far as the copy knows."""
NOT_SEEN = (
    "I was restored from a backup, in which it waited. I do not find it on the account, so it probably did not go out"
)
NOT_KNOWN = "I was restored from a backup, in which it waited. It may be done already: look at the account"

_WAITED = (PostState.DRAFT, PostState.SCHEDULED, PostState.HELD, PostState.QUEUED)


def mark(tx: Tx, now: float) -> None:
    """Let nothing that waits be sent without a look and a word. ``now``: the time of the copy. What was being sent, the
    next start finds as after a crash; to delete something twice is harmless.
    """
    for post in tx.posts.in_state(PostState.UNKNOWN):
        tx.posts.save(replace(post, question_id=None))  # looked for anew: its question may have been answered
    for state in (*_WAITED, PostState.SENDING):
        for post in tx.posts.in_state(state):
            if post.action is Action.REPOST:
                tx.posts.save(replace(post, state=PostState.HELD, question_id=None, claimed_at=None, reason=NOT_KNOWN))
            elif post.action is Action.POST and state is not PostState.SENDING:
                tx.posts.save(_marked(post, now))


def _marked(post: Post, now: float) -> Post:
    if post.claimed_at is not None:  # an earlier attempt is in doubt, as it would be without a copy
        return replace(post, state=PostState.UNKNOWN, question_id=None, due_at=now, reason="")
    known = f" {post.reason}" if post.reason and post.state in (PostState.HELD, PostState.DRAFT) else ""
    marked = replace(post, state=PostState.UNKNOWN, question_id=None, due_at=now, claimed_at=now)
    return replace(marked, reason=RESTORED + known)


def hold(turn: Turn, post: Post, *, looked: bool) -> None:
    """It was not found, or could not be looked for: its author is asked; also about what follows it."""
    for row in threads.parts_of(turn.tx, post) or [post]:
        if row.part >= post.part and row.state is PostState.UNKNOWN and row.reason.startswith(RESTORED):
            turn.searches.pop(row.id, None)
            known = row.reason.removeprefix(RESTORED)
            why = NOT_SEEN if looked else NOT_KNOWN
            why = f"{why}.{known}" if known else why
            turn.tx.posts.save(replace(row, state=PostState.HELD, claimed_at=None, reason=why))
    turn.unasked = True
