"""Answers about a row: its signs on the command, and its words as a reply.

It knows the rows of the answers and nothing of why something ended. Everything is added to the turn's transaction.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from bridge.interfaces import Tx
from bridge.model import Answer, Identity, Post, Room, Speech
from bridge.outbox import previews, words
from bridge.outbox.turn import Turn

WAITS, DONE, FAILED, UNSURE = "⏳", "✅", "❌", "❓"


def take_away(tx: Tx, posts: Sequence[Post], *signs: str) -> None:
    """Remove our ``signs`` on the rows' commands; one that was not sent yet never will be."""
    shown = [a for a in tx.answers.of_posts([post.id for post in posts], Speech.REACTION) if a.body in signs]
    late = [answer for answer in shown if not tx.answers.cancel(answer.id)]
    if late:
        gone = {a.target_answer for a in tx.answers.of_posts([post.id for post in posts], Speech.REDACTION)}
        for answer in late:
            if answer.id not in gone:
                tx.answers.add(answer.room, Speech.REDACTION, "", target_answer=answer.id, post_id=answer.post_id)


def end(tx: Tx, post: Post, sign: str, said: str) -> None:
    """``sign`` comes instead of the earlier ones, and the words."""
    end_all(tx, sign, [(post, said)])


def end_all(tx: Tx, sign: str, ended: Sequence[tuple[Post, str]]) -> None:
    """As ``end``, for several rows that ended alike."""
    # At the first attempt there is nothing but the ⏳, which is hardly ever out yet.
    at_once = tx.answers.instead([post.id for post, _ in ended if post.attempts == 1], WAITS, sign)
    later = [post for post, _ in ended if post.id not in at_once]
    if later:
        take_away(tx, later, *((WAITS,) if sign == UNSURE else (WAITS, UNSURE)))
    answers: list[Answer] = []
    for post, said in ended:
        if post.id not in at_once:
            answers.append(Answer(0, post.room, Speech.REACTION, sign, target=post.message_id, post_id=post.id))
        answers.append(_words(post, said))
    tx.answers.add_all(answers)
    for post, said in ended:
        previews.close(tx, post, said)


def say(tx: Tx, post: Post, said: str) -> None:
    """Words as a reply to the row's command."""
    tx.answers.add_all([_words(post, said)])


def _words(post: Post, said: str) -> Answer:
    return Answer(
        0,
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
