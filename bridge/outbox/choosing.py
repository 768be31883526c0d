"""Chooses what to do next, and claims it: one exchange an account at a time, the oldest row first.

Rights, age, rests and the operator's pause are looked at here, at the moment of sending. It knows no outcome.
"""

from collections.abc import Iterator
from dataclasses import replace

from bridge.interfaces import Ready
from bridge.model import Account, Action, Post, PostState, Sealed, Speech
from bridge.outbox import patience, searching, telling, threads, uploading, words
from bridge.outbox.errand import Errand
from bridge.outbox.rights import let_out
from bridge.outbox.settling import dead_end
from bridge.outbox.turn import ENDLESS, Search, Turn

_PATIENCE = 10.0
"""Seconds after which a person must have heard that their post is not posted yet."""


def choose(turn: Turn) -> None:
    """Claim as much as is free: looks first, then what is to be deleted, then posts."""
    if turn.uploads:
        patience.tend(turn)
    if turn.free > 0:
        _searches(turn)
    turn.unasked = turn.kinds.unasked
    deletes = turn.tx.posts.due((PostState.QUEUED,), Action.DELETE, ENDLESS) if turn.kinds.deletes else ()
    for row in deletes:
        if row.due_at == ENDLESS:
            row = _awaited(turn, row) or row
        if row.due_at < ENDLESS and not turn.paused:
            _delete(turn, row)
    if turn.kinds.queued and not turn.paused:
        _posts(turn)
    claimed = [errand.post.id for errand in turn.errands if errand.attempts_row]
    if claimed:
        turn.tx.posts.claim(claimed, turn.now)


def _claim(
    turn: Turn, post: Post, account: Account, sealed: Sealed, target: str = "", *, reposted: bool = False
) -> None:
    """As ``choose`` writes it at its end, for all at once."""
    doubtful = post.claimed_at is not None
    claimed = replace(
        post,
        state=PostState.SENDING,
        claimed_at=post.claimed_at if doubtful else turn.now,
        attempts=post.attempts + 1,
    )
    _begin(turn, Errand(claimed, account, sealed, doubtful, target, reposted))


def _begin(turn: Turn, errand: Errand) -> None:
    turn.busy.add(errand.account.id)
    turn.free -= 1
    turn.errands.append(errand)


def _may_begin(turn: Turn, account_id: int) -> bool:
    return turn.free > 0 and account_id not in turn.busy


# ---------------------------------------------------------------- looks


def _searches(turn: Turn) -> None:
    for search in list(turn.searches.values()):
        if search.next_at > turn.mono:
            turn.wake = min(turn.wake, search.next_at)
        elif _may_begin(turn, search.account_id):
            _search(turn, search)


def _search(turn: Turn, search: Search) -> None:
    tx = turn.tx
    post = tx.posts.get(search.post_id)
    if post is None or post.state is not PostState.UNKNOWN:  # its author decided meanwhile
        del turn.searches[search.post_id]
        return
    account, sealed = turn.account(post.account_id), tx.accounts.sealed(post.account_id)
    if sealed is None or account.publisher not in turn.house.publishers:
        searching.give_up(turn, post, account, looked=False)
        return
    known = frozenset(tx.posts.remote_ids(account.id))
    _begin(turn, Errand(post, account, sealed, search=replace(search, next_at=turn.mono), known=known))


# ---------------------------------------------------------------- what is to be deleted


def _awaited(turn: Turn, row: Post) -> Post | None:
    """A wish that waits for the fate of its post: the row, due now, when that is out; else None."""
    tx = turn.tx
    target = None if row.undoes is None else tx.posts.get(row.undoes)
    if target is None or target.state is PostState.FAILED:
        said = words.nothing_to_delete(target or row)
        tx.posts.save(replace(row, state=PostState.FAILED, reason="nothing to delete"))
        threads.end_row(tx, row, telling.DONE, said)
    elif target.state in (PostState.HELD, PostState.QUEUED):
        _undo(turn, row, target)
    elif target.state is PostState.POSTED:
        ready = replace(row, due_at=turn.now)
        tx.posts.save(ready)
        return ready
    elif target.state is PostState.UNKNOWN and target.id not in turn.searches:
        searching.resume(turn, target)
        turn.wake = turn.mono
    return None


def _undo(turn: Turn, row: Post, target: Post) -> None:
    """The post came back to the queue: it is not sent again. An earlier attempt may be out nevertheless."""
    tx = turn.tx
    if target.claimed_at is not None and target.state is PostState.QUEUED:
        tx.posts.save(replace(target, state=PostState.UNKNOWN, reason="", question_id=None))
        return
    tx.posts.save(replace(target, state=PostState.FAILED, reason="undone"))
    telling.take_away(tx, [target], telling.WAITS, telling.UNSURE)
    tx.answers.add(target.room, Speech.REACTION, telling.FAILED, target=target.message_id, post_id=target.id)
    tx.posts.save(replace(row, state=PostState.FAILED, reason="undone before it went out"))
    threads.end_row(tx, row, telling.DONE, words.undone_in_time(target))


def _delete(turn: Turn, row: Post) -> None:
    if not _may_begin(turn, row.account_id):
        return
    if row.due_at > turn.now:
        turn.wake_at(row.due_at)
        return
    tx, (ready,) = turn.tx, turn.tx.posts.ready([row.id])
    sealed = _may_send(turn, ready)
    if sealed is None:
        return
    account, role = ready.account, ready.role
    target = None if row.undoes is None else tx.posts.get(row.undoes)
    remote = "" if target is None else (target.target if target.action is Action.REPOST else target.remote_id) or ""
    own, approved = target is not None and target.author == row.author, target is not None and bool(target.content)
    if role is None or not role.may_delete(own=own, approved=approved):
        dead_end(turn, row, words.no_right_to_delete(account))
    elif target is None or not remote:
        tx.posts.save(replace(row, state=PostState.FAILED, reason="its address is not known"))
        threads.end_row(tx, row, telling.FAILED, words.no_address(target or row, account))
    else:
        _claim(turn, row, account, sealed, remote, reposted=target.action is Action.REPOST)


def _may_send(turn: Turn, ready: Ready) -> Sealed | None:
    """The account's sealed pair when it may do this now. Else None, and its people hear why they wait."""
    account = ready.account
    if account.publisher not in turn.house.publishers:
        dead_end(turn, ready.post, f"this Kantter does not post to {account.publisher}")
        turn.wake = turn.mono
        return None
    if account.frozen and ready.post.action is not Action.DELETE:  # what is out may be taken back
        turn.waiting.setdefault(account.id, words.frozen(account))
        return None
    if account.broken or ready.sealed is None:
        turn.waiting.setdefault(account.id, words.broken(account, turn.house.prefix))
        return None
    if ready.rest > turn.now:
        turn.wake_at(ready.rest)
        if ready.rest - turn.now > _PATIENCE:
            turn.waiting.setdefault(account.id, words.resting(account, ready.rest, turn.now))
        return None
    return ready.sealed


# ---------------------------------------------------------------- posts


def _posts(turn: Turn) -> None:
    heads = turn.tx.posts.heads(turn.behind)
    while post_ids := _due(turn, heads):
        for ready in turn.tx.posts.ready(post_ids):
            _head(turn, ready)


def _due(turn: Turn, heads: Iterator[tuple[int, int, float]]) -> list[int]:
    """The next of ``heads`` that are due, as many as may begin."""
    found: list[int] = []
    while len(found) < turn.free and (head := next(heads, None)) is not None:
        account_id, post_id, due_at = head
        hold = turn.holds.get(account_id, 0.0)
        if account_id in turn.busy:
            continue
        if hold > turn.mono:
            turn.wake = min(turn.wake, hold)
        elif due_at > turn.now and post_id not in turn.uploads:
            _later(turn, account_id, post_id, due_at)
        else:
            found.append(post_id)
            turn.behind = account_id
    return found


def _later(turn: Turn, account_id: int, post_id: int, due_at: float) -> None:
    turn.wake_at(due_at)
    if (account := turn.account(account_id)).frozen:
        turn.waiting.setdefault(account_id, words.frozen(account))
    if due_at - turn.now > _PATIENCE and (post := turn.tx.posts.get(post_id)) is not None and post.attempts:
        turn.waiting.setdefault(account_id, words.unreachable(turn.account(account_id)))


def _head(turn: Turn, ready: Ready) -> None:
    """Claim the account's oldest post that may still go out."""
    account, sealed = ready.account, _may_send(turn, ready)
    if sealed is None and not account.broken:
        return
    if patience.lets_others_pass(turn, ready.post) or not _passes(turn, ready):
        kept = _kept(turn, account)
        if kept is None:
            return
        ready = kept
    post = ready.post
    if sealed is None:
        turn.wake_at(post.fresh_at + turn.house.stale_after)
    elif patience.makes_others_wait(turn, post):
        pass
    elif post.due_at > turn.now:
        turn.wake_at(post.due_at)
    elif ready.rest <= turn.now:
        if (medium := uploading.missing(post, turn.now)) is not None:
            patience.begin(turn, Errand(post, account, sealed, upload=medium))
            return
        linked = threads.linked(turn.tx, post)
        if linked.draft != post.draft:
            turn.tx.posts.save(linked)
        _claim(turn, linked, account, sealed, post.target or "")
    else:  # the head is of another kind, so nobody has said yet that this one rests
        _may_send(turn, ready)


def _kept(turn: Turn, account: Account) -> Ready | None:
    """The oldest of the account's other posts that may still go out; all that may not are settled or held."""
    posts = turn.tx.posts
    left = [p for p in posts.in_state(PostState.QUEUED, account.id) if p.action is not Action.DELETE]
    kept = None
    for post in left:
        (ready,) = posts.ready([post.id])
        if ready.post.state is PostState.QUEUED and not patience.lets_others_pass(turn, ready.post):
            passes = _passes(turn, ready)
            kept = kept or (ready if passes else None)
    return kept


def _passes(turn: Turn, ready: Ready) -> bool:
    """Whether a queued row may go out by its author's rights and its age. If not, it is settled or held."""
    post = ready.post
    if (post.part > 1 and not threads.may_follow(turn, post)) or not let_out(turn, ready):
        return False
    if turn.now - threads.fresh_at(turn.tx, post) > turn.house.stale_after:
        if post.claimed_at is None:
            turn.tx.posts.save(replace(post, state=PostState.HELD, question_id=None, reason=""))
            turn.unasked = True
            threads.hold_rest(turn.tx, post)
        else:  # an earlier attempt may be out: nobody may call it "not posted"
            unknown = replace(post, state=PostState.UNKNOWN, question_id=None, reason="")
            turn.tx.posts.save(unknown)
            turn.unsure.append(unknown)
        return False
    return True
