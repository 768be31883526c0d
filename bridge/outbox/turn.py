"""What one transaction of the outbox sees and leaves behind.

A turn is made afresh for each transaction from copies, runs on the store's thread, and is taken over by the loop only
when the transaction was committed: what was rolled back left no trace. It knows state and no rule.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.interfaces import Kinds, Publisher, Tx
from bridge.model import Account, Post
from bridge.pricing import USUAL, Prices

if TYPE_CHECKING:
    from bridge.outbox.errand import Errand

ENDLESS = float("inf")
NONE = Kinds()


@dataclass(frozen=True, slots=True)
class Search:
    """The looking for an unknown post. Times by the monotonic clock, in seconds.

    ``enough``: a look begun at or after this time that does not find the post ends the search; ``until``: so does the
    failure of one. ``next_at``: when to look next.
    """

    post_id: int
    account_id: int
    began: float
    enough: float
    until: float
    next_at: float


@dataclass(frozen=True, slots=True)
class Upload:
    """The bringing up of a post's pictures. ``began``: the first try, by the monotonic clock. ``under_way``: now."""

    account_id: int
    began: float
    under_way: bool


@dataclass(frozen=True, slots=True)
class House:
    """What the rules need to know. ``stale_after``: seconds."""

    publishers: Mapping[str, Publisher]
    stale_after: float
    prefix: str
    prices: Prices = USUAL


@dataclass(slots=True)
class Turn:
    """One transaction. ``now`` in Unix seconds, ``mono`` and ``wake`` by the monotonic clock.

    ``busy``: accounts with an exchange under way. ``free``: how many exchanges may be begun. ``searches`` by post and
    ``holds`` by account (no posts before that monotonic time) and ``uploads`` by post are copies, which the loop takes
    over; the uploads of the posts in ``given_up`` it cancels. ``tells``: whether to look for people who wait without a
    word. ``behind``: the account that was served last; they take turns. ``wake``: when the next turn is due for what
    this one saw. ``kinds``: which kinds of rows there are. ``waiting``: accounts whose queue stands still, and why.
    ``unasked``: whether a HELD row may be without a question. ``unsure``: other rows to ask about. ``counts``: how rows
    ended. ``paused``: why the operator must act; ``lifted``: this turn ended such a pause.
    """

    tx: Tx
    house: House
    now: float
    mono: float
    busy: set[int]
    free: int
    searches: dict[int, Search]
    holds: dict[int, float]
    uploads: dict[int, Upload]
    tells: bool
    behind: int = 0
    wake: float = ENDLESS
    errands: "list[Errand]" = field(default_factory=list)
    given_up: list[int] = field(default_factory=list)
    kinds: Kinds = NONE
    waiting: dict[int, str] = field(default_factory=dict)
    unasked: bool = True
    unsure: list[Post] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    paused: str = ""
    lifted: bool = False

    def wake_at(self, time: float) -> None:
        """Have a turn at that Unix time."""
        self.wake = min(self.wake, self.mono + max(time - self.now, 0.0))

    def account(self, account_id: int) -> Account:
        """A row's account: the database holds no row without one."""
        account = self.tx.accounts.get(account_id)
        if account is None:
            raise LookupError(account_id)
        return account
