"""Records what came of an exchange, and says so: one outcome, one new state, one answer.

It knows what each error means for a row. It sends nothing and chooses nothing.

A row that goes back to QUEUED keeps ``claimed_at`` only when an earlier attempt may have gone out: so a QUEUED row with
``claimed_at`` is doubtful, and a refusal as a duplicate then proves that the earlier attempt went out.
"""

from collections.abc import Sequence
from dataclasses import replace

from bridge import pricing, scaling
from bridge.errors import (
    LinkBroken,
    OperatorMustAct,
    OutcomeUnknown,
    PublishError,
    Rejected,
    Throttled,
    Unreachable,
)
from bridge.fetching import NeedsScaling
from bridge.model import Account, Action, Medium, Post, PostState, Receipt
from bridge.outbox import pausing, searching, telling, threads, uploading, words
from bridge.outbox.errand import Errand, Outcome
from bridge.outbox.recording import record
from bridge.outbox.turn import Turn
from bridge.retry import pause

_LONGEST_PAUSE = 60.0
_PATIENCE = 10.0
"""Seconds after which a person must have heard that their post is not posted yet."""
_NOTICED_WITHIN = 30.0
"""Seconds after which a clock that was set back has surely been noticed."""
_MOST_TRIES = 8
"""Of what may be repeated and gives no clear answer: about four minutes."""


def settle(turn: Turn, outcomes: Sequence[Outcome]) -> None:
    """Record all outcomes: those of posts that are out in one go, since they are many."""
    out: list[tuple[Post, Account, str]] = []
    for outcome in outcomes:
        errand, result = outcome.errand, outcome.result
        if outcome.went_out and isinstance(result, Receipt):
            turn.counts["posted"] += 1
            _rest(turn, errand, result)
            out.append((errand.post, errand.account, result.remote_id))
        else:
            _settle(turn, outcome)
    if out:
        searching.went_out(turn, *out)


def _settle(turn: Turn, outcome: Outcome) -> None:
    errand, result = outcome.errand, outcome.result
    if errand.upload is not None:
        _uploaded(turn, outcome, errand.upload)
    elif errand.search is not None:
        searching.looked(turn, errand, errand.search, result)
    elif isinstance(result, Receipt):
        _deleted(turn, errand, result)
    else:
        _refused(turn, errand, result)


def _refused(turn: Turn, errand: Errand, result: PublishError | None) -> None:
    if isinstance(result, Rejected):
        _rejected(turn, errand, result)
    elif isinstance(result, LinkBroken):
        _link_broken(turn, errand, result)
    elif isinstance(result, OperatorMustAct):
        pausing.begin(turn.tx, str(result), turn.now)
        turn.counts["paused"] += 1
        _again(turn, errand, turn.now, "")
    elif isinstance(result, Throttled):
        _throttled(turn, errand, result)
    elif isinstance(result, Unreachable):
        _unreachable(turn, errand)
    elif isinstance(result, PublishError) and result.certain:
        _fail(turn, errand, str(result))
    else:
        _unknown(turn, errand, str(result))


def _rest(turn: Turn, errand: Errand, receipt: Receipt) -> None:
    if receipt.rest is not None:
        turn.tx.accounts.rest(errand.account.id, errand.post.action, receipt.rest)


def _uploaded(turn: Turn, outcome: Outcome, medium: Medium) -> None:
    """The row was not claimed for that, and may have become anything meanwhile."""
    tx, result = turn.tx, outcome.result
    post = tx.posts.get(outcome.errand.post.id)
    if post is not None and post.id in turn.uploads:
        turn.uploads[post.id] = replace(turn.uploads[post.id], under_way=False)
    if post is None or post.state is not PostState.QUEUED:
        return
    if isinstance(result, Receipt):
        there = uploading.changed(post, medium, replace(medium, remote_id=result.remote_id, uploaded_at=turn.now))
        tx.posts.save(replace(there, fresh_at=max(post.fresh_at, turn.now)))  # it is not old for having been brought up
    elif isinstance(result, NeedsScaling):
        _ask_to_scale(turn, uploading.changed(post, medium, replace(medium, size=result.size)))
    else:
        _not_uploaded(turn, outcome.errand, post, result)


def _not_uploaded(turn: Turn, errand: Errand, post: Post, result: PublishError | None) -> None:
    tried = replace(post, attempts=post.attempts + 1)
    errand = replace(errand, post=tried, doubtful=post.claimed_at is not None, upload=None)
    if isinstance(result, OutcomeUnknown) and tried.attempts < _MOST_TRIES:  # nothing of it can be seen
        _again(turn, errand, turn.now + pause(tried.attempts, most=_LONGEST_PAUSE), "")
    elif isinstance(result, OutcomeUnknown):
        _fail(turn, errand, f"its picture did not get there: {result}")
    elif isinstance(result, Throttled):  # that is no reason for posts without pictures to rest
        _again(turn, errand, result.retry_at, words.resting(errand.account, result.retry_at, turn.now))
    else:
        _refused(turn, errand, result)


def _ask_to_scale(turn: Turn, post: Post) -> None:
    """The picture turned out to be larger than its sender's client said."""
    largest = turn.house.publishers[turn.account(post.account_id).publisher].largest
    held = replace(post, state=PostState.HELD, question_id=None, reason=scaling.warned([post.draft], largest))
    turn.tx.posts.save(held)
    threads.hold_rest(turn.tx, held)


def _deleted(turn: Turn, errand: Errand, receipt: Receipt) -> None:
    tx, post, account = turn.tx, errand.post, errand.account
    _rest(turn, errand, receipt)
    turn.counts["deleted"] += 1
    tx.posts.save(replace(post, state=PostState.POSTED, reason=""))
    target = None if post.undoes is None else tx.posts.get(post.undoes)
    if target is not None:
        tx.posts.save(replace(target, deleted=True))
    tx.posts.extend(replace(post, cost=pricing.price(post.draft, turn.house.prices, Action.DELETE)))
    was = "" if target is None else words.called(target)
    said = words.deleted(account, errand.target, was, reposted=errand.reposted)
    record(tx, post, "delete", errand.target, turn.now)
    threads.end_row(tx, post, telling.DONE, said)


def _rejected(turn: Turn, errand: Errand, error: Rejected) -> None:
    if error.duplicate and errand.post.action is Action.POST:
        if errand.doubtful:
            searching.prove(turn, errand)
        else:
            _fail(turn, errand, words.duplicate(_earlier_url(turn, errand), part=errand.post.part > 1))
        return
    _fail(turn, errand, str(error))


def _earlier_url(turn: Turn, errand: Errand) -> str:
    """Where our own record has the same text of the same account; empty when it has not."""
    account = errand.account
    if not errand.post.draft.text:  # pictures alone are not told apart by that
        return ""
    for remote_id in turn.tx.posts.remote_ids(account.id):
        earlier = turn.tx.posts.find(account.publisher, remote_id)
        if earlier is not None and not earlier.deleted and earlier.draft.text == errand.post.draft.text:
            return turn.house.publishers[account.publisher].post_url(account.handle, remote_id)
    return ""


def _fail(turn: Turn, errand: Errand, why: str) -> None:
    _end(turn, errand.post, errand.account, why, doubtful=errand.doubtful)


def _link_broken(turn: Turn, errand: Errand, error: LinkBroken) -> None:
    tx, account = turn.tx, turn.account(errand.account.id)
    if tx.accounts.sealed(account.id) != errand.sealed:  # linked anew meanwhile: the dead pair was the old one
        _again(turn, errand, turn.now, "")
        return
    if not account.broken:
        tx.accounts.save(replace(account, broken=str(error)))
    _fail(turn, errand, words.link_broken(str(error), turn.house.prefix))


def _throttled(turn: Turn, errand: Errand, error: Throttled) -> None:
    until = max(error.retry_at, turn.now + pause(errand.post.attempts, most=_LONGEST_PAUSE))
    turn.tx.accounts.rest(errand.account.id, errand.post.action, until)
    late = until - turn.now > _PATIENCE
    _again(turn, errand, turn.now, words.resting(errand.account, until, turn.now) if late else "")


def _unreachable(turn: Turn, errand: Errand) -> None:
    due = turn.now + pause(errand.post.attempts, most=_LONGEST_PAUSE)
    late = due - errand.post.fresh_at > _PATIENCE
    _again(turn, errand, due, words.unreachable(errand.account) if late else "")


def _again(turn: Turn, errand: Errand, due_at: float, why: str) -> None:
    """Back to the queue, certainly not posted; the author hears ``why`` unless they have heard just that."""
    post = replace(
        errand.post,
        state=PostState.QUEUED,
        due_at=due_at,
        claimed_at=errand.post.claimed_at if errand.doubtful else None,
        reason=why or errand.post.reason,
    )
    turn.tx.posts.save(post)
    if why and why != errand.post.reason:
        telling.say(turn.tx, post, words.waits([post], why, turn.house.prefix))


def _unknown(turn: Turn, errand: Errand, why: str) -> None:
    post = errand.post
    turn.counts["unknown"] += 1
    if post.action is Action.POST:
        searching.begin(turn, post, errand.account)
    elif post.attempts < _MOST_TRIES:  # the publisher takes a repetition as the same wish
        _again(turn, errand, turn.now + pause(post.attempts, most=_LONGEST_PAUSE), "")
    else:
        turn.tx.posts.save(replace(post, state=PostState.FAILED, reason=f"outcome unknown: {why}"))
        threads.end_row(turn.tx, post, telling.UNSURE, words.effect_unknown(post, errand.account, why))


def recover(turn: Turn) -> None:
    """After a start: what was being sent is unknown now, and what was being looked for is looked for again."""
    posts = turn.tx.posts
    # Of two with the same text, what is found is the one that was to go out first.
    for post in sorted(posts.in_state(PostState.UNKNOWN), key=lambda post: post.scheduled_for or 0.0):
        if post.question_id is None:
            searching.go_on(turn, post)
    for post in posts.in_state(PostState.SENDING):
        if post.action is Action.POST:
            searching.begin(turn, post, turn.account(post.account_id))
        else:
            posts.save(replace(post, state=PostState.QUEUED, due_at=turn.now))
    last = posts.last_queued()
    if last is not None and last > turn.now:  # set back while nobody looked, by at least that much
        shift(turn, last - turn.now)


def shift(turn: Turn, seconds: float) -> None:
    """The clock was set back by ``seconds``: what was to happen in a while shall not wait longer for it. What was
    decided since then keeps its time, and so does what a person named a time for: that is the wall's.
    """
    accounts: set[int] = set()
    for post in turn.tx.posts.in_state(PostState.QUEUED):
        accounts.add(post.account_id)
        if _came_too_early(turn, post):
            telling.take_away(turn.tx, [post], telling.WAITS)
            turn.tx.posts.save(replace(post, state=PostState.SCHEDULED, due_at=post.scheduled_for or 0.0))
        elif turn.now < post.due_at < float("inf") and not 0.0 <= turn.now - _decided_at(post) < _NOTICED_WITHIN:
            turn.tx.posts.save(replace(post, due_at=max(post.due_at - seconds, turn.now)))
    for account_id in accounts:
        for action in Action:
            until = turn.tx.accounts.resting(account_id, action)
            if until > turn.now:
                turn.tx.accounts.rest(account_id, action, max(until - seconds, turn.now))


def _came_too_early(turn: Turn, post: Post) -> bool:
    """Whether the time that it was scheduled for, and nobody's word, has queued it, and is to come once more."""
    at = post.scheduled_for
    return at is not None and at > turn.now and post.fresh_at <= at and not threads.has_begun(turn.tx, post)


def _decided_at(post: Post) -> float:
    return max(post.created_at, post.fresh_at)


def dead_end(turn: Turn, post: Post, why: str) -> None:
    """A row that was not sent and will not be."""
    _end(turn, post, turn.account(post.account_id), why, doubtful=post.claimed_at is not None)


def _end(turn: Turn, post: Post, account: Account, why: str, *, doubtful: bool) -> None:
    """A row that failed. ``doubtful``: an earlier attempt may be out."""
    record(turn.tx, post, "fail", why, turn.now)
    if post.thread_root is not None and post.action is Action.POST:
        threads.stop(turn, post, account, why, doubtful=doubtful)
        return
    turn.counts["failed"] += 1
    turn.tx.posts.save(replace(post, state=PostState.FAILED, reason=why))
    said = words.failed(post, account, why, doubtful=doubtful)
    threads.end_row(turn.tx, post, telling.FAILED, said)
