"""Accounts, who may do what with them, and what their teams decided."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from bridge.model.chat import Identity, Room


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

    def may_delete(self, *, own: bool, approved: bool) -> bool:
        """Whether a post that is out may be deleted: one's ``own``, by who only drafts where it was ``approved``; and
        everybody's by who approves.
        """
        return self.may_undo_others or (own and (self.may_post or approved))

    @property
    def may_approve(self) -> bool:
        return self in (Role.OWNER, Role.APPROVER)


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
    for each calendar month (UTC); 0: no limit. ``links``: what comes before a post that costs more than usual,
    as one with an address does: its price and a moment to stop it, a question about each address, or nothing.
    ``alt``: whether a post with a picture that has no alt text is asked about first, or cannot go out.
    """

    approvals: int = 1
    approvals_from: Literal["contributors", "everyone"] = "contributors"
    approve_by: Literal["reaction", "command"] = "reaction"
    room: Room | None = None
    hold: float = 0.0
    budget: int = 0
    links: Literal["tell", "ask", "allow"] = "tell"
    alt: Literal["off", "ask", "require"] = "off"

    def asks(self, role: Role) -> bool:
        """Whether what somebody with that role says is a draft, until approvers let it through."""
        return not role.may_post or self.approvals_from == "everyone"


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
