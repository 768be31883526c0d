"""The outbox's rows of the log: what went out, what did not, what nobody knows, what was deleted."""

from bridge.interfaces import Tx
from bridge.model import Action, Post
from bridge.telltale import first_words


def record(tx: Tx, post: Post, verb: str, outcome: str, at: float) -> None:
    """A row about ``post``: done for its author, with its label and first words."""
    said = first_words(post.draft.text) if post.action is Action.POST else post.target or ""
    part = f" part {post.part}" if post.thread_root is not None else ""
    tx.log.add(
        post.author,
        verb,
        room=post.room,
        account_id=post.account_id,
        post_id=post.id,
        detail=f"{post.label}{part} {said}".strip(),
        outcome=outcome,
        at=at,
    )
