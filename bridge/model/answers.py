"""What the bot says and asks, and what approvers answer to what it showed them."""

from dataclasses import dataclass
from enum import Enum

from bridge.model.chat import Identity, Medium, Room
from bridge.model.posts import label


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
    MEDIA = "media"
    """Shows ``medium``, whose name is ``body``; else as TEXT. An encrypted file is shown in encrypted rooms only."""


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
    medium: Medium | None = None


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
    medium: Medium | None = None


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
