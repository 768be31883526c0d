"""What a transaction sees of the log."""

from collections.abc import Sequence
from typing import Protocol

from bridge.model import START, Checked, Deed, Identity, Room


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
