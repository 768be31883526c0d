"""Asks an author at once, before anything goes out, about what the bot decided for them: where it split a text, and
which pictures it took by their place in the room.

It knows how to ask. What is asked about was made by ``posting``; the answers are ``asking``'s.
"""

from dataclasses import replace

from bridge import alttext, pricing, telltale
from bridge.bot import content, pictures, previewing, signs
from bridge.bot.asked import Asked, House
from bridge.bot.words import number, quote, span
from bridge.interfaces import Tx
from bridge.model import Post, PostState
from bridge.text import length

_CHOSEN = "I chose its parts or its pictures."


def confirm(tx: Tx, asked: Asked, post: Post, house: House, *, split: bool = False, when: str = "") -> None:
    """Hold all parts of ``post`` and ask whether they are right so. ``split``: we cut the text; ``when``: the time that
    it is to go out at, in words.
    """
    pages = _pages(tx, asked, post, house) if split else 0
    question = tx.answers.ask(asked.sender, asked.room)
    rows = previewing.parts_of(tx, post)
    account = tx.accounts.get(post.account_id)
    at = f"{account.at if account else 'it'}{f' at {when}' if when else ''}"
    lines = [f"As {at} I would post this in {len(rows)} parts. Not posted yet."] if split else []
    if asked.guessed:
        said = "This goes" if split else f"{post.label} goes out as {at}"
        where = " on the first part" if len(rows) > 1 else ""
        yet = "" if split else " Not posted yet."
        lines.append(f"{said} with {pictures.in_order(post.draft.media)}{where}.{yet}")
    elif post.draft.media:
        lines.append(f"This goes with {telltale.pictures(post.draft)} on the first part.")
    age = asked.now - asked.message.sent_at
    if age > house.stale_after:
        lines.append(f"You wrote it {span(age)} ago.")
    if post.reason:
        lines.append(f"Look twice: {post.reason}")
    for row in rows:
        reason = f"{_CHOSEN} {row.reason}".strip()  # what was asked about besides, counts as asked
        tx.posts.save(replace(row, state=PostState.HELD, question_id=question.id, reason=reason))
        if split:
            lines.append(
                f"Part {row.part} of {len(rows)} ({row.label}), {number(length(row.draft.text), 'character')}:"
            )
            lines += [quote(row.draft.text)] if pages else [f"│ {line}" for line in row.draft.text.splitlines()]
    if pages:
        least = "The whole of it stands" if pages <= content.MOST_PAGES else "As much of it as I can show stands"
        lines.append(f"{least} before this, on {number(min(pages, content.MOST_PAGES), 'page')}.")
    signs.take_away(tx, post, signs.WAITS)
    if price := pricing.said_of([row.cost for row in rows], house.prices):
        lines.append(f"Mind that {price}.")
    label = question.label if split or len(rows) > 1 else post.label
    send, drop = f"{house.prefix}send {label}", f"{house.prefix}drop {label}"
    how = f" · to change a part: {house.prefix}edit ID TEXT" if split else ""
    how += " · to split it yourself, say it anew with --- lines between." if split else ""
    how += f" · to make that the alt text: {house.prefix}alt {post.label}" if alttext.WITHIN in post.reason else ""
    how += " · to post the last picture alone, reply to that." if asked.guessed else ""
    lines.append(f"Post it: {send} or ✅ here · forget it: {drop} or ❌ here{how}")
    asked.reply(tx, "\n".join(lines), post_id=post.id if len(rows) == 1 else None, question_id=question.id)


def _pages(tx: Tx, asked: Asked, post: Post, house: House) -> int:
    """Say all of the post before the question, where one message is too small for that; on how many pages it is."""
    account = tx.accounts.get(post.account_id)
    made = content.pages(tx, post, account, house, post.label) if account is not None else []
    for page in made[: content.MOST_PAGES]:
        asked.reply(tx, page)
    return len(made)
