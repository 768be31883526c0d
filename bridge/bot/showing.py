"""The verbs that tell how things stand, and the operator's resume.

In a room they tell only what belongs to that room and that person. They know the table of verbs, from which the help is
printed, and the outbox's note that it pauses.
"""

import json
from collections import Counter

from bridge.bot.asked import Asked, Command, House, Standing, Where
from bridge.bot.freezing import by
from bridge.bot.parse import nearest
from bridge.bot.words import moment, number, quote, span, subject
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Account, Action, Post, PostState
from bridge.pricing import COUNTED, money, month

PAUSE = ("outbox", "pause")
"""Where the outbox notes that it waits for the operator: JSON with ``reason`` and ``since``."""

_MOST_SHOWN = 10
_STATES = {
    PostState.HELD: "waits for your word",
    PostState.QUEUED: "waits to be sent",
    PostState.SENDING: "is being sent",
    PostState.UNKNOWN: "may or may not be out",
}


def standing_of(tx: Tx, asked: Asked, house: House) -> Standing:
    """What the person may use here."""
    accounts = tuple(tx.accounts.usable_by(asked.sender))
    return Standing(accounts, admin=asked.sender in house.admins, direct=asked.message.direct)


def open_to(command: Command, standing: Standing) -> bool:
    """Whether that person may use the verb where they are."""
    return (command.where is Where.ANYWHERE or standing.direct) and command.visible(standing)


def show_help(tx: Tx, asked: Asked, house: House) -> None:
    """The verbs that the person may use here, or one of them at length."""
    standing = standing_of(tx, asked, house)
    said = asked.text.strip().removeprefix(house.prefix).lower()
    if said:
        asked.reply(tx, _about(said, standing, house))
        return
    lines = [f"{house.prefix}{c.usage}: {c.help}" for c in house.commands if open_to(c, standing)]
    if not standing.direct:
        lines.append("More in a private chat with me.")
    asked.reply(tx, "\n".join(lines))


def _about(said: str, standing: Standing, house: House) -> str:
    command = house.verbs.get(said)
    if command is None:
        near = nearest(said, list(house.verbs)) if len(said) <= 32 else []
        hint = next((f" Do you mean {house.prefix}{n}?" for n in near if open_to(house.verbs[n], standing)), "")
        raise UsageError(f"I know no verb {quote(said)}.{hint}")
    words = f"{house.prefix}{command.usage}: {command.help}\nExample: {house.prefix}{command.example}"
    if command.aliases:
        words += f"\nThe same: {', '.join(house.prefix + alias for alias in command.aliases)}"
    if command.where is Where.DM and not standing.direct:
        words += "\nOnly in a private chat with me."
    elif not open_to(command, standing):
        why = (
            f"link an account first: {house.prefix}link" if not standing.accounts else "your role does not go that far"
        )
        words += f"\nYou cannot use it now: {why}."
    return words


def status(tx: Tx, asked: Asked, house: House) -> None:
    """What of the person's posts waits and why, and which accounts need them."""
    mine = tx.accounts.usable_by(asked.sender)
    lines = _pause(tx, asked, house)
    for account, _ in mine:
        if account.broken:
            lines.append(f"{account.at} must be linked again: {account.broken} · {house.prefix}link")
        if account.frozen:
            lines.append(f"{account.at} is frozen by {by(account)}: nothing goes out")
        lines += _rest(tx, account, asked.now)
    posts = _open_posts(tx, asked, [account for account, _ in mine])
    here = [post for post in posts if asked.message.direct or post.room == asked.room]
    lines += [f"{post.label} {_STATES[post.state]}: {subject(post)}" for post in here[:_MOST_SHOWN]]
    if len(here) > _MOST_SHOWN:
        lines.append(f"and {number(len(here) - _MOST_SHOWN, 'more post')}")
    if len(posts) > len(here):
        lines.append(f"{number(len(posts) - len(here), 'post')} of yours in other rooms")
    asked.reply(tx, "\n".join([*lines, *_spent(tx, asked, house)]) or "All is well: nothing of yours waits.")


def _pause(tx: Tx, asked: Asked, house: House) -> list[str]:
    noted = tx.notes.get(*PAUSE)
    if noted is None:
        return []
    try:
        note = json.loads(noted)
        reason, since = str(note["reason"]), float(note["since"])
    except (ValueError, KeyError, TypeError):
        reason, since = "no reason noted", asked.now
    words = f"Posting is paused since {span(asked.now - since)}: the operator must act. Posts wait, and are not lost."
    if asked.sender in house.admins and asked.message.direct:
        words += f" Reason: {reason} · {house.prefix}resume tries again"
    return [words]


def _spent(tx: Tx, asked: Asked, house: House) -> list[str]:
    """For the operator's admins, in private: what every account spent this month. The operator pays for them all."""
    if asked.sender not in house.admins or not asked.message.direct:
        return []
    sums: Counter[int] = Counter()
    for account_id, _, _, amount in tx.posts.costs(None, *month(asked.now), COUNTED):
        sums[account_id] += amount
    if not sums:
        return []
    accounts = [
        (account, amount) for number, amount in sums.most_common(_MOST_SHOWN) if (account := tx.accounts.get(number))
    ]
    parts = [f"{account.at} {money(amount)}" for account, amount in accounts]
    return [f"Spent this month: {money(sums.total())} ({', '.join(parts)})"]


def _rest(tx: Tx, account: Account, now: float) -> list[str]:
    until = tx.accounts.resting(account.id, Action.POST)
    return [f"{account.at} may post again at {moment(until, now)}"] if until > now else []


def _open_posts(tx: Tx, asked: Asked, accounts: list[Account]) -> list[Post]:
    """The person's posts that are not settled, oldest first; those that wait for them also of accounts they lost."""
    found = {post.id: post for post in tx.posts.waiting_for(asked.sender)}
    for account in accounts:
        for state in _STATES:
            rows = tx.posts.in_state(state, account.id)
            found |= {
                post.id: post for post in rows if post.author == asked.sender and post.action is not Action.DELETE
            }
    return [found[post_id] for post_id in sorted(found)]


def resume(tx: Tx, asked: Asked, house: House) -> None:
    """Let the outbox try again after the operator has acted. Admins only."""
    if asked.sender not in house.admins:
        raise UsageError("Only the operator's admins can do that.")
    if tx.notes.get(*PAUSE) is None:
        asked.reply(tx, "Nothing is paused.")
        return
    tx.notes.drop(*PAUSE)
    waiting = tx.posts.in_state(PostState.QUEUED)
    if waiting:
        tx.posts.save(waiting[0])  # unchanged; it rings the outbox's bell
    asked.reply(tx, f"Trying again; {number(len(waiting), 'post')} to send or delete.")


def _admin(standing: Standing) -> bool:
    return standing.admin


COMMANDS = (
    Command(
        name="status",
        usage="status",
        example="status",
        help="Show what of yours waits, and why.",
        work=status,
    ),
    Command(
        name="help",
        usage="help [VERB]",
        example="help tweet",
        help="Show this, or how one verb is used.",
        work=show_help,
    ),
    Command(
        name="resume",
        usage="resume",
        example="resume",
        help="Let me post again after a pause that only the operator can end.",
        work=resume,
        visible=_admin,
    ),
)
