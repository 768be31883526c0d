"""What a transaction sees of how accounts are shared, and of what teams decided about them."""

from collections.abc import Collection
from typing import Protocol

from bridge.model import Identity, Offer, Policy, Recovery, Role, Room


class Shares(Protocol):
    """Who is in which room, what rooms were given, what people were offered, and who wants to recover an account."""

    def gather(self, room: Room, members: Collection[Identity], *, closed: bool, encrypted: bool = False) -> None:
        """What the network told of ``room`` last. Of one that is not closed, no members are kept."""
        ...

    def scatter(self, room: Room) -> None:
        """The bot is not in it any more, and knows nothing of it."""
        ...

    def is_closed(self, room: Room) -> bool | None:
        """None: nothing is known of that room."""
        ...

    def is_in(self, room: Room, identity: Identity) -> bool:
        """Whether that person is in that room, as far as it is known: of one that is not closed, it is not."""
        ...

    def is_encrypted(self, room: Room) -> bool:
        """False also where nothing is known of that room."""
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
