"""What becomes of a post whose outcome is unknown: it is looked for, found or asked about, never sent again by itself.

It looks a few times at growing intervals for a minute. Two things may be known beforehand: ``reason`` PROVEN keeps that
the publisher refused a second attempt as a duplicate, so the first one is out and only its address is missing.
"""

from dataclasses import replace

from bridge import pricing
from bridge.errors import PublishError
from bridge.model import Account, Post, PostState, Receipt
from bridge.outbox import restoring, telling, threads, words
from bridge.outbox.errand import Errand
from bridge.outbox.recording import record, record_all
from bridge.outbox.turn import Search, Turn

HOLD = 15.0
"""Seconds at most that an unknown post holds the queue of its account."""
_LOOKS = (1.0, 3.0, 7.0, 15.0, 30.0, 60.0)
"""When to look, in seconds after it began."""
_MINUTE = _LOOKS[-1]

PROVEN = "refused as a duplicate: an earlier attempt went out"


def begin(turn: Turn, post: Post, account: Account) -> None:
    """The outcome is unknown: say so, hold the account's queue for a moment, and look."""
    turn.tx.posts.save(replace(post, state=PostState.UNKNOWN, due_at=turn.now + _MINUTE, reason=""))
    record(turn.tx, post, "unknown", "no clear answer came", turn.now)
    telling.end(turn.tx, post, telling.UNSURE, words.looking(post, account))
    turn.holds[account.id] = turn.mono + HOLD
    _look(turn, post, turn.mono + _MINUTE)


def prove(turn: Turn, errand: Errand) -> None:
    """An earlier attempt is out for sure: look for its address."""
    post = errand.post
    turn.tx.posts.save(replace(post, state=PostState.UNKNOWN, due_at=turn.now + _MINUTE, reason=PROVEN))
    telling.say(turn.tx, post, words.proven(post, errand.account))
    _look(turn, post, turn.mono + _MINUTE, first=0.0)


def go_on(turn: Turn, post: Post) -> None:
    """Look again after a start. Where the minute has passed already, one look is enough."""
    passed = max(turn.now - (post.claimed_at or turn.now), 0.0)
    turn.holds[post.account_id] = max(turn.mono + HOLD - passed, turn.holds.get(post.account_id, 0.0))
    _look(turn, post, turn.mono + max(_MINUTE - passed, 0.0), first=0.0)


def resume(turn: Turn, post: Post) -> None:
    """Look once more for a post that was asked about."""
    _look(turn, post, turn.mono, first=0.0)


def _look(turn: Turn, post: Post, enough: float, first: float = _LOOKS[0]) -> None:
    mono = turn.mono
    turn.searches[post.id] = Search(post.id, post.account_id, mono, enough, mono + _MINUTE, mono + first)


def looked(turn: Turn, errand: Errand, search: Search, result: Receipt | PublishError | None) -> None:
    """Record what a look gave."""
    post = turn.tx.posts.get(errand.post.id)
    if post is None or post.state is not PostState.UNKNOWN:  # its author decided meanwhile
        turn.searches.pop(errand.post.id, None)
        return
    if isinstance(result, Receipt) and turn.tx.posts.find(errand.account.publisher, result.remote_id) is None:
        turn.counts["posted"] += 1
        went_out(turn, (post, errand.account, result.remote_id))
        return
    asked_at = search.next_at
    over = turn.mono >= search.until if isinstance(result, PublishError) else asked_at >= search.enough
    if over:
        give_up(turn, post, errand.account, looked=not isinstance(result, PublishError))
        return
    later = [search.began + step for step in _LOOKS if search.began + step > turn.mono]
    next_at = later[0] if later else turn.mono + 1.0
    turn.searches[post.id] = replace(search, next_at=next_at)


def went_out(turn: Turn, *posted: tuple[Post, Account, str]) -> None:
    """Those posts of these accounts are out, with those ids: record and say it."""
    tx, said, parts = turn.tx, [], []
    for post, account, _ in posted:
        _forget(turn, post, account)
    tx.posts.went_out([(post.id, remote_id) for post, _, remote_id in posted], turn.now)
    urls = [turn.house.publishers[account.publisher].post_url(account.handle, rid) for _, account, rid in posted]
    record_all(tx, "post", [(post, url) for (post, _, _), url in zip(posted, urls, strict=True)], turn.now)
    for (post, account, _), url in zip(posted, urls, strict=True):
        if post.thread_root is not None:
            parts.append((post, account))
        else:
            price = pricing.said(post.cost, turn.house.prices)
            said.append((post, words.posted(post, account, url, turn.house.prefix, price)))
    if said:
        telling.end_all(tx, telling.DONE, said)
    for post, account in parts:
        threads.went_out(turn, post, account)


def _forget(turn: Turn, post: Post, account: Account) -> None:
    """Nobody looks for it any more."""
    turn.searches.pop(post.id, None)
    if post.state is PostState.UNKNOWN and not any(s.account_id == account.id for s in turn.searches.values()):
        turn.holds.pop(account.id, None)


def give_up(turn: Turn, post: Post, account: Account, *, looked: bool) -> None:
    """The search is over; ``looked``: it came to its end, and did not just fail. What is proven is told; what is to be
    undone is left; the rest is asked about.
    """
    tx = turn.tx
    turn.searches.pop(post.id, None)
    undoing = tx.posts.undoing(post.id)
    if post.reason == PROVEN:
        turn.counts["posted"] += 1
        tx.posts.save(replace(post, state=PostState.POSTED, question_id=None, due_at=turn.now))
        record(tx, post, "post", "its address is not known", turn.now)
        if post.thread_root is not None:
            threads.went_out(turn, post, account)
        else:
            telling.end(tx, post, telling.DONE, words.posted_somewhere(post, account))
    elif undoing is not None and undoing.state is PostState.QUEUED:
        reason = "outcome unknown; undone"
        tx.posts.save(replace(post, state=PostState.FAILED, reason=reason))
        tx.posts.save(replace(undoing, state=PostState.FAILED, reason=reason))
        threads.end_row(tx, undoing, telling.UNSURE, words.maybe_out(post, account, turn.house.prefix, looked=looked))
    elif post.reason.startswith(restoring.RESTORED):
        restoring.hold(turn, post, looked=looked)
    elif post.question_id is None:
        turn.unsure.append(replace(post, reason="" if looked else words.NOT_LOOKED))
