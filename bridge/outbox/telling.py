"""Answers about a row: its signs on the command, and its words as a reply.

It knows the rows of the answers and nothing of why something ended. Everything is added to the turn's transaction.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from bridge.interfaces import Tx
from bridge.model import Identity, Post, Room, Speech
from bridge.outbox import previews, words
from bridge.outbox.turn import Turn

WAITS, DONE, FAILED, UNSURE = "⏳", "✅", "❌", "❓"


def take_away(tx: Tx, post: Post, *signs: str) -> None:
    """Remove our ``signs`` on the row's command; one that was not sent yet never will be."""
    shown = [answer for answer in tx.answers.of_post(post.id, Speech.REACTION) if answer.body in signs]
    late = [answer for answer in shown if not tx.answers.cancel(answer.id)]
    if late:
        gone = {answer.target_answer for answer in tx.answers.of_post(post.id, Speech.REDACTION)}
        for answer in late:
            if answer.id not in gone:
                tx.answers.add(answer.room, Speech.REDACTION, "", target_answer=answer.id, post_id=post.id)


def end(tx: Tx, post: Post, sign: str, said: str) -> None:
    """``sign`` comes instead of the earlier ones, and the words."""
    take_away(tx, post, *((WAITS,) if sign == UNSURE else (WAITS, UNSURE)))
    tx.answers.add(post.room, Speech.REACTION, sign, target=post.message_id, post_id=post.id)
    say(tx, post, said)
    previews.close(tx, post, said)


def say(tx: Tx, post: Post, said: str) -> None:
    """Words as a reply to the row's command."""
    tx.answers.add(
        post.room,
        Speech.TEXT,
        said,
        target=post.message_id,
        thread=post.thread,
        mention=post.author,
        post_id=post.id,
    )


def by_person(posts: Iterable[Post]) -> dict[tuple[Identity, Room], list[Post]]:
    """The rows of each person in each room, in order."""
    found: dict[tuple[Identity, Room], list[Post]] = {}
    for post in posts:
        found.setdefault((post.author, post.room), []).append(post)
    return found


def say_together(turn: Turn, posts: Sequence[Post], make: Callable[[Sequence[Post]], str]) -> None:
    """One message to each person in each room about all of their rows in ``posts``."""
    for (author, room), theirs in by_person(posts).items():
        if len(theirs) == 1:
            say(turn.tx, theirs[0], make(theirs))
            continue
        threads = {post.thread for post in theirs}
        turn.tx.answers.add(
            room,
            Speech.TEXT,
            make(theirs),
            target=theirs[-1].message_id,
            thread=threads.pop() if len(threads) == 1 else None,
            mention=author,
        )


def tell_waiting(turn: Turn) -> None:
    """Tell each person once that their rows wait, where a whole account stands still. ``reason`` keeps who was told."""
    if turn.paused:
        _tell(turn, turn.tx.posts.untold(None), words.PAUSED)
        return
    for account_id, why in turn.waiting.items():
        _tell(turn, turn.tx.posts.untold(account_id), why)


def _tell(turn: Turn, posts: Iterable[Post], why: str) -> None:
    told = [replace(post, reason=why) for post in posts]
    for post in told:
        turn.tx.posts.save(post)
    # Of a thread its first row stands for all.
    shown = list({post.id if post.thread_root is None else -post.thread_root: post for post in reversed(told)}.values())
    say_together(turn, shown[::-1], lambda theirs: words.waits(theirs, why, turn.house.prefix))
