"""What somebody wants to publish, and how far it is on its way."""

from dataclasses import dataclass
from enum import Enum

from bridge.model.chat import Identity, Medium, Room


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

    ``message_id`` is the command in ``room`` that asked for it; answers go there. ``fresh_at`` is the time that its
    age counts from: when it was said, or when its author last said `send`. ``due_at``: not before (state QUEUED),
    when to look next (state UNKNOWN), or when its people are to hear that it is not approved (state DRAFT).
    ``target``: the publisher's id of what is reposted. ``undoes``: the row that a DELETE takes back; it waits with
    an endless ``due_at`` until that row's fate is known. ``reason``: why it failed or waits. ``scheduled_for``: the
    time that its author named. ``thread_root``: the first part of its thread (itself, for that part), ``part`` its
    place in it from 1. ``cost``: millionths of a dollar. ``content``: the hash of all that will be visible, which
    an approval is bound to.
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
