"""The parts of a thread: each follows the one before it, and together they are one answer.

A part may go out when the part before it is out, and replies to that. A part that failed or whose outcome nobody knows
stops the rest; then one question says where the thread stands. With a part that was dropped, the rest ends.
It knows rows and states; what an outcome means for a single row, ``settling`` and ``searching`` know.
"""

from collections.abc import Sequence
from dataclasses import replace

from bridge import pricing
from bridge.interfaces import Tx
from bridge.model import Account, Action, Post, PostState, Speech
from bridge.outbox import previews, telling, words
from bridge.outbox.turn import ENDLESS, Turn

_WAITING = (PostState.QUEUED, PostState.HELD, PostState.SCHEDULED)


def parts_of(tx: Tx, post: Post) -> list[Post]:
    """The parts of the thread that ``post`` belongs to, in order, as they are stored."""
    return [] if post.thread_root is None else tx.posts.thread(post.thread_root)


def has_begun(tx: Tx, post: Post) -> bool:
    """Whether the post, or a part of its thread, is out or may be."""
    return any(row.claimed_at is not None for row in parts_of(tx, post) or [post])


def before(tx: Tx, post: Post) -> Post | None:
    """The part that this one follows; None for the first one, and where all before it were deleted."""
    earlier = [
        p for p in parts_of(tx, post) if p.part < post.part and p.state is not PostState.FAILED and not p.deleted
    ]
    return earlier[-1] if earlier else None


# ---------------------------------------------------------------- before a part goes out


def may_follow(turn: Turn, post: Post) -> bool:
    """Whether the turn of this part has come. ``post`` may be older than what this transaction has made of it."""
    fresh = turn.tx.posts.get(post.id)
    if fresh is None or fresh.state is not PostState.QUEUED:
        return False
    if any(row.part < post.part and row.state is PostState.FAILED for row in parts_of(turn.tx, post)):
        _abandon(turn, fresh)
        return False
    leader = before(turn.tx, post)
    if leader is None or (leader.state is PostState.POSTED and leader.remote_id is not None):
        return True
    if leader.state is PostState.POSTED:
        stop(turn, fresh, turn.account(post.account_id), f"I do not know the address of {leader.label} before it")
    return False


def _abandon(turn: Turn, post: Post) -> None:
    """A part before it was dropped: its author wants no more of the thread."""
    tx, rows = turn.tx, parts_of(turn.tx, post)
    rest = [row for row in rows if row.part >= post.part and row.state in _WAITING and row.claimed_at is None]
    for row in rest:
        tx.posts.save(replace(row, state=PostState.FAILED, reason="a part before it was dropped", question_id=None))
        telling.take_away(tx, [row], telling.WAITS)
    account = turn.account(post.account_id)
    telling.say(tx, post, words.thread_dropped(rows, rest, _urls(turn, account, rows)))


def fresh_at(tx: Tx, post: Post) -> float:
    """What a row's age counts from: a part's, from when the part before it went out."""
    leader = before(tx, post) if post.part > 1 else None
    return post.fresh_at if leader is None else max(post.fresh_at, leader.claimed_at or 0.0)


def linked(tx: Tx, post: Post) -> Post:
    """The part as a reply to the one that it follows."""
    leader = before(tx, post) if post.part > 1 else None
    return post if leader is None else replace(post, draft=replace(post.draft, reply_to=leader.remote_id))


def hold_rest(tx: Tx, post: Post) -> None:
    """The parts behind one that grew old are asked about with it."""
    for row in parts_of(tx, post):
        if row.part > post.part and row.state is PostState.QUEUED and row.claimed_at is None:
            tx.posts.save(replace(row, state=PostState.HELD, question_id=None, reason=""))


# ---------------------------------------------------------------- how it goes and ends


def went_out(turn: Turn, post: Post, account: Account) -> None:
    """A part is out. Of the last one its author hears; the others only let the next one go."""
    tx, rows = turn.tx, parts_of(turn.tx, post)
    telling.take_away(tx, [post], telling.UNSURE)
    undoing = [row for row in tx.posts.rollback(rows[0].id) if row.state is not PostState.FAILED]
    if undoing or any(row.state not in (PostState.POSTED, PostState.FAILED) for row in rows):
        return
    for row in rows:
        telling.take_away(tx, [row], telling.WAITS, telling.UNSURE, telling.FAILED)
    urls = _urls(turn, account, rows)
    out = sum(row.state is PostState.POSTED for row in rows)
    price = pricing.said_of([row.cost for row in rows], turn.house.prices)
    telling.end(tx, rows[0], telling.DONE, words.thread_posted(rows, out, account, urls, turn.house.prefix, price))


def stop(turn: Turn, post: Post, account: Account, why: str, *, doubtful: bool = False) -> None:
    """``post`` was not sent and cannot be now. With nothing out, that is the end of the thread; else it is asked about.

    A part whose earlier attempt may be out is UNKNOWN, so that nobody calls it "not posted".
    """
    tx, rows = turn.tx, parts_of(turn.tx, post)
    turn.counts["failed"] += 1
    out = [row for row in rows if row.state is PostState.POSTED and not row.deleted]
    if not out and not doubtful:
        for row in rows:
            if row.state in _WAITING or row.id == post.id:
                tx.posts.save(replace(row, state=PostState.FAILED, reason=why))
            telling.take_away(tx, [row], telling.WAITS, telling.UNSURE)
        telling.end(tx, rows[0], telling.FAILED, words.thread_failed(rows, account, why))
        return
    state = PostState.UNKNOWN if doubtful else PostState.HELD
    # A claim that certainly sent nothing is no claim: what is HELD may be undone and changed without a thought.
    stopped = replace(post, state=state, claimed_at=post.claimed_at if doubtful else None, reason=why)
    tx.posts.save(stopped)
    _ask(turn, stopped, account, words.thread_stopped(stopped, rows, account, why))
    sign_failed(tx, rows)


def sign_failed(tx: Tx, rows: Sequence[Post]) -> None:
    """❌ on the command, once."""
    for row in rows:
        telling.take_away(tx, [row], telling.WAITS, telling.UNSURE, telling.FAILED)
    first = rows[0]
    tx.answers.add(first.room, Speech.REACTION, telling.FAILED, target=first.message_id, post_id=first.id)


def ask_unsure(turn: Turn, post: Post) -> None:
    """Nobody knows whether that part is out: ask about it and the rest."""
    account = turn.account(post.account_id)
    _ask(turn, post, account, words.thread_unsure(post, parts_of(turn.tx, post), account))


def ask_stale(turn: Turn, post: Post) -> None:
    """The parts from that one on grew old: ask about them."""
    account = turn.account(post.account_id)
    rows = parts_of(turn.tx, post)
    old = turn.now - fresh_at(turn.tx, post)
    telling.take_away(turn.tx, [rows[0]], telling.WAITS)
    _ask(turn, post, account, words.thread_stale(post, rows, account, old))


def _ask(turn: Turn, post: Post, account: Account, said: str) -> None:
    """One question about ``post`` and all parts that wait behind it."""
    tx = turn.tx
    rows = parts_of(tx, post)
    question = tx.answers.ask(post.author, post.room)
    for row in rows:
        if row.id == post.id:
            tx.posts.save(replace(row, question_id=question.id, due_at=ENDLESS))
        elif row.part > post.part and row.state in _WAITING and row.claimed_at is None:
            tx.posts.save(replace(row, state=PostState.HELD, question_id=question.id, due_at=ENDLESS))
    out = [row for row in rows if row.state is PostState.POSTED and not row.deleted]
    previews.close(tx, post, said)
    price = pricing.said_of([row.cost for row in rows if row.part >= post.part], turn.house.prices)
    mend = post.label if out and post.state is PostState.HELD and not post.content else ""
    tx.answers.add(
        post.room,
        Speech.TEXT,
        words.thread_question(
            said, question, rows, len(out), _urls(turn, account, out), turn.house.prefix, mend, price
        ),
        target=post.message_id,
        thread=post.thread,
        mention=post.author,
        question_id=question.id,
    )


def _urls(turn: Turn, account: Account, rows: Sequence[Post]) -> list[str]:
    publisher = turn.house.publishers[account.publisher]
    out = [row.remote_id for row in rows if row.state is PostState.POSTED and not row.deleted]
    return [publisher.post_url(account.handle, remote_id) for remote_id in out if remote_id is not None]


# ---------------------------------------------------------------- rolling it back


def end_row(tx: Tx, row: Post, sign: str, said: str) -> None:
    """As ``telling.end``. When the row deletes a part of a thread: what went wrong is said at once, what went well with
    the last of them. The row is settled in the store already.
    """
    if row.action is not Action.DELETE or row.thread_root is None:
        telling.end(tx, row, sign, said)
        return
    rows = [other for other in tx.posts.rollback(row.thread_root) if other.message_id == row.message_id]
    if any(other.id == row.id and other.state is not PostState.POSTED for other in rows):
        telling.say(tx, row, said)
    if any(other.state in (PostState.QUEUED, PostState.SENDING) for other in rows):
        return
    for other in rows:
        telling.take_away(tx, [other], telling.WAITS)
    gone = [part for part in parts_of(tx, row) if part.deleted]
    account = tx.accounts.get(row.account_id)
    all_done = all(other.state is PostState.POSTED for other in rows)
    end = telling.DONE if all_done or gone else telling.FAILED
    tx.answers.add(row.room, Speech.REACTION, end, target=row.message_id, post_id=row.id)
    if gone and account is not None:
        ended = words.thread_deleted(gone, account)
        previews.close(tx, gone[0], ended)  # of this row's part that need not be so
        telling.say(tx, row, ended)
