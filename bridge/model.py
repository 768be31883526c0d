"""The words of the domain, as frozen data. See docs/glossary.md.

It knows no library, no network and no SQL. All times are Unix seconds (float, UTC). Everything that enters from outside
arrives here as one of these, so that the rest of the house never sees a foreign type.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, NewType

Sealed = NewType("Sealed", bytes)
"""Bytes that the vault encrypted. A type of its own, so that the type checker refuses to store plain ones."""


# ---------------------------------------------------------------- who and where


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a network vouches for: a Matrix user id, an IRC services account; never a nick.

    ``network`` is the configured network's name ("matrix", "console"), ``name`` the exact id there.
    """

    network: str
    name: str

    def __str__(self) -> str:
        return f"{self.network}:{self.name}"


@dataclass(frozen=True, slots=True)
class Room:
    """A place where people talk: a Matrix room id, an IRC channel, a console room."""

    network: str
    id: str

    def __str__(self) -> str:
        return f"{self.network}:{self.id}"


# ---------------------------------------------------------------- what comes in from a chat network


@dataclass(frozen=True, slots=True)
class Medium:
    """A picture or video that a person put into a room. ``source`` is the network's own name of the file (Matrix:
    ``mxc://``), never an address that somebody typed. ``mime``, ``size`` (bytes; 0: not said), ``name`` and
    ``duration`` (seconds; 0: not said) are what its sender says. ``key``, ``iv`` and ``sha256`` (base64) open an
    encrypted file and hold it to what was sent; all empty for a plain one. The network has sealed ``key``, each time
    anew, so that it tells no two files apart. ``alt``: what it shows, in words. ``scaled``: its sender wants it scaled
    down to what the publisher takes. ``remote_id``: the publisher's id of it, uploaded at ``uploaded_at``.
    ``message_id``: the message that it is part of.
    """

    source: str
    mime: str
    size: int = 0
    name: str = ""
    key: str = field(default="", repr=False, compare=False)
    iv: str = field(default="", repr=False)
    sha256: str = ""
    alt: str = ""
    remote_id: str = ""
    uploaded_at: float = 0.0
    message_id: str = field(default="", compare=False)
    duration: float = 0.0
    scaled: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A line that a person said. The network vouches for ``sender``; decrypting, echoes and history are behind us.

    ``id`` is unique in its network. ``sent_at`` is the sender's homeserver's time. ``direct`` tells whether the room is
    a DM (encrypted, invite-only, exactly the bot and the sender) as far as the adapter knows now. ``replay_key`` names
    the encrypted form of the text, where it has one: the same key under another id is a replay and does not run.
    ``mentions``: the first people whom its client says it mentions, whatever they are called in the text. ``media``:
    the files that it is, in order; then ``text`` is their caption. ``media_now``: what an edit made of those, known
    of a message that was looked up.
    """

    id: str
    room: Room
    sender: Identity
    text: str
    sent_at: float
    direct: bool = False
    reply_to: str | None = None
    thread: str | None = None
    replay_key: str | None = None
    mentions: tuple[Identity, ...] = ()
    media: tuple[Medium, ...] = ()
    media_now: tuple[Medium, ...] = ()

    @property
    def seen(self) -> tuple[Medium, ...]:
        """Its files as people see them."""
        return self.media_now or self.media


@dataclass(frozen=True, slots=True)
class Edit:
    """``sender`` changed the message ``target`` into ``text``, with the files ``media``."""

    id: str
    room: Room
    sender: Identity
    target: str
    text: str
    sent_at: float
    direct: bool = False
    replay_key: str | None = None
    media: tuple[Medium, ...] = ()


@dataclass(frozen=True, slots=True)
class Reaction:
    """``sender`` put the emoji ``key`` on the message ``target``. Never encrypted on Matrix."""

    id: str
    room: Room
    sender: Identity
    target: str
    key: str
    sent_at: float


@dataclass(frozen=True, slots=True)
class Redaction:
    """``sender`` removed the message (or reaction) ``target``. Never encrypted on Matrix."""

    id: str
    room: Room
    sender: Identity
    target: str
    sent_at: float


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that could not be decrypted, or not be trusted. ``reason`` is a sentence for the sender.

    ``text``: what it says, where that could be read; it never runs, but tells whether it was meant for the bot at all.
    """

    id: str
    room: Room
    sender: Identity
    sent_at: float
    reason: str
    text: str | None = None
    direct: bool = False


@dataclass(frozen=True, slots=True)
class RoomLost:
    """The bot is no longer in ``room``: kicked, banned, left."""

    id: str
    room: Room


@dataclass(frozen=True, slots=True)
class RoomMoved:
    """``room`` was upgraded; the conversation goes on in ``successor``."""

    id: str
    room: Room
    successor: Room


@dataclass(frozen=True, slots=True)
class Gathering:
    """Who is in ``room`` now, the bot left out, and whether it is ``closed``: nobody gets in but by an invitation.

    It tells how things are, so a repetition changes nothing, and the newest one counts. Of a room that is not closed,
    the members need not be told.
    """

    id: str
    room: Room
    members: frozenset[Identity]
    closed: bool


Event = Message | Edit | Reaction | Redaction | Unreadable | RoomLost | RoomMoved | Gathering


# ---------------------------------------------------------------- what goes out to a chat network


class Speech(Enum):
    """What kind of thing the bot does in a room."""

    TEXT = "text"
    """A notice, as a reply to ``target`` where there is one, in ``thread`` if it has one."""
    REACTION = "reaction"
    """The emoji ``body`` on ``target``."""
    REDACTION = "redaction"
    """Removes ``target``: an own reaction, or a message that held a PIN."""
    EDIT = "edit"
    """Puts ``body`` in the place of what the own message ``target`` says."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One thing to say or do in a room.

    ``key`` is stable across crashes and unique in the database's life: sending twice with one key is one message.
    """

    key: str
    room: Room
    speech: Speech
    body: str
    target: str | None = None
    thread: str | None = None
    mention: Identity | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a part can do its work now; ``reason``: a short phrase why not, or what the operator should know."""

    ok: bool
    reason: str = ""


# ---------------------------------------------------------------- accounts


class Role(Enum):
    """What an identity may do with an account."""

    OWNER = "owner"
    """Everything."""
    APPROVER = "approver"
    """Posts, undoes any post of the account, approves."""
    POSTER = "poster"
    """Posts."""
    CONTRIBUTOR = "contributor"
    """Drafts that an approver lets through."""

    @property
    def rank(self) -> int:
        """The higher, the more it lets one do."""
        return 3 - list(Role).index(self)

    @property
    def may_post(self) -> bool:
        return self is not Role.CONTRIBUTOR

    @property
    def may_undo_others(self) -> bool:
        return self in (Role.OWNER, Role.APPROVER)

    @property
    def may_approve(self) -> bool:
        return self in (Role.OWNER, Role.APPROVER)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A token pair of OAuth 1.0a (RFC 5849, section 2): of a request, or of an account. Never shown."""

    token: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """One account at one publisher, keyed there by ``remote_id`` (X's user id, which outlives the handle)."""

    id: int
    publisher: str
    remote_id: str
    handle: str
    premium: bool = False
    broken: str = ""
    """Why its token no longer works; empty while it does."""
    frozen: str = ""
    """Who stopped its sends, as ``network:name``; empty while nobody has."""

    @property
    def at(self) -> str:
        return f"@{self.handle}"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a team decided about its account. ``approvals``: how many approvers a draft needs (1 to 5).
    ``approvals_from``: whose posts are drafts first. ``approve_by``: whether a reaction suffices. ``room``: where
    previews are shown too. ``hold``: seconds that a post waits before it goes out. ``budget``: millionths of a dollar
    for each calendar month (UTC); 0: no limit. ``links``: whether a post with an address is asked about first.
    ``alt``: whether a post with a picture that has no alt text is asked about first, or cannot go out.
    """

    approvals: int = 1
    approvals_from: Literal["contributors", "everyone"] = "contributors"
    approve_by: Literal["reaction", "command"] = "reaction"
    room: Room | None = None
    hold: float = 0.0
    budget: int = 0
    links: Literal["allow", "ask"] = "allow"
    alt: Literal["off", "ask", "require"] = "off"

    def asks(self, role: Role) -> bool:
        """Whether what somebody with that role says is a draft, until approvers let it through."""
        return not role.may_post or self.approvals_from == "everyone"


@dataclass(frozen=True, slots=True)
class LinkStart:
    """The first leg of the flow: what to keep, and where to send the person."""

    request: Credentials
    authorize_url: str


@dataclass(frozen=True, slots=True)
class Linked:
    """The last leg of the flow: an account that a person proved to hold, and its token pair."""

    remote_id: str
    handle: str
    credentials: Credentials


class OfferState(Enum):
    """Where an offer is on its way."""

    MADE = "made"
    """The DM in which to ask the person is still to be had."""
    ASKED = "asked"
    """The person was asked, and has not answered."""
    TAKEN = "taken"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    """Its giver took it back or may not give it any more, another one took its place, or the person cannot be asked."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A role on an account that ``by`` wants to give to ``to``. ``origin`` and ``message_id`` are where and by what it
    was made; ``room`` is the DM, and ``answer_id`` the words there, once the person was asked.
    """

    id: int
    account_id: int
    to: Identity
    role: Role
    by: Identity
    origin: Room
    message_id: str
    thread: str | None
    made_at: float
    state: OfferState
    room: Room | None = None
    answer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Recovery:
    """Somebody who holds an account and wants to own it here: they do from ``due_at`` on, unless an owner objects.
    ``origin`` and ``message_id`` are where and by what they asked for it.
    """

    account_id: int
    who: Identity
    origin: Room
    message_id: str
    thread: str | None
    due_at: float


# ---------------------------------------------------------------- posts


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to say, exactly as it will be visible. ``reply_to`` is a publisher's post id; ``media`` are
    the pictures, in order.
    """

    text: str
    reply_to: str | None = None
    media: tuple[Medium, ...] = ()


class Action(Enum):
    """What an outbox row does at the publisher."""

    POST = "post"
    """Publishes its draft. Never repeated blindly."""
    REPOST = "repost"
    """Reposts ``remote_target``. The publisher takes a repetition as the same wish."""
    DELETE = "delete"
    """Deletes the post or takes back the repost of another row. The publisher takes a repetition as the same wish."""


class PostState(Enum):
    """Where a post is on its way: queued -> sending -> posted | failed | unknown."""

    DRAFT = "draft"
    """Waits for approvals; nothing has been sent."""
    SCHEDULED = "scheduled"
    """Waits for the time in ``scheduled_for``; nothing has been sent."""
    HELD = "held"
    """Waits for its author to say `send` or `drop`; nothing has been sent."""
    QUEUED = "queued"
    """Will be sent when its account is free and ``due_at`` has come. Certainly not posted."""
    SENDING = "sending"
    """Claimed: bytes may be leaving. Found so at start, it becomes UNKNOWN."""
    POSTED = "posted"
    """The publisher confirmed it, or it was found in the account's own posts."""
    FAILED = "failed"
    """Certainly not posted."""
    UNKNOWN = "unknown"
    """Perhaps posted. Looked up, then asked about; never sent again without the author's word."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the publisher answered: the new post's id there. ``rest`` is set when the publisher said that the account
    may not do this again before that time (Unix seconds).
    """

    remote_id: str
    rest: float | None = None


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def label(letter: str, number: int) -> str:
    """The short name that people type for a row: ``label("k", 43)`` is ``"k17"`` (base 36)."""
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return letter + (digits or "0")


def unlabel(text: str) -> tuple[str, int] | None:
    """The letter and the number of a label, without case; None when ``text`` is none."""
    text = text.strip().lower()
    if not 2 <= len(text) <= 12 or text[0] not in "kq" or any(c not in _DIGITS for c in text[1:]):
        return None
    return text[0], int(text[1:], 36)


@dataclass(frozen=True, slots=True)
class Post:
    """One row of the outbox: a draft on its way, a repost, or the undoing of an earlier row.

    ``message_id`` is the command in ``room`` that asked for it; answers go there. ``fresh_at`` is the time that its age
    counts from: when it was said, or when its author last said `send`. ``due_at``: not before (state QUEUED), or when
    to look next (state UNKNOWN). ``target``: the publisher's id of what is reposted. ``undoes``: the row that a DELETE
    takes back; it waits with an endless ``due_at`` until that row's fate is known. ``reason``: why it failed or waits.
    ``scheduled_for``: the time that its author named. ``thread_root``: the first part of its thread (itself, for that
    part), ``part`` its place in it from 1. ``cost``: millionths of a dollar. ``content``: the hash of all that will be
    visible, which an approval is bound to.
    """

    id: int
    action: Action
    account_id: int
    author: Identity
    room: Room
    message_id: str
    thread: str | None
    draft: Draft
    target: str | None
    undoes: int | None
    state: PostState
    created_at: float
    fresh_at: float
    due_at: float
    claimed_at: float | None = None
    attempts: int = 0
    remote_id: str | None = None
    question_id: int | None = None
    deleted: bool = False
    reason: str = ""
    scheduled_for: float | None = None
    thread_root: int | None = None
    part: int = 0
    cost: int = 0
    content: str = ""

    @property
    def label(self) -> str:
        return label("k", self.id)


@dataclass(frozen=True, slots=True)
class Answer:
    """A durable row of what the bot says or does in a room. ``post_id`` and ``question_id`` tell what it is about.

    ``target_answer`` stands for the event of an earlier answer where its id is not known yet.
    """

    id: int
    room: Room
    speech: Speech
    body: str
    target: str | None = None
    target_answer: int | None = None
    thread: str | None = None
    mention: Identity | None = None
    due_at: float = 0.0
    post_id: int | None = None
    question_id: int | None = None
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What the bot asks about a person's waiting posts; ``label`` is what they type to answer for all of them."""

    id: int
    asked: Identity
    room: Room

    @property
    def label(self) -> str:
        return label("q", self.id)


class Verdict(Enum):
    """What an approver says of a draft."""

    APPROVE = "approve"
    REJECT = "reject"
    WROTE = "wrote"
    """They changed it to exactly that, so that they cannot approve it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What ``identity`` said of a post with exactly ``content``, by ``event_id`` (a reaction or a command)."""

    post_id: int
    identity: Identity
    verdict: Verdict
    content: str
    event_id: str | None
    at: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """A message that shows a post with exactly ``content``; ``version`` counts the contents that the post has had."""

    answer_id: int
    post_id: int
    version: int
    content: str
    room: Room


class LinkState(Enum):
    """Where a pending link is on its way."""

    ASKED = "asked"
    """The person wrote `link`; the DM and the request token are still to be had."""
    WAITING = "waiting"
    """The address is given; the PIN has not come."""
    PROVING = "proving"
    """The PIN came and is kept sealed until the publisher has answered."""
    ENDED = "ended"
    """Linked, cancelled, voided or replaced. Kept for an hour, for the limit."""


@dataclass(frozen=True, slots=True)
class PendingLink:
    """One attempt of one person to link an account. ``room`` is the DM it belongs to, once there is one;
    ``origin`` and ``message_id`` are where and by what it was asked for. ``request`` and ``pin`` are sealed.
    """

    id: int
    identity: Identity
    publisher: str
    state: LinkState
    origin: Room
    message_id: str
    thread: str | None
    started_at: float
    room: Room | None = None
    request: Sealed | None = None
    pin: Sealed | None = None
    due_at: float = 0.0
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Revocation:
    """A token pair that nobody uses any more and that the publisher shall forget."""

    id: int
    account_id: int
    sealed: Sealed
    due_at: float
    tries: int = 0


# ---------------------------------------------------------------- the log


@dataclass(frozen=True, slots=True)
class Deed:
    """One row of the log: ``actor`` (None: the bot itself) did ``verb``, and ``outcome`` came of it. ``detail`` holds
    labels, handles, roles and first words, never a secret. ``hash`` seals the row and all before it.
    """

    id: int
    at: float
    actor: Identity | None
    account_id: int | None
    post_id: int | None
    room: Room | None
    verb: str
    detail: str
    outcome: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """How far the log was looked through: up to the row ``id``, whose hash is ``hash``. ``broken``: the id of the first
    row that was changed, inserted or is missing; None when all is well so far. ``done``: there is no more to look at.
    """

    id: int
    hash: bytes
    broken: int | None = None
    done: bool = False


START = Checked(0, bytes(32))
"""Before the first row of the log."""
