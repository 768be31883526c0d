"""The verb thread: a long text, or parts that its author split, as posts that reply to each other.

What the author split goes out at once; what the bot split is shown first: a text that is too long for one post, or one
with dashes inside its lines, which may be meant as cuts. Pictures are on the first part. It knows how to split; making
the rows is ``posting``'s, asking ``confirming``'s, sending them in order the outbox's.
"""

import re

from bridge import splitting
from bridge.bot import confirming, holding, posting
from bridge.bot.asked import Asked, Command, House, Need, has_account
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import PostState

_CUT = re.compile(r"^[ \t]{0,8}-{3,}[ \t]{0,8}\r?$", re.MULTILINE)
_CUT_WITHIN = re.compile(r"(?<=\s)-{3,}(?=\s)")


def thread(tx: Tx, asked: Asked, house: House) -> None:
    """Post the text in parts."""
    try:
        wish, split = wanted(tx, asked, house)
        post = posting.publish(tx, asked, house, wish)
    except UsageError as error:
        raise posting.refused(tx, asked, house, asked.text, error) from error
    split = split and len(wish.drafts) > 1
    if post.state is not PostState.DRAFT and (split or asked.guessed):
        confirming.confirm(tx, asked, post, house, split=split)
    else:
        holding.tell(tx, asked, post, house)


def wanted(tx: Tx, asked: Asked, house: House) -> tuple[posting.Wish, bool]:
    """What the command wants, and whether we did the splitting. Raises UsageError when it cannot be."""
    parts = by_lines(asked.text)
    split = len(parts) == 1
    if split:
        account, _, publisher = posting.speaker(tx, asked, house)
        posting.check_characters(asked.text)
        parts = splitting.split(parts[0], publisher.longest(premium=account.premium)) or [""] * bool(asked.media)
    if len(parts) == 1:
        parts = _split_by(_CUT_WITHIN, parts[0])
    return posting.wanted_parts(tx, asked, house, parts), split


def by_lines(text: str) -> list[str]:
    """The parts between lines of three dashes; the whole text where there is no such line. Raises UsageError."""
    if len(text) > 400_000:
        raise UsageError("That is too long for a thread.")
    return _split_by(_CUT, text)


def has_dashes(text: str) -> bool:
    """Whether there are dashes within its lines, which may be meant as cuts."""
    return _CUT_WITHIN.search(text) is not None


def _split_by(cut: re.Pattern[str], text: str) -> list[str]:
    cuts = list(cut.finditer(text))
    if not cuts:
        return [text]
    if len(cuts) > 4 * posting.MOST_PARTS:
        raise UsageError(f"A thread has at most {posting.MOST_PARTS} parts.")
    parts = [part.strip() for part in cut.split(text)]
    return [part for part in parts if part] or [""]


COMMANDS = (
    Command(
        name="thread",
        usage="thread[@ACCOUNT] TEXT",
        example="thread First part.\n---\nSecond part.",
        help="Post a thread: lines of --- split it; a long text without them is split by me, and shown first.",
        work=thread,
        pictures=True,
        needs=Need.SERIES,
        publishes=True,
        ageless=True,
        visible=has_account,
    ),
)
