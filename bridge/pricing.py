"""What posts cost, and what an account's budget still allows. Shared by whoever queues posts and whoever sends them.

Money is an integer of millionths of a dollar everywhere (``15_000`` is $0.015). It knows the rows of the outbox only
through the store, asks no publisher what it really took, and says nothing to anybody.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge import text
from bridge.errors import Refused
from bridge.interfaces import Tx
from bridge.model import Account, Action, Draft, Identity, Post, PostState

DOLLAR = 1_000_000
_MOST_ALTS = 4

OUT = (PostState.SENDING, PostState.POSTED, PostState.UNKNOWN)
"""What has been paid for, or may have been."""
COUNTED = (*OUT, PostState.QUEUED, PostState.SCHEDULED)
"""What has been paid for, or will be unless somebody stops it."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What the publisher takes, in millionths of a dollar: for a post, for one with an address in it, for deleting, and
    for each alt text beside.
    """

    post: int = 15_000
    link: int = 200_000
    delete: int = 10_000
    alt: int = 5_000


USUAL = Prices()


def price(draft: Draft, prices: Prices, action: Action = Action.POST) -> int:
    """What it costs to do that with the draft. A repost is taken for a post."""
    if action is Action.DELETE:
        return prices.delete
    described = sum(bool(one.alt) for one in draft.media)
    return (prices.link if text.links(draft.text) else prices.post) + described * prices.alt


def money(amount: int) -> str:
    """``$0.20``, ``$0.015``, ``$5.00``: at least two digits of a cent, and no more than there are."""
    whole, rest = divmod(abs(amount), DOLLAR)
    digits = f"{rest:06}"
    return f"{'-' if amount < 0 else ''}${whole:,}.{digits[:2]}{digits[2:].rstrip('0')}"


def tariff(prices: Prices) -> str:
    """All prices in a sentence."""
    return (
        f"A post costs {money(prices.post)}, one with a link {money(prices.link)}, each alt text {money(prices.alt)}"
        f" more; to delete one costs {money(prices.delete)}."
    )


def said(cost: int, prices: Prices) -> str:
    """The words about a price that is not the usual one (``the link makes it $0.20``, ``the alt text makes it $0.02``);
    empty for the usual one, and for 0: what was never priced.
    """
    if cost in (0, prices.post):
        return ""
    beside = cost - (prices.link if cost >= prices.link else prices.post)
    if beside and beside not in range(prices.alt, (_MOST_ALTS + 1) * prices.alt, prices.alt or 1):
        return f"it costs {money(cost)}"  # as it was priced once
    whose = ["the link"] * (cost >= prices.link) + ["the alt text"] * bool(beside)
    return f"{' and '.join(whose)} {'make' if len(whose) > 1 else 'makes'} it {money(cost)}"


def said_of(costs: Sequence[int], prices: Prices) -> str:
    """As ``said``, for all parts of a thread (``it costs $0.23 in all``); empty when each has the usual price."""
    if len(costs) == 1:
        return said(costs[0], prices)
    return f"it costs {money(sum(costs))} in all" if any(said(cost, prices) for cost in costs) else ""


# ---------------------------------------------------------------- the budget


def month(now: float) -> tuple[float, float]:
    """The calendar month in UTC that ``now`` is in: its first moment, and that of the next one."""
    day = datetime.fromtimestamp(now, UTC)
    first = datetime(day.year, day.month, 1, tzinfo=UTC)
    after = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
    return first.timestamp(), after.timestamp()


def spent(tx: Tx, account_id: int, now: float, states: Collection[PostState] = COUNTED) -> int:
    """What the account's rows in those states cost in the month of ``now``. A row counts in the month that it goes out
    in: that of its first attempt, else that of the time it is scheduled for, else that of its making.
    """
    return sum(amount for *_, amount in tx.posts.costs(account_id, *month(now), states))


def spent_by(tx: Tx, account_id: int, who: Identity, now: float) -> int:
    """What that person's rows on the account cost in the month of ``now``."""
    rows = tx.posts.costs(account_id, *month(now), COUNTED)
    return sum(amount for _, author, _, amount in rows if author == who)


def check(
    tx: Tx, account: Account, cost: int, now: float, *, prefix: str, goes_out: float | None = None
) -> None:  # fmt: skip
    """Raises Refused when the budget does not allow ``cost`` more. ``goes_out``: when, if not now; ``prefix``: of
    verbs.
    """
    budget = tx.policies.of(account.id).budget
    if not budget:
        return
    gone = spent(tx, account.id, now if goes_out is None else goes_out)
    if gone + cost > budget:
        raise Refused(over(account, cost, gone, budget, prefix))


def over(account: Account, cost: int, gone: int, budget: int, prefix: str) -> str:
    """The sentence about a budget that does not suffice."""
    left = max(budget - gone, 0)
    return (
        f"{account.at}'s budget for this month does not suffice: {money(gone)} of {money(budget)} are used or promised,"
        f" {money(left)} are left, and this costs {money(cost)}."
        f" An owner can raise it: {prefix}policy {account.at} budget=DOLLARS; the next month (UTC) begins at zero."
    )


def within_budget(tx: Tx, post: Post, now: float) -> bool:
    """Whether the row, which is about to be sent, still fits. Only what is out already counts against it, so that the
    oldest of several that wait goes first. Deleting always fits: nobody must be unable to take something back.
    """
    budget = tx.policies.of(post.account_id).budget
    if not budget or post.action is Action.DELETE or post.claimed_at is not None:
        return True
    return spent(tx, post.account_id, now, OUT) + post.cost <= budget


def spent_words(tx: Tx, account: Account, now: float) -> str:
    """``$1.25 of $5.00 this month``, ``$1.25 this month``; empty when nothing was spent and there is no budget."""
    gone, budget = spent(tx, account.id, now), tx.policies.of(account.id).budget
    if budget:
        return f"{money(gone)} of {money(budget)} this month"
    return f"{money(gone)} this month" if gone else ""
