"""The verb thread: a long text, or parts that its author split, as posts that reply to each other.

What the author split goes out at once; what the bot split is shown first. It knows how to split and how to ask; making
the rows is ``posting``'s, sending them in order the outbox's.
"""

import re
from dataclasses import replace

from bridge import pricing, splitting
from bridge.bot import posting, previewing, signs
from bridge.bot.asked import Asked, Command, House, Standing
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Post, PostState
from bridge.text import length

_CUT = re.compile(r"^[ \t]{0,8}-{3,}[ \t]{0,8}\r?$", re.MULTILINE)


def thread(tx: Tx, asked: Asked, house: House) -> None:
    """Post the text in parts."""
    try:
        wish, split = wanted(tx, asked, house)
        post = posting.publish(tx, asked, house, wish)
    except UsageError as error:
        raise UsageError(f"{posting.not_posted(asked.verb, asked.text)} {error}") from error
    if split and len(wish.drafts) > 1 and post.state is not PostState.DRAFT:
        _show(tx, asked, post, wish.account.at, house)


def wanted(tx: Tx, asked: Asked, house: House) -> tuple[posting.Wish, bool]:
    """What the command wants, and whether we did the splitting. Raises UsageError when it cannot be."""
    parts = by_lines(asked.text)
    split = len(parts) == 1
    if split:
        account, _, publisher = posting.speaker(tx, asked, house)
        posting.check_characters(asked.text)
        parts = splitting.split(parts[0], publisher.longest(premium=account.premium)) or [""] * bool(asked.media)
    return posting.wanted_parts(tx, asked, house, parts), split


def by_lines(text: str) -> list[str]:
    """The parts between lines of three dashes; the whole text where there is no such line. Raises UsageError."""
    if len(text) > 400_000:
        raise UsageError("That is too long for a thread.")
    cuts = list(_CUT.finditer(text))
    if not cuts:
        return [text]
    if len(cuts) > 4 * posting.MOST_PARTS:
        raise UsageError(f"A thread has at most {posting.MOST_PARTS} parts.")
    parts = [part.strip() for part in _CUT.split(text)]
    return [part for part in parts if part] or [""]


def _show(tx: Tx, asked: Asked, post: Post, handle: str, house: House) -> None:
    """Hold the parts and ask whether they are right so."""
    question = tx.answers.ask(asked.sender, asked.room)
    rows = previewing.parts_of(tx, post)
    lines = [f"As {handle} I would post this in {len(rows)} parts. Not posted yet."]
    if post.reason:
        lines.append(f"Look twice: {post.reason}")
    for row in rows:
        tx.posts.save(replace(row, state=PostState.HELD, question_id=question.id, reason=""))
        lines.append(f"{row.part}/{len(rows)} ({length(row.draft.text)})")
        lines += [f"│ {line}" for line in row.draft.text.splitlines()]
    signs.take_away(tx, post, signs.WAITS)
    price = pricing.said_of([row.cost for row in rows], house.prices)
    if price:
        lines.append(f"Mind that {price}.")
    send, drop = f"{house.prefix}send {question.label}", f"{house.prefix}drop {question.label}"
    lines.append(f"Post it: {send} or ✅ here · forget it: {drop} or ❌ · to split it yourself, put --- lines between.")
    asked.reply(tx, "\n".join(lines), question_id=question.id)


def _has_accounts(standing: Standing) -> bool:
    return bool(standing.accounts)


COMMANDS = (
    Command(
        name="thread",
        usage="thread[@ACCOUNT] TEXT",
        example="thread First part.\n---\nSecond part.",
        help="Post a thread: lines of --- split it; a long text without them is split by me, and shown first.",
        work=thread,
        pictures=True,
        publishes=True,
        ageless=True,
        visible=_has_accounts,
    ),
)
