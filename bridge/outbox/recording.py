"""The outbox's rows of the log: what went out, what did not, what nobody knows, what was deleted."""

from collections.abc import Sequence

from bridge.interfaces import Tx
from bridge.model import Action, Deed, Post
from bridge.telltale import first_words, pictures


def record(tx: Tx, post: Post, verb: str, outcome: str, at: float) -> None:
    """A row about ``post``: done for its author, with its label and first words."""
    record_all(tx, verb, [(post, outcome)], at)


def record_all(tx: Tx, verb: str, ended: Sequence[tuple[Post, str]], at: float) -> None:
    """As ``record``, for several posts and their outcomes."""
    tx.log.add_all(
        [
            Deed(0, at, post.author, post.account_id, post.id, post.room, verb, _detail(post), outcome, b"")
            for post, outcome in ended
        ]
    )


def _detail(post: Post) -> str:
    said = (first_words(post.draft.text) or pictures(post.draft)) if post.action is Action.POST else post.target or ""
    part = f" part {post.part}" if post.thread_root is not None else ""
    return f"{post.label}{part} {said}".strip()
