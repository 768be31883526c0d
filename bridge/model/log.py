"""Who did what, and how far the chain of that was looked through."""

from dataclasses import dataclass

from bridge.model.chat import Identity, Room


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
