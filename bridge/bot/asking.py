"""The verbs send and drop, and the tick or cross on a question: a person's word about posts that wait for it.

Only the person who was asked may answer. It knows states and rights; what to ask, and when, is the outbox's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.bot import limits, signs
from bridge.bot.asked import Asked, Command, House, Standing
from bridge.bot.words import moment, number, quote, span, subject
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Identity, Post, PostState, Reaction, Room, Speech, label, unlabel

_WAITING = (PostState.HELD, PostState.UNKNOWN)
_TICKS = ("✅", "✅\ufe0f", "✅\ufe0e")
_CROSSES = ("❌", "❌\ufe0f", "❌\ufe0e")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a `send` did: how many rows go out now, and the sentences about those that cannot."""

    count: int
    problems: tuple[str, ...]


def send(tx: Tx, asked: Asked, house: House) -> None:
    """Let the posts go out that were asked about."""
    posts = _named(tx, asked, house)
    result = send_all(tx, posts, asked.sender, house, asked.now)
    if not result.count:
        raise UsageError(" ".join(result.problems))
    what = posts[0].label if len(posts) == 1 else number(result.count, "post")
    asked.reply(tx, " ".join((f"Sending {what}.", *result.problems)))


def drop(tx: Tx, asked: Asked, house: House) -> None:
    """Forget the posts that were asked about."""
    posts = _named(tx, asked, house)
    asked.reply(tx, _dropped(posts, asked.room), post_id=posts[0].id if len(posts) == 1 else None)
    drop_all(tx, posts)


def send_all(tx: Tx, posts: Sequence[Post], who: Identity, house: House, now: float) -> Sent:
    """Queue those of ``posts`` that may go out; the rest waits on. An unknown one is sent again: its author says so."""
    left = limits.left(tx, who, house, now)
    rights: dict[int, str] = {}
    problems: dict[str, None] = {}  # a sentence once, in order
    count, full = 0, ""
    for post in posts:
        if post.account_id not in rights:
            rights[post.account_id] = _obstacle(tx, post.account_id, who, house)
        problem = rights[post.account_id]
        if not problem and post.state is PostState.UNKNOWN and _undoing(tx, post) is not None:
            problem = f"{post.label} is to be undone, so it is not sent again."
        if not problem and post.state is PostState.HELD and left < 1:
            full = full or _full(tx, who, house, now)
            problem = full
        if problem:
            problems[problem] = None
            continue
        left -= post.state is PostState.HELD  # an unknown one counts already
        _queue(tx, post, now)
        count += 1
    return Sent(count, tuple(problems))


def _full(tx: Tx, who: Identity, house: House, now: float) -> str:
    at = moment(limits.next_time(tx, who, house, now), now)
    return f"The limit is {house.posts_per_day} posts in 24 hours; what is left waits. Say it again at {at}."


def _queue(tx: Tx, post: Post, now: float) -> None:
    tx.posts.save(replace(post, state=PostState.QUEUED, fresh_at=now, due_at=now, question_id=None, reason=""))
    if post.state is PostState.UNKNOWN:
        signs.take_away(tx, post, signs.UNSURE)
        signs.take_away(tx, post, signs.WAITS)
    signs.wait(tx, post.room, post.message_id, post.id, now)


def _obstacle(tx: Tx, account_id: int, who: Identity, house: House) -> str:
    """Why that person can send nothing as that account now; empty when they can."""
    role = tx.accounts.role(account_id, who)
    account = tx.accounts.get(account_id)
    if account is None or role is None or not role.may_post:
        return "Not sent: you may not post as that account any more."
    if account.broken:
        how = f"Write {house.prefix}link to me in private."
        return f"Not sent: {account.at} must be linked again ({account.broken}). {how}"
    return ""


def _undoing(tx: Tx, post: Post) -> Post | None:
    row = tx.posts.undoing(post.id)
    return None if row is None or row.state is PostState.FAILED else row


def drop_all(tx: Tx, posts: Sequence[Post]) -> None:
    """Settle ``posts`` as not to be sent. The words come before: many crosses take their time in a room."""
    for post in posts:
        held = post.state is PostState.HELD
        tx.posts.save(replace(post, state=PostState.FAILED, reason="dropped" if held else "dropped; outcome unknown"))
        if held:
            signs.end(tx, post, signs.FAILED)
            continue
        signs.take_away(tx, post, signs.WAITS)
        undoing = _undoing(tx, post)
        if undoing is not None:  # it waited for this row's fate, which nobody will know now
            tx.posts.save(replace(undoing, state=PostState.FAILED, reason="its post was dropped; outcome unknown"))
            signs.end(tx, undoing, signs.FAILED)


def _dropped(posts: Sequence[Post], room: Room) -> str:
    """What `drop` says in ``room`` about ``posts``, in the states that they had."""
    unsure = sum(post.state is PostState.UNKNOWN for post in posts)
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
            raise UsageError(f"Nothing waits for {question.label} any more.")
        return posts
    post = tx.posts.get(known[1])
    if post is None or post.author != asked.sender:
        raise UsageError(f"There is no post {quote(said)} of yours.")
    if post.state is PostState.UNKNOWN and post.question_id is None:
        raise UsageError(f"I am still looking whether {post.label} went out. Wait for what I find.")
    if post.state not in _WAITING:
        raise UsageError(f"{post.label} does not wait for your word: it is {post.state.value}.")
    return [post]


def _waiting(posts: Sequence[Post], who: Identity) -> list[Post]:
    return [post for post in posts if post.state in _WAITING and post.author == who]


def _which(tx: Tx, asked: Asked, house: House) -> str:
    usage = f"{house.prefix}{house.verbs[asked.verb].usage}"
    waiting = tx.posts.waiting_for(asked.sender)
    labels = dict.fromkeys(label("q", post.question_id) for post in waiting if post.question_id is not None)
    if not labels:
        return f"Which one? {usage}. Nothing of yours waits for an answer now."
    return f"Which one? {usage}. Waiting for your answer: {', '.join(list(labels)[:10])}."


# ---------------------------------------------------------------- a tick or a cross


def ticked(tx: Tx, event: Reaction, house: House, now: float) -> None:
    """A reaction: if it is a tick or a cross of the person asked, on the bot's question, it answers that."""
    if event.key not in _TICKS and event.key not in _CROSSES:
        return
    said = tx.answers.of_event(event.room.network, event.target)
    numbers = dict.fromkeys(a.question_id for a in said if a.question_id is not None and a.room == event.room)
    questions = [q for q in map(tx.answers.question, numbers) if q is not None and q.asked == event.sender]
    posts = [post for q in questions for post in _waiting(tx.posts.of_question(q.id), event.sender)]
    if not posts:
        return
    age = now - event.sent_at
    if event.key in _CROSSES:
        _say(tx, event, said[0].thread, _dropped(posts, event.room))
        drop_all(tx, posts)
    elif age > house.stale_after:
        names = ", ".join(question.label for question in questions)
        old = f"Your {event.key} is {span(age)} old, so I sent nothing."
        _say(tx, event, said[0].thread, f"{old} If you still want it: {house.prefix}send {names}")
    else:
        problems = send_all(tx, posts, event.sender, house, now).problems
        if problems:
            _say(tx, event, said[0].thread, " ".join(problems))


def _say(tx: Tx, event: Reaction, thread: str | None, words: str) -> None:
    tx.answers.add(event.room, Speech.TEXT, words, target=event.target, thread=thread, mention=event.sender)


def _has_accounts(standing: Standing) -> bool:
    return bool(standing.accounts)


COMMANDS = (
    Command(
        name="send",
        usage="send ID",
        example="send q7",
        help="Send what I asked you about; ✅ on my question does the same.",
        work=send,
        visible=_has_accounts,
    ),
    Command(
        name="drop",
        usage="drop ID",
        example="drop q7",
        help="Forget what I asked you about; ❌ on my question does the same.",
        work=drop,
        ageless=True,
        visible=_has_accounts,
    ),
)
