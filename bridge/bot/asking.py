"""The verbs send and drop, and the tick or cross on a question: a person's word about posts that wait for it.

Only the person who was asked may answer; a draft may be dropped by approvers too. It knows states and rights; what to
ask, and when, is the outbox's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge import times
from bridge.bot import holding, limits, previewing, resuming, signs, waiting
from bridge.bot.asked import Asked, Command, House, Standing
from bridge.bot.words import moment, number, quote, span, subject, without_words
from bridge.bot.zones import zone_of
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Identity, Policy, Post, PostState, Reaction, Role, Room, Speech, label, unlabel

_MOST_NAMED = 5
_WAITING = (PostState.HELD, PostState.UNKNOWN)
_WAITS = "{} waits for approval now, not for your word: an approver has to let it through."
_HOW_IT_STANDS = {
    PostState.DRAFT: "waits for approval",
    PostState.SCHEDULED: "goes out at its time",
    PostState.QUEUED: "goes out as soon as it can",
    PostState.SENDING: "is on its way",
    PostState.POSTED: "is out",
    PostState.FAILED: "was not posted",
}
TICKS, CROSSES = signs.TICKS, signs.CROSSES


@dataclass(frozen=True, slots=True)
class Sent:
    """What a `send` did: how many rows it let go, which of those go out now (as they were before), and the sentences
    about those that are drafts now, and about those that cannot go.
    """

    count: int
    going: tuple[Post, ...]
    drafts: tuple[str, ...]
    problems: tuple[str, ...]


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
    result = send_all(tx, posts, asked.sender, house, asked.now, asked.room)
    if not result.count and not result.drafts:
        raise UsageError(" ".join(result.problems))
    what = posts[0].label if len(posts) == 1 else number(result.count, "post")
    sending = [f"Sending {what}.{_later(tx, posts, asked, house)}"] if result.count else []
    asked.reply(tx, " ".join((*sending, *result.drafts, *result.problems)))
    show_going(tx, result, asked.now)


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
    drop_all(tx, posts, asked.room, asked.now)


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
    if problem := _obstacle(tx, post, asked.sender, house, asked.now):
        raise UsageError(problem)
    newest, read = previewing.version(tx, post), waiting.read_id(asked.text)
    named = 1 if read is None else read[1] or 1
    if named != newest and (read is None or read[1] is not None or previewing.writers(tx, post)):
        raise UsageError(waiting.changed(post, newest, asked.verb, house))  # nobody sends another's words unseen
    waiting.release(tx, post, house, asked.now)
    _log(tx, post, asked.sender, asked.room, asked.now)
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


def send_all(
    tx: Tx, posts: Sequence[Post], who: Identity, house: House, now: float, said_in: Room | None = None
) -> Sent:  # fmt: skip
    """Queue those of ``posts`` that may go out by the rights of ``who``; the rest waits on. An unknown one is sent
    again: its author says so. ``said_in``: where they said it; None when it follows from something else. ``show_going``
    comes after it.
    """
    left = limits.left(tx, who, house, now)
    drafts, problems = dict[str, None](), dict[str, None]()  # a sentence once, in order
    going: list[Post] = []
    count, full = 0, ""
    for known in posts:
        post = tx.posts.get(known.id) or known
        if post.state is not known.state:  # it went with an earlier part of its thread
            continue
        problem = _obstacle(tx, post, who, house, now)
        if not problem and post.state is PostState.UNKNOWN and _undoing(tx, post) is not None:
            problem = f"{post.label} is to be undone, so it is not sent again."
        if not problem and post.state is PostState.HELD and left < 1:
            full = full or _full(tx, who, house, now)
            problem = full
        if not problem:
            left -= post.state is PostState.HELD  # an unknown one counts already
            problem = _queue(tx, post, house, now)
            fresh = tx.posts.get(post.id) or post
            if said_in is not None and fresh.state is not post.state:
                _log(tx, fresh, who, said_in, now)
            if fresh.state is PostState.DRAFT:
                drafts[problem] = None
                continue
            if fresh.state is PostState.QUEUED:
                going.append(post)
        if problem:
            problems[problem] = None
        else:
            count += 1
    return Sent(count, tuple(going), tuple(drafts), tuple(problems))


def show_going(tx: Tx, sent: Sent, now: float) -> None:
    """The signs on what goes out now. The words come before: many signs take their time in a room."""
    for post in sent.going:
        if post.state is PostState.UNKNOWN:
            signs.take_away(tx, post, signs.UNSURE)
            signs.take_away(tx, post, signs.WAITS)
        first = post.thread_root or post.id
        if first == post.id or not tx.answers.of_post(first, Speech.REACTION, signs.WAITS):
            signs.wait(tx, post.room, post.message_id, first, now)


def _log(tx: Tx, post: Post, who: Identity, room: Room, now: float) -> None:
    """Who said `send`, of what, and what it came to."""
    state = (tx.posts.get(post.id) or post).state
    tx.log.add(
        who, "send", room=room, account_id=post.account_id, post_id=post.id, detail=f"{post.label}, {subject(post)}",
        outcome="waits for approval" if state is PostState.DRAFT else state.value, at=now,
    )  # fmt: skip


def _full(tx: Tx, who: Identity, house: House, now: float) -> str:
    at = moment(limits.next_time(tx, who, house, now), now)
    return f"The limit is {house.posts_per_day} posts in 24 hours; what is left waits. Say it again at {at}."


def _queue(tx: Tx, post: Post, house: House, now: float) -> str:
    """Queue it, unless approvers must let it through first: then the sentence about that."""
    role, policy = tx.accounts.role(post.account_id, post.author), tx.policies.of(post.account_id)
    unsure = post.state is PostState.UNKNOWN
    asked_about, post = post, post if unsure else waiting.permit_scaling(tx, post, house, told=False)
    if post.content and post.draft != asked_about.draft:  # it was approved as it was
        waiting.submit(tx, post, house, now)
        return f"{post.label} waits for approval."
    if post.part > 1 and _lacks_approval(tx, post, role, policy):  # what is out already cannot be a draft again
        return resuming.refused(post, house)
    if post.content and not tx.decisions.stands(post, policy.approvals):
        if unsure:
            return f"{post.label} is not approved any more, so it is not sent again."
        waiting.back(tx, post, house, now)
        return _WAITS.format(post.label)
    if not post.content and not unsure and role is not None and policy.asks(role):
        waiting.submit(tx, post, house, now)
        return _WAITS.format(post.label)
    at = post.scheduled_for
    if at is not None and at > now and not unsure:
        tx.posts.save(replace(post, state=PostState.SCHEDULED, due_at=at, question_id=None, reason=""))
        return ""
    tx.posts.save(replace(post, state=PostState.QUEUED, fresh_at=now, due_at=now, question_id=None, reason=""))
    return ""


def _lacks_approval(tx: Tx, post: Post, role: Role | None, policy: Policy) -> bool:
    if post.content:
        return not tx.decisions.stands(post, policy.approvals)
    return role is not None and policy.asks(role)


def _obstacle(tx: Tx, post: Post, who: Identity, house: House, now: float) -> str:
    """Why that person cannot send ``post`` now; empty when they can."""
    role = tx.accounts.role(post.account_id, who)
    account = tx.accounts.get(post.account_id)
    through = bool(post.content) or post.state is PostState.HELD  # approvers let it through, or will
    if account is None or role is None or not (role.may_post or through):
        return "Not sent: you may not post as that account any more."
    if account.broken:
        how = f"Write {house.prefix}link to me in private."
        return f"Not sent: {account.at} must be linked again ({account.broken}). {how}"
    return waiting.undescribed(tx, post, "Not sent", house) or waiting.unaffordable(tx, post, "Not sent", house, now)


def _undoing(tx: Tx, post: Post) -> Post | None:
    row = tx.posts.undoing(post.id)
    return None if row is None or row.state is PostState.FAILED else row


def drop_all(tx: Tx, posts: Sequence[Post], room: Room, now: float) -> None:
    """Settle ``posts`` as not to be sent, as their author said in ``room``. The words come before: many crosses take
    their time in a room.
    """
    for post in posts:
        held = post.state is PostState.HELD
        tx.log.add(
            post.author, "drop", room=room, account_id=post.account_id, post_id=post.id,
            detail=f"{post.label}, {subject(post)}", outcome="not posted" if held else "outcome unknown", at=now,
        )  # fmt: skip
        tx.posts.save(replace(post, state=PostState.FAILED, reason="dropped" if held else "dropped; outcome unknown"))
        if held:
            if post.part <= 1 or post is posts[0]:  # once for a thread
                signs.end(tx, post, signs.FAILED)
            continue
        signs.take_away(tx, post, signs.WAITS)
        undoing = _undoing(tx, post)
        if undoing is not None:  # it waited for this row's fate, which nobody will know now
            tx.posts.save(replace(undoing, state=PostState.FAILED, reason="its post was dropped; outcome unknown"))
            signs.end(tx, undoing, signs.FAILED)


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
    can = [f"to stop it: {house.prefix}undo {post.label}"]
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
        drop_all(tx, posts, event.room, now)
    elif age > house.stale_after:
        names = ", ".join(question.label for question in questions)
        old = f"Your {event.key} is {span(age)} old, so I sent nothing."
        _say(tx, event, said[0].thread, f"{old} If you still want it: {house.prefix}send {names}")
    else:
        result = send_all(tx, posts, event.sender, house, now, event.room)
        if result.drafts or result.problems:
            _say(tx, event, said[0].thread, " ".join((*result.drafts, *result.problems)))
        show_going(tx, result, now)
    return True


def _say(tx: Tx, event: Reaction, thread: str | None, words: str) -> None:
    tx.answers.add(event.room, Speech.TEXT, words, target=event.target, thread=thread, mention=event.sender)


def _has_accounts(standing: Standing) -> bool:
    return bool(standing.accounts)


COMMANDS = (
    Command(
        name="send",
        usage="send ID",
        example="send q7",
        help="Send what I asked you about, or your own draft, where you may; ✅ on my question does the same.",
        work=send,
        visible=_has_accounts,
    ),
    Command(
        name="drop",
        usage="drop ID",
        example="drop q7",
        help="Forget what I asked you about, a draft or what is scheduled; ❌ on my question does the same.",
        work=drop,
        ageless=True,
        visible=_has_accounts,
    ),
)
