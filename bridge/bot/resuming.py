"""How a thread goes on whose approval lapsed when a part of it was out: an approver says so, for its author cannot.

It knows who may say it, and of what. Queueing the parts is ``asking``'s.
"""

from bridge.bot import previewing, waiting
from bridge.bot.asked import Asked, House
from bridge.bot.waiting import Word
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Post, PostState, Verdict


def refused(post: Post, house: House) -> str:
    """What its author is told."""
    return (
        f"{post.label} is not approved any more, so the rest of its thread is not sent. An approver or owner can let it"
        f" go on: {house.prefix}send {post.label}"
    )


def rest(tx: Tx, asked: Asked, house: House) -> list[Post] | None:
    """The parts of somebody else's thread that wait and go on now, because the sender says so of one of them: their
    word is their approval of the whole thread. Nothing while it takes more approvals, which they are told. None where
    the command means something else. Raises UsageError.
    """
    read = waiting.read_id(asked.text)
    part = None if read is None else tx.posts.get(read[0])
    root = None if part is None else waiting.visible(tx, part.id, asked.sender)
    if part is None or root is None or part.part < 2 or not part.content or part.author == asked.sender:
        return None
    role = tx.accounts.role(part.account_id, asked.sender)
    waits = [one for one in previewing.parts_of(tx, part) if one.part >= part.part and one.state is PostState.HELD]
    if role is None or not role.may_approve or part not in waits:
        return None
    if asked.sender in previewing.writers(tx, root):
        raise UsageError(f"You changed {root.label} to what it says now, so somebody else has to let it go on.")
    word = Word(asked.sender, asked.message.id, asked.room, asked.now)
    tx.decisions.add(root.id, word.who, Verdict.APPROVE, root.content, word.event_id, word.now)
    has, needs = len(tx.decisions.standing(root)), tx.policies.of(root.account_id).approvals
    waiting.record(tx, root, word, "approve", f"{has} of {needs}")
    if has < needs:
        asked.reply(tx, f"Approved {root.label}: {has} of {needs}, so the rest of it still waits.", post_id=part.id)
        return []
    return waits
