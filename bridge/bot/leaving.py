"""What becomes of somebody's waiting posts when a command ends their right to the account.

It knows states. Who leaves, and why, is ``unlinking``'s and ``sharing``'s.
"""

from dataclasses import replace

from bridge.bot import previewing, signs, waiting
from bridge.bot.asked import Asked, House
from bridge.bot.words import subject
from bridge.interfaces import Tx
from bridge.model import Account, Action, Identity, Post, PostState

_UNSENT = (PostState.DRAFT, PostState.SCHEDULED, PostState.HELD, PostState.QUEUED)


def stop_posts(
    tx: Tx, asked: Asked, who: Identity | None, account: Account, why: str, house: House
) -> int:  # fmt: skip
    """Fail what ``who`` (None: everybody but the sender) has waiting on that account, because of the command ``asked``;
    certainly nothing of it has been sent. Gives how many.
    """
    found = [post for state in _UNSENT for post in tx.posts.in_state(state, account.id)]
    posts = [post for post in found if post.action is not Action.DELETE]
    theirs = [post for post in posts if post.author == who or (who is None and post.author != asked.sender)]
    told = set[int]()
    for post in sorted(theirs, key=lambda post: post.id):
        ended = replace(post, state=PostState.FAILED, reason=why, question_id=None)
        tx.posts.save(ended)
        if (post.thread_root or post.id) in told:
            continue  # one word for all parts
        told.add(post.thread_root or post.id)
        tx.log.add(
            asked.sender, "drop", room=post.room, account_id=account.id, post_id=post.id,
            detail=f"{post.label}, {subject(post)}", outcome=f"not posted: {why}", at=asked.now,
        )  # fmt: skip
        signs.end(tx, post, signs.FAILED)
        previewing.refresh(tx, ended, house)
        waiting.tell(tx, post.room, post.author, post, f"Not posted: {subject(post)}, because {why}.")
        _settle_undo(tx, post)
    return len(theirs)


def _settle_undo(tx: Tx, post: Post) -> None:
    """Somebody asked to undo ``post`` while it was on its way; now there is nothing to delete."""
    undo = tx.posts.undoing(post.id)
    if undo is None or undo.state is not PostState.QUEUED:
        return
    tx.posts.save(replace(undo, state=PostState.FAILED, reason="nothing to delete"))
    signs.end(tx, undo, signs.DONE)
    words = f"There was nothing to delete: {subject(post)} did not go out."
    waiting.tell(tx, undo.room, undo.author, undo, words)
