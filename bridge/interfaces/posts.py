"""What a transaction sees of the outbox."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from bridge.model import Account, Action, Draft, Identity, Policy, Post, PostState, Role, Room, Sealed


@dataclass(frozen=True, slots=True)
class Ready:
    """A row with its account and sealed token pair, until when the account rests from the row's action (0.0 when it
    does not), what its author may do on the account now, and what the account's team decided.
    """

    post: Post
    account: Account
    sealed: Sealed | None
    rest: float
    role: Role | None
    policy: Policy


@dataclass(frozen=True, slots=True)
class Kinds:
    """Which kinds of rows there are: any QUEUED; a QUEUED DELETE; one that is HELD without a question; and the earliest
    ``due_at`` of a SCHEDULED one, or of a DRAFT for which it is not endless.
    """

    queued: bool = False
    deletes: bool = False
    unasked: bool = False
    ripens_at: float | None = None


class Posts(Protocol):
    """The rows of the outbox."""

    def add(
        self,
        action: Action,
        account_id: int,
        author: Identity,
        room: Room,
        message_id: str,
        thread: str | None,
        draft: Draft,
        *,
        state: PostState,
        now: float,
        fresh_at: float,
        due_at: float,
        target: str | None = None,
        undoes: int | None = None,
        question_id: int | None = None,
        cost: int = 0,
    ) -> Post: ...

    def get(self, post_id: int) -> Post | None: ...

    def save(self, *posts: Post) -> None: ...

    def went_out(self, posted: Collection[tuple[int, str]], now: float) -> None:
        """Rows, each with its id at the publisher: they are POSTED since ``now``, and nobody asks about them."""
        ...

    def ready(self, post_ids: Collection[int]) -> list[Ready]:
        """Those rows, each with what must be known to send it, oldest first."""
        ...

    def claim(self, post_ids: Collection[int], now: float) -> None:
        """Those rows become SENDING, with one more attempt; ``claimed_at`` is ``now`` where it is not set."""
        ...

    def extend(self, post: Post) -> None:
        """Keep what ``save`` does not: the time, the place in a thread, the cost and the content's hash."""
        ...

    def thread(self, root: int) -> list[Post]:
        """The parts of a thread, in order."""
        ...

    def rollback(self, root: int) -> list[Post]:
        """The rows that delete parts of that thread, oldest first."""
        ...

    def of_message(self, network: str, message_id: str) -> Post | None:
        """The row that this command asked for."""
        ...

    def with_picture(self, network: str, message_id: str) -> list[Post]:
        """Rows that are not at their end and show a picture of that message, oldest first."""
        ...

    def undoing(self, post_id: int) -> Post | None:
        """The row that undoes that one."""
        ...

    def latest(self, author: Identity, room: Room) -> Post | None:
        """That person's newest row in that room that can be undone: waiting, on its way, or out and not deleted."""
        ...

    def find(self, publisher: str, remote_id: str) -> Post | None:
        """Our row of a publisher's post id."""
        ...

    def costs(
        self, account_id: int | None, since: float, until: float, states: Collection[PostState]
    ) -> list[tuple[int, Identity, Room, int]]:
        """(account id, author, room, millionths of a dollar) of rows in those states (of that account), summed up. A
        row belongs to the time at which it was first sent, else to that for which it is scheduled, else to that of its
        making. ``since`` counts, ``until`` not.
        """
        ...

    def same_text(self, account_id: int, who: Identity, text: str, since: float) -> list[Post]:
        """Posts of that account, and of the others that ``who`` may use, made since then with that text (blanks around
        it do not count), that are out or may still go out, newest first; a hundred at most.
        """
        ...

    def count_since(self, author: Identity, since: float) -> int:
        """How many posts and reposts of that person were made since then and did not fail; and those made before,
        which nobody else had to approve, that they sent since then by a later word.
        """
        ...

    def kinds(self) -> Kinds: ...

    def heads(self, behind: int = 0) -> Iterator[tuple[int, int, float]]:
        """(account id, post id, due_at) of the oldest QUEUED post or repost of each account: the accounts in a round by
        their ids, beginning with the first one behind ``behind``. It costs only as far as it is read.
        """
        ...

    def due(self, states: Collection[PostState], action: Action | None, now: float) -> list[Post]:
        """Rows in those states (and of that action) whose ``due_at`` has come, oldest first."""
        ...

    def in_state(self, state: PostState, account_id: int | None = None) -> list[Post]:
        """Oldest first. Not for POSTED and FAILED."""
        ...

    def last_queued(self) -> float | None:
        """The latest time at which a QUEUED row was made, or its author last said `send`; None where there is none."""
        ...

    def unasked(self) -> list[Post]:
        """HELD rows without a question, oldest first."""
        ...

    def untold(self, account_id: int | None) -> list[Post]:
        """QUEUED rows (of that account) whose ``reason`` is empty and whose ``due_at`` is not endless, oldest first."""
        ...

    def of_question(self, question_id: int) -> list[Post]:
        """Those that still wait for an answer."""
        ...

    def waiting_for(self, author: Identity) -> list[Post]:
        """That person's rows that wait for their answer."""
        ...

    def remote_ids(self, account_id: int, newest: int = 200) -> set[str]:
        """The publisher's ids of the account's newest rows."""
        ...

    def next_due(self, after: float) -> float | None:
        """The earliest ``due_at`` later than ``after`` of a row that is QUEUED or UNKNOWN."""
        ...

    def tally(self) -> Mapping[PostState, int]:
        """How many rows are in each state but POSTED and FAILED."""
        ...
