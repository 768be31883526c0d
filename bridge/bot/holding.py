"""The time that a post waits before it goes out: the words that tell of it, and the cross that stops it.

It knows which rows still wait. Taking them back is ``undoing``'s.
"""

from bridge.bot import previewing, signs, undoing, waiting
from bridge.bot.asked import Asked, House
from bridge.bot.words import number, span, subject
from bridge.interfaces import Tx
from bridge.model import Action, Post, PostState, Reaction, Speech

_ENDLESS = 4e9
"""Where what waits for another row stands: no time that comes."""
_OUT = {
    PostState.SENDING: "on its way",
    PostState.UNKNOWN: "perhaps out",
    PostState.POSTED: "out",
}


def tell(tx: Tx, asked: Asked, post: Post, house: House) -> None:
    """Say of a post that was just made when it goes out and how to stop it, if its account's policy holds it."""
    account = tx.accounts.get(post.account_id) if is_held(post, asked.now) else None
    if account is None or account.frozen:
        return
    more = len(previewing.parts_of(tx, post)) - 1
    what = f"{post.label}, {subject(post)}" + (f" and {number(more, 'more part')}" if more else "")
    words = f"{what}, goes out as {account.at} {how(post, house, asked.now)} or ❌ here"
    asked.reply(tx, words, post_id=post.id)


def is_held(post: Post, now: float) -> bool:
    """Whether it is in its waiting time."""
    return post.state is PostState.QUEUED and post.claimed_at is None and now < post.due_at < _ENDLESS


def how(post: Post, house: House, now: float) -> str:
    """When a queued post goes out, and how to stop it."""
    if post.due_at <= now:
        return "now"
    return f"in {span(post.due_at - now)}. To stop it: {house.prefix}undo {post.label}"


def crossed(tx: Tx, event: Reaction, house: House, now: float) -> None:
    """A reaction: if it is a cross on a command of its sender, or on the bot's words about one post that they may stop,
    that post does not go out. Of one that left already they hear how to undo it.
    """
    if event.key not in signs.CROSSES:
        return
    post = _meant(tx, event)
    if post is None or post.deleted or post.state is PostState.FAILED:
        return
    if post.state in _OUT or post.claimed_at is not None:
        late = f"Too late to stop {post.label}: it is {_OUT.get(post.state, 'on its way')}."
        waiting.say_once(tx, event, post, f"{late} To delete it: {house.prefix}undo {post.label}")
        return
    words = undoing.stop(tx, post, event.sender, event.room, event.id, house, now)
    if event.sender == post.author or event.room != post.room:  # else its author is told there, before all
        waiting.tell(tx, event.room, event.sender, post, words)


def _meant(tx: Tx, event: Reaction) -> Post | None:
    """The row (of a thread: its first part) that the cross is about; None when it is about none, or may not be."""
    own = tx.posts.of_message(event.room.network, event.target)
    if own is not None:
        return _first(tx, own) if own.author == event.sender and own.room == event.room else None
    for answer in tx.answers.of_event(event.room.network, event.target):
        if answer.speech is not Speech.TEXT or answer.room != event.room:
            continue
        if answer.post_id is None or answer.question_id is not None:
            continue
        post = tx.posts.get(answer.post_id)
        first = None if post is None else _first(tx, post)
        if first is None:
            continue
        role = tx.accounts.role(first.account_id, event.sender)
        decides = role is not None and role.may_undo_others and first.state is not PostState.DRAFT
        if decides or first.author == event.sender:
            return first
        if role is not None and first.state is PostState.QUEUED:
            who = f"only {first.author.name}, an approver or an owner may"
            waiting.say_once(tx, event, first, f"You may not stop {first.label}: {who}.")
    return None


def _first(tx: Tx, post: Post) -> Post | None:
    if post.action is Action.DELETE:
        return None
    return post if post.thread_root is None else tx.posts.get(post.thread_root)
