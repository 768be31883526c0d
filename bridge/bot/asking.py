"""The verbs send and drop, and the tick or cross on a question: a person's word about posts that wait for it.

Only the person who was asked may answer; a draft may be dropped by approvers too. It knows states and rights; what to
ask, and when, is the outbox's.
"""

from collections.abc import Sequence

from bridge import times
from bridge.bot import holding, previewing, resuming, sending, signs, waiting
from bridge.bot.asked import Asked, Command, House, has_account
from bridge.bot.words import number, quote, span, subject, without_words
from bridge.bot.zones import zone_of
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Identity, Post, PostState, Reaction, Room, Speech, label, unlabel

_MOST_NAMED = 5
_WAITING = (PostState.HELD, PostState.UNKNOWN)
_HOW_IT_STANDS = {
    PostState.DRAFT: "waits for approval",
    PostState.SCHEDULED: "goes out at its time",
    PostState.QUEUED: "goes out as soon as it can",
    PostState.SENDING: "is on its way",
    PostState.POSTED: "is out",
    PostState.FAILED: "was not posted",
}
TICKS, CROSSES = signs.TICKS, signs.CROSSES


def send(tx: Tx, asked: Asked, house: House) -> None:
    """Let the posts go out that were asked about."""
    waiting.one_only(asked, house)
    if (post := _own_draft(tx, asked)) is not None:
        _release(tx, asked, post, house)
        return
    posts = resuming.rest(tx, asked, house)
    if posts is None:
        posts = _named(tx, asked, house)
    elif not posts:
        return
    result = sending.send_all(tx, posts, asked.sender, house, asked.now, asked.room)
    if not result.count and not result.drafts:
        raise UsageError(" ".join(result.problems))
    what = posts[0].label if len(posts) == 1 else number(result.count, "post")
    going = [f"Sending {what}.{_later(tx, posts, asked, house)}"] if result.count else []
    asked.reply(tx, " ".join((*going, *result.drafts, *result.problems)))
    sending.show_going(tx, result, asked.now)


def _later(tx: Tx, posts: Sequence[Post], asked: Asked, house: House) -> str:
    """The sentence about what does not go out now, but at its time."""
    known = (tx.posts.get(post.id) for post in posts)
    times_ = {row.scheduled_for for row in known if row is not None and row.state is PostState.SCHEDULED}
    at = next(iter(times_), None)
    if at is None or len(times_) > 1:
        return " What has a time goes out then." if times_ else ""
    first = min(posts, key=lambda post: post.part).label
    how = f"To change it: {house.prefix}edit {first} [WHEN |] TEXT · to drop it: {house.prefix}drop {first}"
    return f" It goes out at its time: {times.absolute(at, zone_of(tx, asked.sender, house))}. {how}"


def drop(tx: Tx, asked: Asked, house: House) -> None:
    """Forget the posts that were asked about."""
    waiting.one_only(asked, house)
    _check_whole(tx, asked, house)
    if (post := _unsent(tx, asked)) is not None:
        _drop_unsent(tx, asked, post, house)
        return
    posts = _named(tx, asked, house)
    asked.reply(tx, _dropped(tx, posts, asked.room, house), post_id=posts[0].id if len(posts) == 1 else None)
    sending.drop_all(tx, posts, asked.room, asked.now)


# ---------------------------------------------------------------- drafts, and what waits for its time


def _own_draft(tx: Tx, asked: Asked) -> Post | None:
    """A draft of the sender, where that is what the command names."""
    read = waiting.read_id(asked.text)
    post = None if read is None else waiting.visible(tx, read[0], asked.sender)
    return post if post is not None and post.state is PostState.DRAFT and post.author == asked.sender else None


def _release(tx: Tx, asked: Asked, post: Post, house: House) -> None:
    role = tx.accounts.role(post.account_id, asked.sender)
    if role is None or tx.policies.of(post.account_id).asks(role):
        raise UsageError(
            f"{post.label} waits for approval, not for your word. {house.prefix}show {post.label} shows it."
        )
    if problem := sending.obstacle(tx, post, asked.sender, house, asked.now):
        raise UsageError(problem)
    newest, read = previewing.version(tx, post), waiting.read_id(asked.text)
    named = 1 if read is None else read[1] or 1
    if named != newest and (read is None or read[1] is not None or previewing.writers(tx, post)):
        raise UsageError(waiting.changed(post, newest, asked.verb, house))  # nobody sends another's words unseen
    waiting.release(tx, post, house, asked.now)
    sending.record(tx, post, asked.sender, asked.room, asked.now)
    sent = tx.posts.get(post.id) or post
    held = waiting.is_held(sent, asked.now)
    how = f"{post.label} goes out {holding.how(tx, sent, house, asked.now)}" if held else f"Sending {post.label}."
    asked.reply(tx, how, post_id=post.id)


def _unsent(tx: Tx, asked: Asked) -> Post | None:
    """A draft, or a post that waits for its time, that the sender may drop, where the command names one."""
    read = waiting.read_id(asked.text)
    post = None if read is None else waiting.visible(tx, read[0], asked.sender)
    held = post is not None and waiting.is_held(post, asked.now)
    if post is None or (post.state not in (PostState.DRAFT, PostState.SCHEDULED) and not held):
        return None
    role = tx.accounts.role(post.account_id, asked.sender)
    if post.author != asked.sender and (role is None or not role.may_approve):
        raise UsageError(f"You may not drop {post.label}: only its author, an approver or an owner may.")
    return post


def _drop_unsent(tx: Tx, asked: Asked, post: Post, house: House) -> None:
    words = _dropped(tx, [post], asked.room, house)
    waiting.drop(tx, post, asked.sender, asked.room, house, asked.now)
    if asked.room != post.room or asked.sender == post.author:  # else its author was told there just that
        asked.reply(tx, words, post_id=post.id)


# ---------------------------------------------------------------- what was asked about


def _dropped(tx: Tx, posts: Sequence[Post], room: Room, house: House) -> str:
    """What `drop` says in ``room`` about ``posts``, in the states that they had."""
    unsure = sum(post.state is PostState.UNKNOWN for post in posts)
    first, *_ = previewing.parts_of(tx, posts[0])
    out = first.state is PostState.POSTED and not first.deleted
    if out and not unsure and {post.thread_root for post in posts} == {first.id}:
        rest = f"part {posts[0].part}" if len(posts) == 1 else f"parts {posts[0].part} to {posts[-1].part}"
        stays = f"What is out of it stays · undo: {house.prefix}undo {first.label}"
        return f"Dropped {rest} of the thread {first.label}: not posted. {stays}"
    if len(posts) == 1:
        what = f"{posts[0].label}, {subject(posts[0])}" if posts[0].room == room else posts[0].label
        return f"Dropped {what}: " + ("outcome unknown, not sent again." if unsure else "not posted.")
    words = f"Dropped {number(len(posts), 'post')}: "
    if not unsure:
        return words + "none of them was posted."
    return words + f"{len(posts) - unsure} not posted, {unsure} with unknown outcome, not sent again."


def _named(tx: Tx, asked: Asked, house: House) -> list[Post]:
    """The waiting posts that the command names: of a question, or one. Raises UsageError when there are none."""
    said = asked.text.strip()
    known = unlabel(said)
    if known is None:
        raise UsageError(_which(tx, asked, house))
    if known[0] == "q":
        question = tx.answers.question(known[1])
        if question is None or question.asked != asked.sender:
            raise UsageError(f"I have no question {quote(said)} for you.")
        posts = _waiting(tx.posts.of_question(question.id), asked.sender)
        if not posts:
            raise UsageError(
                f"Nothing waits for {question.label} any more. {house.prefix}queue shows what still goes out."
            )
        return posts
    post = tx.posts.get(known[1])
    if post is None or post.author != asked.sender:
        raise UsageError(_not_theirs(tx, known[1], said, asked, house))
    if rest := _rest(tx, post):
        return rest
    if post.state is PostState.UNKNOWN and post.question_id is None:
        raise UsageError(f"I am still looking whether {post.label} went out. Wait for what I find.")
    if post.state not in _WAITING:
        stands = "was deleted" if post.deleted else _HOW_IT_STANDS[post.state]
        if post.state is PostState.FAILED and post.reason:
            stands = f"ended, not posted ({without_words(post.reason).rstrip('.')})"
        can_undo = asked.verb == "drop" and post.state is not PostState.FAILED and not post.deleted
        how = f" To take it back: {house.prefix}undo {post.label}" if can_undo else ""
        raise UsageError(f"{post.label} does not wait for your word: it {stands}.{how}")
    return [post]


def _rest(tx: Tx, post: Post) -> list[Post]:
    """What waits for a word of the thread that the named post belongs to: nobody sends or drops half of that. Nothing,
    where it is no thread, or a part is still looked for.
    """
    rows = [] if post.thread_root is None else _waiting(previewing.parts_of(tx, post), post.author)
    return [] if any(row.state is PostState.UNKNOWN and row.question_id is None for row in rows) else rows


def _check_whole(tx: Tx, asked: Asked, house: House) -> None:
    """Raises UsageError where a later part of a thread is named: all that waits of it would be dropped."""
    read = waiting.read_id(asked.text)
    root = None if read is None else waiting.visible(tx, read[0], asked.sender)
    part = None if read is None else tx.posts.get(read[0])
    if root is None or part is None or part.id == root.id:
        return
    waits = (*_WAITING, PostState.DRAFT, PostState.SCHEDULED, PostState.QUEUED)
    rows = [row for row in previewing.parts_of(tx, root) if row.state in waits]
    if rows and rows[0].id != part.id and part in rows:
        raise UsageError(
            f"{part.label} is part {part.part} of a thread. Nobody can drop a part alone, so I did nothing. All of it"
            f" that waits: {house.prefix}drop {rows[0].label} · other words: {house.prefix}edit {part.label} TEXT"
        )


def _not_theirs(tx: Tx, post_id: int, said: str, asked: Asked, house: House) -> str:
    """Why they cannot answer for that post, and what they can do; nothing of one that they may not know of."""
    post = waiting.visible(tx, post_id, asked.sender)
    if post is None:
        return f"There is no post {quote(said)} of yours."
    words = f"{label('k', post_id)} is by {post.author.name}, and only they can say that."
    role = tx.accounts.role(post.account_id, asked.sender)
    if role is None or not role.may_approve:
        return words
    can = [f"to {'delete' if post.state is PostState.POSTED else 'stop'} it: {house.prefix}undo {post.label}"]
    if post.state is PostState.DRAFT:
        current = previewing.name(post.id, previewing.version(tx, post))
        can.insert(0, f"to let it go out: {house.prefix}approve {current}")
    return f"{words} You can do this: {' · '.join(can)}"


def _waiting(posts: Sequence[Post], who: Identity) -> list[Post]:
    return [post for post in posts if post.state in _WAITING and post.author == who]


def _which(tx: Tx, asked: Asked, house: House) -> str:
    usage = f"{house.prefix}{house.verbs[asked.verb].usage}"
    waiting = [post for post in tx.posts.waiting_for(asked.sender) if post.question_id is not None]
    if not waiting:
        return f"Which one? {usage}. Nothing of yours waits for an answer now."
    questions: dict[int, list[Post]] = {}
    for post in waiting:
        if asked.message.direct or post.room == asked.room:
            questions.setdefault(post.question_id or 0, []).append(post)
    names = [
        f"{posts[0].label} ({subject(posts[0])})" if len(posts) == 1 else f"{label('q', q)} ({len(posts)} posts)"
        for q, posts in list(questions.items())[:_MOST_NAMED]
    ]
    listed = f"Waiting for your answer: {', '.join(names)}. " if names else ""
    return f"Which one? {usage}. {listed}{house.prefix}status, in private, shows all that wait."


# ---------------------------------------------------------------- a tick or a cross


def ticked(tx: Tx, event: Reaction, house: House, now: float) -> bool:
    """A reaction: if it is a tick or a cross of the person asked, on the bot's question, it answers that. False when it
    answers none.
    """
    if event.key not in TICKS and event.key not in CROSSES:
        return False
    said = tx.answers.of_event(event.room.network, event.target)
    numbers = dict.fromkeys(a.question_id for a in said if a.question_id is not None and a.room == event.room)
    questions = [q for q in map(tx.answers.question, numbers) if q is not None and q.asked == event.sender]
    posts = [post for q in questions for post in _waiting(tx.posts.of_question(q.id), event.sender)]
    if not posts:
        return False
    age = now - event.sent_at
    if event.key in CROSSES:
        _say(tx, event, said[0].thread, _dropped(tx, posts, event.room, house))
        sending.drop_all(tx, posts, event.room, now)
    elif age > house.stale_after:
        names = ", ".join(question.label for question in questions)
        old = f"Your {event.key} is {span(age)} old, so I sent nothing."
        _say(tx, event, said[0].thread, f"{old} If you still want it: {house.prefix}send {names}")
    else:
        result = sending.send_all(tx, posts, event.sender, house, now, event.room)
        if result.drafts or result.problems:
            _say(tx, event, said[0].thread, " ".join((*result.drafts, *result.problems)))
        sending.show_going(tx, result, now)
    return True


def _say(tx: Tx, event: Reaction, thread: str | None, words: str) -> None:
    tx.answers.add(event.room, Speech.TEXT, words, target=event.target, thread=thread, mention=event.sender)


COMMANDS = (
    Command(
        name="send",
        usage="send ID",
        example="send q7",
        help="Send what I asked you about, or your own draft, where you may; ✅ on my question does the same.",
        work=send,
        visible=has_account,
    ),
    Command(
        name="drop",
        usage="drop ID",
        example="drop q7",
        help="Forget what I asked you about, a draft or what is scheduled; ❌ on my question does the same.",
        work=drop,
        ageless=True,
        visible=has_account,
    ),
)
