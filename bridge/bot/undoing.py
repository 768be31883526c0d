"""The verb undo, and what a removed command message means.

Which post is meant is fixed here, in the transaction of the command. It knows states and rights; the deleting itself is
the outbox's.
"""

from dataclasses import replace
from enum import Enum

from bridge.bot import exhibits, previewing, signs, waiting
from bridge.bot.asked import Asked, Command, House, has_account
from bridge.bot.words import number, quote, span, subject
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Account, Action, Draft, Identity, Post, PostState, Redaction, Room, Speech, unlabel

_ENDLESS = float("inf")
_WAITING = (PostState.DRAFT, PostState.SCHEDULED, PostState.HELD, PostState.QUEUED)
_SHORTEST_ID = 15
"""Digits of a publisher's post id. Fewer are more likely a slip for a label."""


class Undone(Enum):
    """What became of the wish."""

    DROPPED = "dropped"
    """It had not gone out, and will not."""
    NOTED = "noted"
    """It is on its way, or an earlier attempt may be out; it is deleted as soon as its fate is known."""
    DELETING = "deleting"
    """It is out; the outbox deletes it and says so."""
    UNDERWAY = "underway"
    """An earlier wish is at it already."""
    GONE = "gone"
    """It was deleted before."""
    NEVER_OUT = "never out"
    """It failed or was dropped before."""


def undo(tx: Tx, asked: Asked, house: House) -> None:
    """Undo the post that is named, or the person's latest one here."""
    post = _target(tx, asked, house)
    age = asked.now - asked.message.sent_at
    if age > house.stale_after and post.state not in _WAITING:
        raise UsageError(f"You wrote that {span(age)} ago, so I did nothing. If you still want it: "
                         f"{house.prefix}undo {post.label}")  # fmt: skip
    outcome, row = take_back(tx, post, asked.sender, asked.room, asked.message.id, asked.message.thread, asked.now)
    if row is not None:
        signs.wait(tx, asked.room, asked.message.id, row.id, asked.now)
    if outcome is Undone.DROPPED:
        _stopped(tx, post, asked.sender, house)
    elif outcome is Undone.DELETING:
        _tell_author(tx, post, asked.sender, "asked me to delete this post")
    if outcome is not Undone.DELETING:  # of a deletion, the outbox speaks
        asked.reply(tx, _words(outcome, post, asked.room), post_id=post.id if row is None else row.id)


def stop(tx: Tx, post: Post, who: Identity, room: Room, message_id: str, house: House, now: float) -> str:
    """Keep ``post``, all of which still waits, from going out, as ``who`` wants by ``message_id`` in ``room``. Gives
    the words about it.
    """
    outcome, _ = take_back(tx, post, who, room, message_id, None, now)
    _stopped(tx, post, who, house)
    return _words(outcome, post, room)


def _stopped(tx: Tx, post: Post, who: Identity, house: House) -> None:
    signs.end(tx, post, signs.FAILED)
    _refresh(tx, post, house)
    _tell_author(tx, post, who, "stopped this before it went out: not posted")


def _refresh(tx: Tx, post: Post, house: House) -> None:
    """Its previews, where it has some, say how it ended."""
    ended = tx.posts.get(post.id)
    if ended is not None:
        previewing.refresh(tx, ended, house)


def _words(outcome: Undone, post: Post, room: Room) -> str:
    name = f"{post.label}, {subject(post)}," if post.room == room else post.label  # a DM's words stay there
    return {
        Undone.DROPPED: f"Undone before it went out: {name.rstrip(',')}, not posted.",
        Undone.NOTED: f"{name} is on its way. As soon as I know that it is out, I delete it.",
        Undone.UNDERWAY: f"{name} is being undone already.",
        Undone.GONE: f"{name} was undone before. Nothing more to do.",
        Undone.NEVER_OUT: f"{name} did not go out: not posted. There is nothing to undo.",
    }[outcome]


def take_back(
    tx: Tx, post: Post, who: Identity, room: Room, message_id: str, thread: str | None, now: float
) -> tuple[Undone, Post | None]:
    """Undo ``post`` for ``who``, answering to ``message_id`` in ``room``; gives the DELETE row where one was made. A
    part of a thread stands for all of it: what is out is deleted, the newest first, and the rest stays away.
    """
    if post.thread_root is None:
        return _take_back(tx, post, who, room, message_id, thread, now)
    parts = previewing.parts_of(tx, post)
    ends = [_take_back(tx, part, who, room, message_id, thread, now) for part in reversed(parts)]
    for best in (Undone.DELETING, Undone.NOTED, Undone.DROPPED, Undone.UNDERWAY, Undone.GONE):
        if any(end is best for end, _ in ends):
            return best, next((row for _, row in ends if row is not None), None)
    return Undone.NEVER_OUT, None


def _take_back(
    tx: Tx, post: Post, who: Identity, room: Room, message_id: str, thread: str | None, now: float
) -> tuple[Undone, Post | None]:
    if post.deleted:
        return Undone.GONE, None
    if post.state is PostState.FAILED:
        return Undone.NEVER_OUT, None
    if post.state in _WAITING and post.claimed_at is None:
        tx.posts.save(replace(post, state=PostState.FAILED, reason=f"undone by {who.name}", question_id=None))
        tx.log.add(
            who, "drop", room=room, account_id=post.account_id, post_id=post.id,
            detail=f"{post.label}, {subject(post)}", outcome="undone: not posted", at=now,
        )  # fmt: skip
        return Undone.DROPPED, None
    earlier = tx.posts.undoing(post.id)
    if earlier is not None and earlier.state is not PostState.FAILED:
        return Undone.UNDERWAY, None
    out = post.state is PostState.POSTED
    row = tx.posts.add(
        Action.DELETE,
        post.account_id,
        who,
        room,
        message_id,
        thread,
        Draft(""),
        state=PostState.QUEUED,
        now=now,
        fresh_at=now,
        due_at=now if out else _ENDLESS,
        undoes=post.id,
    )
    if post.thread_root is not None:
        tx.posts.extend(replace(row, thread_root=post.thread_root, part=post.part))
    return (Undone.DELETING if out else Undone.NOTED), row


def _target(tx: Tx, asked: Asked, house: House) -> Post:
    said = asked.text.strip()
    if asked.account is not None:
        raise UsageError(f"Say which post instead of which account: {house.prefix}{house.verbs['undo'].usage}")
    if not said:
        post = tx.posts.latest(asked.sender, asked.room)
        if post is None:
            raise UsageError(
                "There is no post of yours in this room that I could undo. To undo another one, name it:"
                f" {house.prefix}{house.verbs['undo'].usage}"
            )
        _check_meant(tx, asked, post, house)
    else:
        post = _named(tx, said, house)
        role = None if post is None else tx.accounts.role(post.account_id, asked.sender)
        if post is None or (role is None and post.author != asked.sender):
            raise UsageError(f"I know no post {quote(said)} that you may undo.")
        if role is not None and post.author != asked.sender and not role.may_undo_others:
            who = post.author.name
            raise UsageError(f"{post.label} is by {who}: only they, an approver or an owner may undo it.")
        if post.action is Action.DELETE:
            raise UsageError(f"{post.label} is an undo itself, and cannot be undone.")
    if post.author != asked.sender and any(d.identity == asked.sender for d in tx.decisions.standing(post)):
        _ask_what_is_undone(post, house)
    if post.thread_root is not None:
        part, post = post, tx.posts.get(post.thread_root) or post
        if said and part.id != post.id and not part.deleted:
            parts = number(len(previewing.parts_of(tx, post)), "part")
            raise UsageError(
                f"{quote(said)} is part {part.part} of the thread {post.label}, and an undo takes back all {parts}, so"
                f" I did nothing yet. To do that: {house.prefix}undo {post.label}"
            )
    _check_right(tx, post, asked.sender)
    return post


def _check_meant(tx: Tx, asked: Asked, post: Post, house: House) -> None:
    """While somebody else's post is in its waiting time here, whoever names none may mean that. Raises UsageError."""
    queued = (one for account, _ in tx.accounts.usable_by(asked.sender) for one in _held(tx, account, asked))
    other = next(queued, None)
    if post.state is PostState.POSTED and other is not None:
        raise UsageError(
            f"{other.label}, which waits here, is not yours, and your last post here, {post.label}, {subject(post)}, is"
            f" out, so I did nothing yet. To delete yours: {house.prefix}undo {post.label}"
        )


def _held(tx: Tx, account: Account, asked: Asked) -> list[Post]:
    rows = tx.posts.in_state(PostState.QUEUED, account.id)
    others = (row for row in rows if row.room == asked.room and row.author != asked.sender)
    return [row for row in others if row.action is not Action.DELETE and waiting.is_held(row, asked.now)]


def _ask_what_is_undone(post: Post, house: House) -> None:
    """Whoever approved a draft that still waits may mean that, and not the draft. Raises UsageError then."""
    if post.state is PostState.DRAFT:
        raise UsageError(
            f"{post.label} is a draft that you approved, so I did nothing. To take your approval back: {house.prefix}"
            f"unapprove {post.label} · to end the draft: {house.prefix}drop {post.label}"
        )


def _named(tx: Tx, said: str, house: House) -> Post | None:
    known = unlabel(said)
    if known is not None:
        return tx.posts.get(known[1]) if known[0] == "k" else None
    if said.isdecimal() and len(said) < _SHORTEST_ID:
        raise UsageError(f"Which post is {quote(said)}? Write {house.prefix}undo k7, or the post's address.")
    for publisher in house.publishers.values():
        remote_id = publisher.find_id(said)
        post = None if remote_id is None else tx.posts.find(publisher.name, remote_id)
        if post is not None:
            return post
    return None


def _check_right(tx: Tx, post: Post, who: Identity) -> None:
    """What is out can be deleted only by somebody who may still use the account."""
    if post.state in (*_WAITING, PostState.FAILED):
        return
    role = tx.accounts.role(post.account_id, who)
    if role is None:
        raise UsageError(f"{post.label} stays: you may not use its account any more.")
    if not role.may_delete(own=who == post.author, approved=bool(post.content)):
        raise UsageError(f"{post.label} stays: you may only draft now. Ask an approver or owner to undo it.")


def _tell_author(tx: Tx, post: Post, who: Identity, did: str) -> None:
    if post.author == who:
        return
    waiting.tell(tx, post.room, post.author, post, f"{who.name} {did}: {subject(post)}")


# ---------------------------------------------------------------- the command's message was removed


def removed(tx: Tx, event: Redaction, house: House, now: float) -> None:
    """A message was removed. If it was a command, its author wants the post undone; others are only reported."""
    post = tx.posts.of_message(event.room.network, event.target)
    _picture_removed(tx, event, house, now)
    if post is None or post.action is Action.DELETE:
        return
    if event.sender != post.author:
        _report(tx, event, post, house)
        return
    _check_right(tx, post, event.sender)
    outcome, row = take_back(tx, post, event.sender, post.room, post.message_id, post.thread, now)
    if outcome is Undone.DROPPED:
        signs.take_away(tx, post, signs.WAITS)
        signs.take_away(tx, post, signs.APPROVAL)
        _refresh(tx, post, house)
    if outcome in (Undone.DROPPED, Undone.NOTED):
        words = "You removed the command. " + _words(outcome, post, post.room)
        about = post.id if row is None else row.id
        tx.answers.add(post.room, Speech.TEXT, words, thread=post.thread, mention=post.author, post_id=about)


def _picture_removed(tx: Tx, event: Redaction, house: House, now: float) -> None:
    """A message was removed that holds a picture of posts. Of those that have not gone out its author wants no more;
    others are only reported. What is out stays: people tidy up their rooms.
    """
    found = tx.posts.with_picture(event.room.network, event.target)
    roots = {(post.thread_root or post.id): tx.posts.get(post.thread_root or post.id) or post for post in found}
    for post in roots.values():
        parts = previewing.parts_of(tx, post)
        if event.target == post.message_id:
            continue
        if any(one.state not in _WAITING or one.claimed_at is not None for one in parts):
            continue
        if event.room != post.room:
            exhibits.removed(tx, post, event.target, event.room)
            _refresh(tx, post, house)
            continue
        if event.sender != post.author:
            words = (
                f"{event.sender.name} removed a picture of {post.label}, {subject(post)}, which still waits to go out"
            )
            waiting.tell(tx, post.room, post.author, post, f"{words} · undo: {house.prefix}undo {post.label}")
            exhibits.removed(tx, post, event.target, event.room)
            _refresh(tx, post, house)
            continue
        take_back(tx, post, event.sender, post.room, post.message_id, post.thread, now)
        signs.end(tx, post, signs.FAILED)
        _refresh(tx, post, house)
        waiting.tell(
            tx, post.room, post.author, post, f"You removed its picture. {_words(Undone.DROPPED, post, post.room)}"
        )


def _report(tx: Tx, event: Redaction, post: Post, house: House) -> None:
    if event.room != post.room or post.deleted or post.state is PostState.FAILED:
        return
    stays = "the post still goes out"
    if post.state is PostState.HELD:
        stays = "the post still waits for its author"
    elif post.state is PostState.DRAFT:
        stays = "the draft still waits for approval"
    elif post.state is PostState.POSTED:
        account = tx.accounts.get(post.account_id)
        publisher = house.publishers.get(account.publisher) if account else None
        remote_id = post.target or post.remote_id
        url = publisher.post_url(account.handle, remote_id) if account and publisher and remote_id else post.label
        stays = f"the post stays: {url}"
    words = f"{event.sender.name} removed the message of a post by {post.author.name}; {stays}"
    words += f" · undo: {house.prefix}undo {post.label}"
    tx.answers.add(post.room, Speech.TEXT, words, thread=post.thread, mention=post.author, post_id=post.id)


COMMANDS = (
    Command(
        name="undo",
        usage="undo [ID or URL]",
        example="undo k7",
        help="Take back your last post here, or the one that you name: it is deleted where it is out. Removing the"
        " message of your command does the same.",
        work=undo,
        ageless=True,
        visible=has_account,
    ),
)
