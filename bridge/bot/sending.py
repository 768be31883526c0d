"""What becomes of posts that wait for a word, once it is said: they go out by their author's rights, or end.

It knows rights, limits and states. Whose word it is, and which posts it is about, is ``asking``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.bot import limits, resuming, signs, waiting
from bridge.bot.asked import House
from bridge.bot.words import moment, subject
from bridge.interfaces import Tx
from bridge.model import Identity, Policy, Post, PostState, Role, Room, Speech

_WAITS = "{} waits for approval now, not for your word: an approver has to let it through."


@dataclass(frozen=True, slots=True)
class Sent:
    """What a `send` did: how many rows it let go, which of those go out now (as they were before), and the sentences
    about those that are drafts now, and about those that cannot go.
    """

    count: int
    going: tuple[Post, ...]
    drafts: tuple[str, ...]
    problems: tuple[str, ...]


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
        problem = obstacle(tx, post, who, house, now)
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
                record(tx, fresh, who, said_in, now)
            if fresh.state is PostState.DRAFT:
                drafts[problem] = None
                continue
            if fresh.state is PostState.QUEUED:
                going.append(post)
        if problem:
            problems[problem] = None
            if said_in is not None:
                record(tx, post, who, said_in, now, problem)
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


def record(tx: Tx, post: Post, who: Identity, room: Room, now: float, problem: str = "") -> None:
    """Who said `send`, of what, and what it came to. ``problem``: why it was refused."""
    state = (tx.posts.get(post.id) or post).state
    outcome = "waits for approval" if state is PostState.DRAFT else state.value
    if problem:
        outcome = f"refused: {problem.removeprefix('Not sent: ').partition('. ')[0]}"
    tx.log.add(
        who, "send", room=room, account_id=post.account_id, post_id=post.id, detail=f"{post.label}, {subject(post)}",
        outcome=outcome, at=now,
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


def obstacle(tx: Tx, post: Post, who: Identity, house: House, now: float) -> str:
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
