"""What every verb gets and what it is made of: the request, the house around it, and the row of the table of verbs.

It knows the words of the domain and the shape of a command. It knows no verb, decides nothing and asks no network:
what a verb needs from one was asked before the transaction and stands in ``Facts``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from enum import Enum, Flag, auto

from bridge.interfaces import Privacy, Publisher, Tx
from bridge.model import Account, Identity, Medium, Message, Role, Room, Speech, Unreadable
from bridge.pricing import USUAL, Prices
from bridge.vault import Vault


class Need(Flag):
    """What a verb wants the network to be asked about, before its transaction begins."""

    NOTHING = 0
    PRIVACY = auto()
    """``Facts.privacy``: of the room, for the sender."""
    ROOM_ADMIN = auto()
    """``Facts.room_admin``: whether the sender governs the room."""
    MAY_REDACT = auto()
    """``Facts.may_redact``: whether the bot may remove messages there."""
    PICTURE = auto()
    """``Facts.picture``: the message that it replies to."""
    SERIES = auto()
    """``Facts.series``: what the sender said between an own picture that it replies to and the command."""
    NAMES = auto()
    """``Facts.names``: who and what the first words behind the verb name."""
    ROOMS = auto()
    """``Facts.rooms``: what people call the rooms of the sender's accounts; in a DM, where nobody reads along."""


class Where(Enum):
    """Where a verb may be said. Said elsewhere, it is answered with where to say it, and does not run."""

    ANYWHERE = "anywhere"
    DM = "dm"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the network said about the room and the sender. None (False for ``may_redact``): not asked, or it could not
    be asked; then ``trouble`` is the sentence for the person. ``names``: by the word that was typed.
    ``picture``: the message that the command replies to, if it is there. ``series``: what its sender said there after
    that, up to the command, oldest first. ``rooms``: what people call them, fit for a sentence.
    """

    privacy: Privacy | None = None
    room_admin: bool | None = None
    may_redact: bool = False
    trouble: str = ""
    names: Mapping[str, Identity | Room] = field(default_factory=dict)
    picture: Message | Unreadable | None = None
    series: tuple[Message | Unreadable, ...] = ()
    rooms: Mapping[Room, str] = field(default_factory=dict)

    def called(self, room: Room) -> str:
        """How people know ``room``: its name, or its id where that is not known."""
        return self.rooms.get(room, room.id)


NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class Asked:
    """One command: what was said, and how it was read.

    ``verb`` is the command's own name, also when an alias was typed. ``account`` is the handle behind ``!verb@``, as it
    was typed, without the ``@``. ``text`` is the rest, raw. For a bare PIN the verb is ``pin`` and ``text`` the digits.
    ``now``: Unix seconds. ``media``: the pictures that the command is about, where its verb takes any; ``guessed``:
    some of them only by their place in the room, which is to be asked about.
    """

    message: Message
    verb: str
    account: str | None
    text: str
    facts: Facts
    now: float
    media: tuple[Medium, ...] = ()
    guessed: bool = False

    @property
    def sender(self) -> Identity:
        return self.message.sender

    @property
    def room(self) -> Room:
        return self.message.room

    def called(self, room: Room) -> str:
        """How people know ``room``, as far as it may be told here, where others may read along; else empty."""
        typed = (word for word, what in self.facts.names.items() if what == room)
        return next(typed, "") or (self.facts.called(room) if self.message.direct else "")

    def reply(self, tx: Tx, words: str, *, post_id: int | None = None, question_id: int | None = None) -> int:
        """Say ``words`` as a reply to the command, in its thread, to its sender. Gives the answer's id."""
        return tx.answers.add(
            self.message.room,
            Speech.TEXT,
            words,
            target=self.message.id,
            thread=self.message.thread,
            mention=self.message.sender,
            post_id=post_id,
            question_id=question_id,
        )

    def react(self, tx: Tx, emoji: str) -> int:
        """Put ``emoji`` on the command. Gives the answer's id."""
        return tx.answers.add(self.message.room, Speech.REACTION, emoji, target=self.message.id)


@dataclass(frozen=True, slots=True)
class Standing:
    """What one person may use, for deciding which verbs to show them. ``accounts``: by handle."""

    accounts: tuple[tuple[Account, Role], ...]
    admin: bool
    direct: bool


def everybody(standing: Standing) -> bool:
    """Visible to all."""
    return True


def has_account(standing: Standing) -> bool:
    """Visible to whoever may use an account."""
    return bool(standing.accounts)


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table of verbs.

    ``usage`` has no prefix ("use @ACCOUNT [room]"), ``example`` neither; ``help`` is one sentence. ``publishes``: in a
    DM too it needs the prefix. ``pictures``: it takes those that it is the caption of, or a reply to. ``work`` runs
    inside the transaction of the whole batch: it checks first and writes last. Before its first write it may raise
    UsageError, which is shown to the person as it is, with a ❌; a UsageError after a write would keep that write. Any
    other exception is a bug. ``blind``: it runs also when the network could not be asked (``Facts.trouble`` is set) and
    answers for that itself; any other verb is then answered with the trouble and does not run. ``ageless``: it runs
    however long ago it was said; any other verb that grew stale is answered with the request to say it again.
    """

    name: str
    usage: str
    help: str
    example: str
    work: "Callable[[Tx, Asked, House], None]"
    aliases: tuple[str, ...] = ()
    publishes: bool = False
    pictures: bool = False
    where: Where = Where.ANYWHERE
    needs: Need = Need.NOTHING
    blind: bool = False
    ageless: bool = False
    visible: Callable[[Standing], bool] = everybody


@dataclass(frozen=True, slots=True)
class House:
    """What verbs need beside the transaction. Times in seconds.

    ``commands`` is the whole table in the order of the help; ``verbs`` finds a row by its name or an alias.
    """

    publishers: Mapping[str, Publisher]
    vault: Vault
    admins: frozenset[Identity]
    prefix: str
    stale_after: float
    posts_per_day: int
    commands: tuple[Command, ...]
    verbs: Mapping[str, Command]
    prices: Prices = USUAL
    zone: tzinfo = UTC

    def how(self, verb: str) -> str:
        """How a verb is written, with an example."""
        command = self.verbs[verb]
        return f"Write it like this: {self.prefix}{command.usage} · for instance: {self.prefix}{command.example}"

    @property
    def publisher(self) -> Publisher:
        """The publisher that is meant when none is named: the first one."""
        return next(iter(self.publishers.values()))
