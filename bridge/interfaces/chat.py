"""The seam to a network that people talk on."""

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Protocol

from bridge.model import Event, Health, Identity, Medium, Message, Outgoing, Room, RoomName, Unreadable


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

    async def room_name(self, room: Room) -> RoomName | None:
        """What people call ``room``; None where the bot is not in it, or nobody has named it. Raises ChatError."""
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

    async def upload(self, file: Path, medium: Medium, *, encrypted: bool) -> Medium:
        """Put ``file``, of which ``medium`` tells the type, size and name, where rooms can show it: ``medium`` with its
        new source, and the key of an ``encrypted`` one. Nobody sees it until it is said. It takes as long as so many
        bytes may. Raises ChatUnreachable, ChatRefused (too large for the network), or the OSError of the disk.
        """
        ...

    def health(self) -> Health:
        """Connected, in sync, keys in order? Never blocks."""
        ...

    async def close(self) -> None:
        """Let go of sockets, files and locks. Call after ``run`` has ended and the last ``send`` has returned."""
        ...
