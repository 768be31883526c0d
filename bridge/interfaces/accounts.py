"""What a transaction sees of accounts, of links to them, and of the people who use them."""

from typing import Protocol

from bridge.model import Account, Action, Identity, PendingLink, Revocation, Role, Room, Sealed


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
        """Take that person's own role away. What they have by a room stays, and so does their default: without it, what
        they post next would silently go out as another account.
        """
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


class People(Protocol):
    """What persons prefer."""

    def zone(self, identity: Identity) -> str:
        """The name of that person's time zone; empty when they have not said."""
        ...

    def set_zone(self, identity: Identity, zone: str) -> None: ...
