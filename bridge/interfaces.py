"""The three seams of the house: ChatNetwork, Publisher, Store. Everything else hangs on this file.

It holds signatures and promises only. An adapter keeps its library to itself: what it takes and gives are the words of
``model``, what it raises is the tree of ``errors``. The suites in ``tests/contract`` hold each promise made here.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol, TypeVar

from bridge.model import (
    START,
    Account,
    Action,
    Answer,
    Checked,
    Credentials,
    Decision,
    Deed,
    Draft,
    Event,
    Health,
    Identity,
    Linked,
    LinkStart,
    Medium,
    Message,
    Offer,
    Outgoing,
    PendingLink,
    Policy,
    Post,
    PostState,
    Preview,
    Question,
    Receipt,
    Recovery,
    Revocation,
    Role,
    Room,
    Sealed,
    Speech,
    Unreadable,
    Verdict,
)

T = TypeVar("T")

Clock = Callable[[], float]
"""Gives the time in Unix seconds. An argument everywhere, so that tests can set it."""


# ---------------------------------------------------------------- chat networks


class Privacy(Enum):
    """How private a room is for one person and the bot."""

    PRIVATE = "private"
    """A DM: encrypted (where the network can), invite-only, exactly the bot and that person, joined or invited."""
    UNENCRYPTED = "unencrypted"
    """Only the two of them, but the homeserver can read along."""
    SHARED = "shared"
    """Others are in it, are invited to it, or can walk in."""


class Inbox(Protocol):
    """Where a chat network puts what it hears."""

    async def deliver(self, events: Sequence[Event], bookmark: str | None = None) -> None:
        """Record all that ``events`` ask for, and ``bookmark`` (where to go on reading), in one transaction.

        When it returns, everything is on disk and the network may forget the events. Delivering an event again (same
        ``id``, or same ``replay_key``) does nothing. Raises StoreError when nothing was recorded: deliver again later.
        The bookmark of last time is read with ``tx.notes.get(network.name, "bookmark")``.
        """
        ...


class ChatNetwork(Protocol):
    """A network that people talk on. Identities that it names are vouched for; events come decrypted and in order."""

    name: str

    async def run(self, inbox: Inbox) -> None:
        """Connect, stay connected, and deliver until cancelled. Raises ConfigError when only the operator can help
        (revoked token, wrong password, another process on the same store).
        """
        ...

    async def send(self, outgoing: Outgoing) -> str:
        """Say or do one thing; give the id of its event. The same ``outgoing.key`` again is the same event.
        Raises ChatUnreachable (again later) or ChatRefused (never).
        """
        ...

    async def privacy(self, room: Room, identity: Identity) -> Privacy:
        """Ask the network itself, not a memory of it, who is and who may come into ``room``. Raises ChatError."""
        ...

    async def open_dm(self, identity: Identity) -> Room:
        """A DM with that person: the one there is, if it still is one, else a new one with an invitation.
        Raises ChatError.
        """
        ...

    async def is_admin(self, room: Room, identity: Identity) -> bool:
        """Whether that person governs the room there. Raises ChatError."""
        ...

    async def named(self, said: str) -> Identity | Room | None:
        """The person or room that is called exactly ``said`` there; a room's alias counts. Whether there is such a
        person need not be known. None when nothing can be called so. Raises ChatError when it could not look.
        """
        ...

    async def may_redact(self, room: Room) -> bool:
        """Whether the bot may remove other people's messages there."""
        ...

    async def message(self, room: Room, message_id: str) -> Message | Unreadable | None:
        """What was said there by that event, vouched for as if it came now; Unreadable when that cannot be told; None
        when there is nothing of that kind.
        Raises ChatError when it could not look.
        """
        ...

    async def said_after(
        self, room: Room, message_id: str, *, by: Identity, until: str
    ) -> Sequence[Message | Unreadable]:
        """What ``by`` said there after that event and before the event ``until``, oldest first, each as ``message``
        gives it; the next hundred or so are looked at. Empty where there is no such event. Raises ChatError.
        """
        ...

    async def fetch(self, medium: Medium, into: Path, *, most: int) -> None:
        """Write the file of ``medium`` into the new file ``into``, readable by us only, decrypted and held against its
        hash; at most ``most`` bytes of it. It takes as long as that many bytes may. Raises ChatUnreachable, ChatRefused
        (it is gone, damaged or too large), or the OSError of the disk.
        """
        ...

    def health(self) -> Health:
        """Connected, in sync, keys in order? Never blocks."""
        ...

    async def close(self) -> None:
        """Let go of sockets, files and locks. Call after ``run`` has ended and the last ``send`` has returned."""
        ...


# ---------------------------------------------------------------- publishers


class Publisher(Protocol):
    """A place that posts go to. Each call but ``upload`` is one exchange of 8 s at most, sent once, never retried
    inside.

    ``certain`` on a raised PublishError tells whether nothing was published for sure.
    """

    name: str

    def check(self, draft: Draft, *, premium: bool) -> None:
        """Hold the draft against the publisher's own rules. Pure. Raises UsageError in plain words."""
        ...

    def longest(self, *, premium: bool) -> int:
        """How long a text may be, as ``text.length`` counts it."""
        ...

    def post_url(self, handle: str, remote_id: str) -> str:
        """The web address of a post."""
        ...

    def find_id(self, text: str) -> str | None:
        """The post id in a web address of this publisher, or in a bare id; None when there is none."""
        ...

    async def begin_link(self) -> LinkStart:
        """First leg: a request token, and where to send the person. Raises PublishError."""
        ...

    async def finish_link(self, request: Credentials, pin: str) -> Linked:
        """Last leg: trade the PIN. Raises LinkRefused (wrong, used, expired), or another PublishError."""
        ...

    async def revoke(self, credentials: Credentials) -> None:
        """Make the pair worthless at the publisher. A pair that is dead already is no error. Raises PublishError."""
        ...

    def largest(self, mime: str) -> int:
        """How many bytes a picture or video of that type may have; 0 for a type that is not taken."""
        ...

    def check_medium(self, medium: Medium) -> None:
        """Hold one picture or video against the publisher's rules, as far as it is known; ``check`` does it for all
        of a draft. Pure. Raises UsageError.
        """
        ...

    async def upload(self, credentials: Credentials, file: Path, mime: str, alt: str) -> str:
        """Bring a picture or video and its alt text to the publisher, and give its id there; a post with that in
        ``draft.media`` shows it. Nothing is visible before, so that it may be given up and repeated. Several exchanges,
        each with its own deadline; a large video takes minutes. Raises PublishError.
        """
        ...

    async def post(self, credentials: Credentials, draft: Draft) -> Receipt:
        """Publish; every picture in ``draft.media`` was uploaded. Raises PublishError."""
        ...

    async def repost(self, credentials: Credentials, account: Account, remote_id: str) -> Receipt:
        """Repost; the receipt names the reposted post. Raises PublishError."""
        ...

    async def delete(self, credentials: Credentials, remote_id: str) -> None:
        """Delete an own post. One that is gone already is no error. Raises PublishError."""
        ...

    async def unrepost(self, credentials: Credentials, account: Account, remote_id: str) -> None:
        """Take a repost back. Raises PublishError."""
        ...

    async def find(
        self, credentials: Credentials, account: Account, draft: Draft, *, since: float, known: Collection[str]
    ) -> Receipt | None:
        """Look for ``draft`` in the account's own latest posts: made at or after ``since`` (Unix seconds, our clock),
        its id not in ``known``. None when it is not there (yet). Raises PublishError when it could not look.
        """
        ...

    async def close(self) -> None:
        """Let go of sockets."""
        ...


# ---------------------------------------------------------------- the store


class Notes(Protocol):
    """Small things that an adapter keeps between runs. ``scope`` is the adapter's name. Secrets go in sealed."""

    def get(self, scope: str, key: str) -> bytes | None: ...

    def put(self, scope: str, key: str, value: bytes) -> None: ...

    def drop(self, scope: str, key: str) -> None: ...


class Arrivals(Protocol):
    """Which events have been seen."""

    def first(self, network: str, event_id: str, replay_key: str | None, at: float) -> bool:
        """Remember the event; False when its id, or its replay key, was there already."""
        ...


class Accounts(Protocol):
    """Accounts, who may use them, and which one stands for whom."""

    def put(self, publisher: str, remote_id: str, handle: str) -> Account:
        """The account of that remote id, made where there is none; its handle is brought up to date."""
        ...

    def get(self, account_id: int) -> Account | None: ...

    def find(self, publisher: str, remote_id: str) -> Account | None: ...

    def everyone(self) -> list[Account]:
        """All accounts, by handle. For the operator only."""
        ...

    def save(self, account: Account) -> None: ...

    def seal(self, account_id: int, credentials: Sealed | None) -> None:
        """Keep the account's sealed token pair; None forgets it."""
        ...

    def sealed(self, account_id: int) -> Sealed | None: ...

    def grant(self, account_id: int, identity: Identity, role: Role, at: float, *, linked: bool = False) -> None:
        """Give that person a role of their own. ``linked``: they proved to hold the account; it is never forgotten
        while they have a role of their own.
        """
        ...

    def revoke(self, account_id: int, identity: Identity) -> None:
        """Take that person's own role away, and their default. What they have by a room stays."""
        ...

    def role(self, account_id: int, identity: Identity) -> Role | None:
        """What that person may do now: the best of their own role and of those of the closed rooms they are in."""
        ...

    def own(self, account_id: int, identity: Identity) -> tuple[Role, bool] | None:
        """The role that was given to that person by name, and whether they proved to hold the account."""
        ...

    def people(self, account_id: int) -> list[tuple[Identity, Role]]:
        """Those with a role of their own, longest standing first."""
        ...

    def team(self, account_id: int) -> list[tuple[Identity, Role]]:
        """Everybody with a role now, by name or by a room, with the best of theirs: first those with one of their own,
        longest standing first.
        """
        ...

    def usable_by(self, identity: Identity) -> list[tuple[Account, Role]]:
        """What that person may use now, by handle, with the best of their roles."""
        ...

    def default(self, scope: Identity | Room) -> int | None: ...

    def set_default(self, scope: Identity | Room, account_id: int | None) -> None: ...

    def rest(self, account_id: int, action: Action, until: float | None) -> None:
        """No ``action`` of the account before that time; None lifts it."""
        ...

    def resting(self, account_id: int, action: Action) -> float:
        """Until when; 0.0 when it is free."""
        ...

    def move_room(self, old: Room, new: Room) -> None:
        """A room's default, and what waits to be said there, follow an upgrade."""
        ...


@dataclass(frozen=True, slots=True)
class Ready:
    """A row with its account and sealed token pair, and until when the account rests from the row's action (0.0 when it
    does not).
    """

    post: Post
    account: Account
    sealed: Sealed | None
    rest: float


@dataclass(frozen=True, slots=True)
class Kinds:
    """Which kinds of rows there are: any QUEUED; a QUEUED DELETE; one that is HELD without a question; and the earliest
    ``due_at`` of a SCHEDULED one.
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

    def heads(self) -> list[tuple[int, int, float]]:
        """(account id, post id, due_at) of the oldest QUEUED post or repost of each account, oldest first."""
        ...

    def due(self, states: Collection[PostState], action: Action | None, now: float) -> list[Post]:
        """Rows in those states (and of that action) whose ``due_at`` has come, oldest first."""
        ...

    def in_state(self, state: PostState, account_id: int | None = None) -> list[Post]:
        """Oldest first. Not for POSTED and FAILED."""
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


class Answers(Protocol):
    """What the bot has to say, in the order of each room."""

    def add(
        self,
        room: Room,
        speech: Speech,
        body: str,
        *,
        target: str | None = None,
        target_answer: int | None = None,
        thread: str | None = None,
        mention: Identity | None = None,
        due_at: float = 0.0,
        post_id: int | None = None,
        question_id: int | None = None,
    ) -> int: ...

    def add_all(self, answers: Collection[Answer]) -> None:
        """Add them in this order. Their ids and ``event_id`` are not looked at: they get new ones."""
        ...

    def claim(self, now: float, busy: Collection[Room], limit: int) -> list[tuple[str, list[Answer]]]:
        """For each room that is not busy, the next batch that is due: several texts of one thread are one batch, so
        that they become one message. The key of a batch is kept, so that a repetition is the same batch.
        """
        ...

    def sent(self, key: str, event_id: str, now: float) -> None: ...

    def postpone(self, key: str, due_at: float) -> None: ...

    def give_up(self, key: str, now: float) -> None: ...

    def of_post(self, post_id: int, speech: Speech, body: str | None = None) -> list[Answer]: ...

    def of_posts(self, post_ids: Collection[int], speech: Speech) -> list[Answer]: ...

    def cancel(self, answer_id: int) -> bool:
        """Take back an answer that no attempt was made to send; False when it is too late for that."""
        ...

    def instead(self, post_ids: Collection[int], old: str, new: str) -> set[int]:
        """Where a reaction ``old`` about one of those rows is still to be sent, it is ``new`` from now on, once, and
        due. Gives the rows that had one.
        """
        ...

    def of_event(self, network: str, event_id: str) -> list[Answer]:
        """What the bot said by that event."""
        ...

    def ask(self, asked: Identity, room: Room) -> Question:
        """A new question; its words are added as an answer with its id."""
        ...

    def question(self, question_id: int) -> Question | None: ...

    def next_due(self, after: float) -> float | None: ...

    def pending(self) -> int: ...


class Links(Protocol):
    """Pending links, and token pairs to revoke."""

    def add(
        self, identity: Identity, publisher: str, origin: Room, message_id: str, thread: str | None, room: Room | None,
        now: float
    ) -> PendingLink:  # fmt: skip
        """A new attempt; it ends any other attempt of that person."""
        ...

    def get(self, link_id: int) -> PendingLink | None: ...

    def pending(self, identity: Identity) -> PendingLink | None: ...

    def save(self, link: PendingLink) -> None: ...

    def count_since(self, identity: Identity, since: float) -> int: ...

    def to_do(self, now: float) -> list[PendingLink]:
        """Those in ASKED or PROVING whose ``due_at`` has come, and those in WAITING whose time is over (their
        ``due_at``, where it is set).
        """
        ...

    def revoke(self, account_id: int, sealed: Sealed, now: float) -> None: ...

    def keep(self, account_id: int) -> None:
        """The pair is in use again: nothing of that account is to be revoked."""
        ...

    def revocations(self, now: float) -> list[Revocation]: ...

    def postpone(self, revocation: Revocation, due_at: float) -> None: ...

    def revoked(self, revocation: Revocation) -> None: ...

    def next_due(self, after: float) -> float | None: ...

    def ring(self) -> None:
        """Ring the bell: there is something to do that stands elsewhere."""
        ...


class Shares(Protocol):
    """Who is in which room, what rooms were given, what people were offered, and who wants to recover an account."""

    def gather(self, room: Room, members: Collection[Identity], *, closed: bool) -> None:
        """What the network told of ``room`` last. Of one that is not closed, no members are kept."""
        ...

    def scatter(self, room: Room) -> None:
        """The bot is not in it any more, and knows nothing of it."""
        ...

    def is_closed(self, room: Room) -> bool | None:
        """None: nothing is known of that room."""
        ...

    def gathered(self, network: str) -> list[Room]:
        """The rooms that something is known of."""
        ...

    def give(self, account_id: int, room: Room, role: Role, at: float) -> None:
        """A role for the members of ``room``, while it is closed and they are in it."""
        ...

    def take(self, account_id: int, room: Room) -> bool:
        """False when the room had no role."""
        ...

    def rooms(self, account_id: int) -> list[tuple[Room, Role]]:
        """The rooms with a role on the account, longest standing first."""
        ...

    def of_room(self, room: Room) -> list[tuple[int, Role]]:
        """(account id, role) of what was given to that room."""
        ...

    def through(self, account_id: int, identity: Identity) -> list[tuple[Room, Role]]:
        """The closed rooms that give that person a role on the account, the best role first."""
        ...

    def move_room(self, old: Room, new: Room) -> None:
        """What was given to a room follows its upgrade."""
        ...

    def offer(
        self, account_id: int, to: Identity, role: Role, by: Identity, origin: Room, message_id: str,
        thread: str | None, now: float
    ) -> Offer:  # fmt: skip
        """A new offer; it takes the place of any open one of that account to that person."""
        ...

    def open_offers(self, to: Identity | None = None, account_id: int | None = None) -> list[Offer]:
        """Those in MADE or ASKED (to that person, of that account), oldest first."""
        ...

    def get_offer(self, offer_id: int) -> Offer | None: ...

    def asked_by(self, answer_id: int) -> Offer | None:
        """The offer that those words of the bot asked about."""
        ...

    def save_offer(self, offer: Offer) -> None: ...

    def offers_since(self, by: Identity, since: float) -> int: ...

    def recover(self, recovery: Recovery) -> None:
        """Note that somebody wants to own the account; one row for an account and a person."""
        ...

    def recoveries(self, account_id: int | None = None, due: float | None = None) -> list[Recovery]:
        """Those that wait (of that account; whose time has come at ``due``)."""
        ...

    def end_recovery(self, account_id: int, who: Identity | None = None) -> None:
        """Of that person; of everybody."""
        ...

    def next_due(self, after: float) -> float | None:
        """When the next recovery is due."""
        ...


class Decisions(Protocol):
    """What approvers said, and the messages that showed them what they decided about."""

    def content(self, post: Post) -> str:
        """The hash of all that will be visible of ``post`` as the store has it now: account, action, text, pictures and
        their alt texts, what it replies to or reposts, time; of a thread, all its parts in order.
        """
        ...

    def add(
        self,
        post_id: int,
        identity: Identity,
        verdict: Verdict,
        content: str,
        event_id: str | None,
        at: float,
        reason: str = "",
    ) -> None:
        """Keep it in place of what that person said of the post before."""
        ...

    def withdraw(self, network: str, event_id: str, who: Identity) -> Decision | None:
        """Forget what ``who`` said by that event, and give it; None when there is no such decision of theirs."""
        ...

    def of(self, post_id: int) -> list[Decision]:
        """All that is known, oldest first; also what was said of earlier contents."""
        ...

    def standing(self, post: Post) -> list[Decision]:
        """Approvals that count now: of exactly what the post (or its thread) holds now, by people who are approvers
        or owners now, and not its author.
        """
        ...

    def stands(self, post: Post, approvals: int) -> bool:
        """Whether so many approvals count now. ``post`` may be any part of a thread."""
        ...

    def void(self, post_id: int) -> None:
        """Forget what was decided about the post. Who wrote what it says stays known."""
        ...

    def show(self, answer_id: int, post_id: int, version: int, content: str) -> None:
        """The answer, which nobody has claimed yet, is a preview: it is said in a message of its own."""
        ...

    def previews(self, post_id: int) -> list[Preview]:
        """All previews of the post, oldest first."""
        ...


class People(Protocol):
    """What persons prefer."""

    def zone(self, identity: Identity) -> str:
        """The name of that person's time zone; empty when they have not said."""
        ...

    def set_zone(self, identity: Identity, zone: str) -> None: ...


class Policies(Protocol):
    """What teams decided about their accounts."""

    def of(self, account_id: int) -> Policy:
        """The account's policy; the usual one where nothing was decided."""
        ...

    def put(self, account_id: int, policy: Policy) -> None: ...

    def of_room(self, room: Room) -> list[int]:
        """The ids of the accounts whose drafts are shown there."""
        ...

    def move_room(self, old: Room, new: Room) -> None:
        """Approval rooms follow an upgrade."""
        ...


class Log(Protocol):
    """Who did what. Rows are added in the transaction of the deed, and never changed."""

    def add(
        self,
        actor: Identity | None,
        verb: str,
        *,
        room: Room | None = None,
        account_id: int | None = None,
        post_id: int | None = None,
        detail: str = "",
        outcome: str = "",
        at: float,
    ) -> Deed: ...

    def add_all(self, deeds: Sequence[Deed]) -> None:
        """As ``add``, for several in order; their ids and hashes are made here."""
        ...

    def of_account(self, account_id: int, most: int, actor: Identity | None = None) -> list[Deed]:
        """The newest ``most`` deeds (of that actor) on the account, oldest of them first."""
        ...

    def of_post(self, post_id: int) -> list[Deed]:
        """All deeds about the row, oldest first."""
        ...

    def tail(self, most: int) -> list[Deed]:
        """The newest ``most`` deeds, oldest of them first."""
        ...

    def after(self, deed_id: int, most: int, account_id: int | None = None) -> list[Deed]:
        """The ``most`` deeds (of that account) that follow the row ``deed_id``, oldest first."""
        ...

    def verify(self, so_far: Checked = START, most: int = 1000) -> Checked:
        """Hold the next ``most`` rows against their hashes. Call it with what it gave until it says ``done``."""
        ...


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction's view of the store. All of it is synchronous and runs whole; see Store.transact."""

    notes: Notes
    arrivals: Arrivals
    accounts: Accounts
    posts: Posts
    answers: Answers
    links: Links
    decisions: Decisions
    shares: Shares
    policies: Policies
    log: Log
    people: People


class Topic(Enum):
    """What a committed transaction may have given somebody to do."""

    POSTS = "posts"
    ANSWERS = "answers"
    LINKS = "links"
    SHARES = "shares"


class Follower(Protocol):
    """Who adds its share to the transactions of others, so that both reach the disk at once."""

    def may_join(self) -> bool:
        """Asked on the store's thread before ``join``: whether it is of any use to call that now."""
        ...

    def join(self, tx: Tx) -> bool:
        """Called on the store's thread, at the end of a lasting transaction that changed something of Topic.POSTS.
        False when it did nothing. What it did is undone, and the transaction goes on without it, when it raises.
        """
        ...

    def joined(self, *, committed: bool) -> None:
        """Called in the event loop after each ``join`` that gave True or raised: whether what it did is on disk."""
        ...


class Store(Protocol):
    """Everything that must outlive a crash."""

    def follow(self, follower: Follower | None) -> None:
        """Have ``follower`` join; None ends that. Topic.POSTS does not ring for a transaction that it has joined."""
        ...

    def bell(self, topic: Topic) -> asyncio.Event:
        """Rings after each committed transaction that changed something of ``topic``. Its one listener clears it."""
        ...

    async def transact(self, work: Callable[[Tx], T], *, lasting: bool = True) -> T:
        """Run ``work`` in one transaction on the store's own thread, whole or not at all, and give what it gives.

        ``work`` must be quick, must not await, and must touch nothing of the event loop. What it raises rolls back and
        passes through. Raises StoreError when the database refuses. On return, the change has reached the disk; or,
        where it need not be ``lasting``, the operating system. Then a loss of power (no crash of ours) can undo it,
        and no transaction that comes later outlives it.
        """
        ...

    async def close(self) -> None: ...
