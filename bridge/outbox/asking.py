"""Questions to the author: about rows that grew old, and rows that were not seen though they may have gone out.

All rows of one person in one room are one question. What is answered, and what follows, is the bot's.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bridge.model import Post, Question, Speech
from bridge.outbox import threads, words
from bridge.outbox.telling import WAITS, by_person, take_away
from bridge.outbox.turn import ENDLESS, Turn
from bridge.pricing import Prices


def ask(turn: Turn) -> None:
    """Ask about every HELD row without a question, and about the rows whose search ended in vain."""
    if turn.unasked:
        _ask(turn, _without_threads(turn, turn.tx.posts.unasked(), threads.ask_stale), words.ask_stale)
    if turn.unsure:
        _ask(turn, _without_threads(turn, turn.unsure, threads.ask_unsure), words.ask_unsure)


def _without_threads(turn: Turn, posts: Sequence[Post], ask_thread: Callable[[Turn, Post], None]) -> list[Post]:
    """The rows that are no parts of threads. Of each thread, one question is asked, from its first row here on."""
    asked: set[int] = set()
    for post in posts:
        if post.thread_root is not None and post.thread_root not in asked:
            asked.add(post.thread_root)
            ask_thread(turn, post)
    return [post for post in posts if post.thread_root is None]


def _ask(
    turn: Turn, posts: Sequence[Post], make: Callable[[Sequence[Post], Question, float, str, Prices], str]
) -> None:
    tx = turn.tx
    for (author, room), theirs in by_person(posts).items():
        question = tx.answers.ask(author, room)
        for post in theirs:
            tx.posts.save(replace(post, question_id=question.id, due_at=ENDLESS))
            take_away(tx, [post], WAITS)
        threads = {post.thread for post in theirs}
        tx.answers.add(
            room,
            Speech.TEXT,
            make(theirs, question, turn.now, turn.house.prefix, turn.house.prices),
            target=theirs[-1].message_id,
            thread=threads.pop() if len(threads) == 1 else None,
            mention=author,
            post_id=theirs[0].id if len(theirs) == 1 else None,
            question_id=question.id,
        )
