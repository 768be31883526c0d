"""What an edited message means: a changed draft while the post has not gone out, and nothing after that.

It knows states. It never posts: an edit that makes something else of the command makes it wait for its author's word.
"""

from dataclasses import replace

from bridge.bot import linking, posting, signs
from bridge.bot.asked import NO_FACTS, Asked, House
from bridge.bot.parse import Bare, Pin, Reading, Spoken
from bridge.bot.words import subject
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Action, Draft, Edit, LinkState, Message, Post, PostState, Speech


def edited(tx: Tx, event: Edit, reading: Reading | None, house: House, now: float) -> None:
    """Decide what an edit changes. ``reading``: of its new text.

    A row with ``claimed_at`` had an attempt that may be out with the first text, also when it is queued again.
    """
    pin = _pin_said(tx, event, reading, house)
    post = tx.posts.of_message(event.room.network, event.target)
    if post is not None and post.room != event.room:
        return  # no such edit exists; and it may come in plain from a homeserver, where the command came encrypted
    if post is None or post.state is PostState.FAILED:
        if not pin and isinstance(reading, Spoken | Bare) and (post is None or post.author == event.sender):
            _say(tx, event, post, "An edit runs no command. Send it as a new message.")
        return
    if post.author != event.sender or post.action is Action.DELETE or post.deleted:
        return
    if post.state not in (PostState.HELD, PostState.QUEUED) or post.claimed_at is not None:
        _say(tx, event, post, _too_late(tx, post, house))
        return
    try:
        draft = _changed(tx, event, reading, post, house, now)
    except UsageError as error:
        _hold(tx, event, post, house, str(error))
        return
    if draft != post.draft:
        post = replace(post, draft=draft)
        tx.posts.save(post)
        if post.state is PostState.HELD:
            _say(
                tx,
                event,
                post,
                f"Changed: {post.label}, {subject(post)}, still waits for {house.prefix}send {post.label}",
            )


def _pin_said(tx: Tx, event: Edit, reading: Reading | None, house: House) -> bool:
    """Whether the edit holds the PIN of a pending link. It links nothing; where others may have seen it, it voids."""
    if not isinstance(reading, Pin) and not (isinstance(reading, Spoken) and reading.command.name == "pin"):
        return False
    link = tx.links.pending(event.sender)
    if link is None or link.state is LinkState.ASKED:
        return False
    if event.room == link.room:
        _say(tx, event, None, "I read no PIN out of an edit. Say it in a new message.")
    else:
        tx.links.save(linking.ended(link))
        words = "I have thrown this attempt to link away, and nothing was linked: others may have seen the PIN here."
        _say(tx, event, None, f"{words} Say {house.prefix}link to start anew.")
    return True


def _changed(tx: Tx, event: Edit, reading: Reading | None, post: Post, house: House, now: float) -> Draft:
    """The draft that the edit makes of the command. Raises UsageError when it is not the same command any more."""
    verb = "retweet" if post.action is Action.REPOST else "tweet" if post.draft.reply_to is None else "reply"
    if not isinstance(reading, Spoken) or reading.command.name != verb:
        raise UsageError(f"Your edit is no {house.prefix}{verb} any more.")
    message = Message(
        event.target, event.room, event.sender, event.text, event.sent_at, event.direct, thread=post.thread
    )
    asked = Asked(message, verb, reading.account, reading.text, NO_FACTS, now)
    account, draft, target = posting.wanted(tx, asked, house)
    if account.id != post.account_id:
        raise UsageError(f"Your edit names another account: {account.at}.")
    if target != post.target:
        raise UsageError("Your edit names another post; what a repost repeats cannot be changed.")
    return draft


def _hold(tx: Tx, event: Edit, post: Post, house: House, why: str) -> None:
    question = tx.answers.ask(post.author, post.room)
    tx.posts.save(
        replace(post, state=PostState.HELD, question_id=question.id, reason="its edit made something else of it")
    )
    signs.take_away(tx, post, signs.WAITS)
    first = f"{post.label}, {subject(post)}, waits, not posted"
    send, drop = f"{house.prefix}send {post.label}", f"{house.prefix}drop {post.label}"
    words = f"{why} So {first}. Send the first text all the same: {send} or ✅ · forget it: {drop} or ❌"
    _say(tx, event, post, words, question.id)


def _too_late(tx: Tx, post: Post, house: House) -> str:
    account = tx.accounts.get(post.account_id)
    keeps = account.publisher.capitalize() if account else "the publisher"
    return f"Edited after it went out; {keeps} keeps the first text · {house.prefix}undo {post.label}"


def _say(tx: Tx, event: Edit, post: Post | None, words: str, question_id: int | None = None) -> None:
    tx.answers.add(
        event.room,
        Speech.TEXT,
        words,
        target=event.target,
        thread=None if post is None else post.thread,
        mention=event.sender,
        post_id=None if post is None else post.id,
        question_id=question_id,
    )
