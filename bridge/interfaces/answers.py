"""What a transaction sees of what the bot says and asks, and of what approvers say to that."""

from collections.abc import Collection
from typing import Protocol

from bridge.model import Answer, Decision, Identity, Medium, Post, Preview, Question, Room, Speech, Verdict


class Answers(Protocol):
    """What the bot has to say, in the order of each room."""

    def add(
        self,
        room: Room,
        speech: Speech,
        body: str,
        *,
        target: str | None = None,
        target_answer: int | None = None,
        thread: str | None = None,
        mention: Identity | None = None,
        due_at: float = 0.0,
        post_id: int | None = None,
        question_id: int | None = None,
        medium: Medium | None = None,
    ) -> int: ...

    def add_all(self, answers: Collection[Answer]) -> None:
        """Add them in this order. Their ids and ``event_id`` are not looked at: they get new ones."""
        ...

    def claim(self, now: float, busy: Collection[Room], limit: int) -> list[tuple[str, list[Answer]]]:
        """For each room that is not busy, the next batch that is due: several texts of one thread are one batch, so
        that they become one message. The key of a batch is kept, so that a repetition is the same batch.
        """
        ...

    def sent(self, key: str, event_id: str, now: float) -> None: ...

    def postpone(self, key: str, due_at: float) -> None: ...

    def give_up(self, key: str, now: float) -> None: ...

    def of_post(self, post_id: int, speech: Speech, body: str | None = None) -> list[Answer]: ...

    def of_posts(self, post_ids: Collection[int], speech: Speech) -> list[Answer]: ...

    def cancel(self, answer_id: int) -> bool:
        """Take back an answer that no attempt was made to send; False when it is too late for that."""
        ...

    def unsay(self, post_id: int, speech: Speech, room: Room | None = None) -> None:
        """Take back what was said of that kind about the row (in that room): what no attempt was made to send never is,
        and the rest is removed.
        """
        ...

    def instead(self, post_ids: Collection[int], old: str, new: str) -> set[int]:
        """Where a reaction ``old`` about one of those rows is still to be sent, it is ``new`` from now on, once, and
        due. Gives the rows that had one.
        """
        ...

    def of_event(self, network: str, event_id: str) -> list[Answer]:
        """What the bot said by that event."""
        ...

    def ask(self, asked: Identity, room: Room) -> Question:
        """A new question; its words are added as an answer with its id."""
        ...

    def question(self, question_id: int) -> Question | None: ...

    def next_due(self, after: float) -> float | None: ...

    def pending(self) -> int: ...


class Decisions(Protocol):
    """What approvers said, and the messages that showed them what they decided about."""

    def content(self, post: Post) -> str:
        """The hash of all that will be visible of ``post`` as the store has it now: account, action, text, pictures and
        their alt texts, what it replies to or reposts, time; of a thread, all its parts in order.
        """
        ...

    def add(
        self,
        post_id: int,
        identity: Identity,
        verdict: Verdict,
        content: str,
        event_id: str | None,
        at: float,
        reason: str = "",
    ) -> None:
        """Keep it in place of what that person said of the post before."""
        ...

    def withdraw(self, network: str, event_id: str, who: Identity) -> Decision | None:
        """Forget what ``who`` said by that event, and give it; None when there is no such decision of theirs."""
        ...

    def of(self, post_id: int) -> list[Decision]:
        """All that is known, oldest first; also what was said of earlier contents."""
        ...

    def standing(self, post: Post) -> list[Decision]:
        """Approvals that count now: of exactly what the post (or its thread) holds now, by people who are approvers
        or owners now, and not its author. None while the bytes of a picture are not known.
        """
        ...

    def stands(self, post: Post, approvals: int) -> bool:
        """Whether so many approvals count now. ``post`` may be any part of a thread."""
        ...

    def void(self, post_id: int) -> None:
        """Forget what was decided about the post. Who wrote what it says stays known."""
        ...

    def show(self, answer_id: int, post_id: int, version: int, content: str) -> None:
        """The answer, which nobody has claimed yet, is a preview: it is said in a message of its own."""
        ...

    def previews(self, post_id: int) -> list[Preview]:
        """All previews of the post, oldest first."""
        ...

    def unseen(self) -> list[Post]:
        """Drafts with a picture that was not looked at (of a thread, its first part), oldest first."""
        ...

    def ring(self) -> None:
        """Ring the bell: there is a picture to look at."""
        ...
