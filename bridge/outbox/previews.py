"""The previews of a post that has come to an end: each says how, in place of what it said before.

It knows the rows of answers. What stands in a preview while its post waits is the bot's.
"""

from bridge.interfaces import Tx
from bridge.model import Action, Post, PostState, Speech
from bridge.outbox import words


def close(tx: Tx, post: Post, said: str, *, over: bool = True) -> None:
    """Put ``said`` in the newest previews of ``post``; of a row that deletes, in those of what it deleted. When it is
    ``over``, its pictures go.
    """
    shown = post
    if post.action is Action.DELETE:
        shown = (None if post.undoes is None else tx.posts.get(post.undoes)) or post
        if shown.state is PostState.POSTED and not shown.deleted:
            return  # it did not come to that: they go on to say where it is
    if shown.thread_root is None and not shown.content:
        return  # nobody was asked for an approval
    if shown.thread_root is not None:  # the first part stands for the whole thread
        shown = tx.posts.get(shown.thread_root) or shown
    if over:
        tx.answers.unsay(shown.id, Speech.MEDIA)
    previews = tx.decisions.previews(shown.id)
    newest = max((preview.version for preview in previews), default=0)
    what = words.called(shown) if shown.target is None else f"the repost of {shown.target}"
    for preview in previews:
        if preview.version != newest:
            continue
        for earlier in tx.answers.of_post(shown.id, Speech.EDIT):
            if earlier.target_answer == preview.answer_id:
                tx.answers.cancel(earlier.id)
        body = f"{shown.label} by {shown.author.name}, {what}: {said}"
        tx.answers.add(preview.room, Speech.EDIT, body, target_answer=preview.answer_id, post_id=shown.id)
