"""How an account's token pair comes to us, how it is kept, and how it goes."""

from dataclasses import dataclass, field
from enum import Enum
from typing import NewType

from bridge.model.chat import Identity, Room

Sealed = NewType("Sealed", bytes)
"""Bytes that the vault encrypted. A type of its own, so that the type checker refuses to store plain ones."""


@dataclass(frozen=True, slots=True)
class SealedValue:
    """Sealed bytes, what they are bound to, and where they stand in the store: ``kind`` and ``key`` are its own."""

    kind: str
    key: tuple[int | str, ...]
    purpose: str
    sealed: Sealed


@dataclass(frozen=True, slots=True)
class Credentials:
    """A token pair of OAuth 1.0a (RFC 5849, section 2): of a request, or of an account. Never shown."""

    token: str = field(repr=False)
    secret: str = field(repr=False)


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
