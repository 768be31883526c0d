"""The time that a post waits before it goes out: the words that tell of it, and the cross that stops it.

It knows which rows still wait. Taking them back is ``undoing``'s.
"""

from bridge import pricing
from bridge.bot import previewing, signs, undoing, waiting
from bridge.bot.asked import Asked, House
from bridge.bot.words import number, span, subject
from bridge.interfaces import Tx
from bridge.model import Action, Answer, Identity, Post, PostState, Reaction, Speech

_OUT = {
    PostState.SENDING: "on its way",
    PostState.UNKNOWN: "perhaps out",
    PostState.POSTED: "out",
}


def tell(tx: Tx, asked: Asked, post: Post, house: House) -> None:
    """Say of a post that was just made when it goes out, what it costs where that is not the usual price, and how to
    stop it, if it waits.
    """
    account = tx.accounts.get(post.account_id) if waiting.is_held(post, asked.now) else None
    if account is None or account.frozen:
        return
    parts = previewing.parts_of(tx, post)
    what = f"{post.label}, {subject(post)}" + (f" and {number(len(parts) - 1, 'more part')}" if len(parts) > 1 else "")
    words = f"{what}, goes out as {account.at} {how(tx, post, house, asked.now)} or ❌ here"
    asked.reply(tx, words + price(tx, post, house), post_id=post.id)


def price(tx: Tx, post: Post, house: House) -> str:
    """What all parts of ``post`` cost, behind a dot, where that is not the usual price; empty where it is."""
    said = pricing.said_of([part.cost for part in previewing.parts_of(tx, post)], house.prices)
    return f" · {said}" if said else ""


def how(tx: Tx, post: Post, house: House, now: float) -> str:
    """When a queued post goes out, and how to stop it."""
    account = tx.accounts.get(post.account_id)
    if account is not None and account.frozen:
        return f"when {account.at} is not frozen any more"
    if post.due_at <= now:
        return "now"
    return f"in {span(post.due_at - now)}. To stop it: {house.prefix}undo {post.label}"


def crossed(tx: Tx, event: Reaction, house: House, now: float) -> None:
    """A reaction: if it is a cross on a command of its sender, or on the bot's words about one post that they may stop,
    that post does not go out. Of one that left already they hear how to undo it.
    """
    if event.key not in signs.CROSSES:
        return
    post = _meant(tx, event, house)
    if post is None or post.deleted or post.state is PostState.FAILED:
        return
    if post.state in _OUT or post.claimed_at is not None:
        late = f"Too late to stop {post.label}: it is {_OUT.get(post.state, 'on its way')}."
        waiting.say_once(tx, event, post, f"{late} To delete it: {house.prefix}undo {post.label}")
        return
    words = undoing.stop(tx, post, event.sender, event.room, event.id, house, now)
    if event.sender == post.author or event.room != post.room:  # else its author is told there, before all
        waiting.tell(tx, event.room, event.sender, post, words)


def _meant(tx: Tx, event: Reaction, house: House) -> Post | None:
    """The row (of a thread: its first part) that the cross is about; None when it is about none, or may not be."""
    own = tx.posts.of_message(event.room.network, event.target)
    if own is not None:
        return _first(tx, own) if own.author == event.sender and own.room == event.room else None
    said = [one for one in tx.answers.of_event(event.room.network, event.target) if one.room == event.room]
    rows = [_told(tx, one) for one in said if one.speech is Speech.TEXT and one.question_id is None]
    posts = {post.id: post for post in rows if post is not None}
    mine = [post for post in posts.values() if post.author == event.sender or _may_stop(tx, post, event.sender)]
    if len(mine) > 1:
        names = ", ".join(post.label for post in mine)
        waiting.say_once(
            tx, event, mine[0], f"That is about {names}, so I did nothing. Say which: {house.prefix}undo ID"
        )
        return None
    for post in posts.values() if not mine else ():
        if tx.accounts.role(post.account_id, event.sender) is not None and post.state is PostState.QUEUED:
            who = f"only {post.author.name}, an approver or an owner may"
            waiting.say_once(tx, event, post, f"You may not stop {post.label}: {who}.")
    return mine[0] if mine else None


def _told(tx: Tx, answer: Answer) -> Post | None:
    """The post (of a thread: its first part) that the bot's words are about."""
    post = None if answer.post_id is None else tx.posts.get(answer.post_id)
    return None if post is None else _first(tx, post)


def _may_stop(tx: Tx, post: Post, who: Identity) -> bool:
    """Whether ``who`` may stop what somebody else wrote; a draft is decided on its preview."""
    role = tx.accounts.role(post.account_id, who)
    return role is not None and role.may_undo_others and post.state is not PostState.DRAFT


def _first(tx: Tx, post: Post) -> Post | None:
    if post.action is Action.DELETE:
        return None
    return post if post.thread_root is None else tx.posts.get(post.thread_root)
