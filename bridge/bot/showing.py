"""The verbs that tell how things stand, and the operator's resume.

In a room they tell only what belongs to that room and that person. They know the table of verbs, from which the help is
printed, and the outbox's note that it pauses.
"""

import json
from collections import Counter

from bridge import alttext
from bridge.bot import limits, recovering
from bridge.bot.asked import Asked, Command, House, Standing, Where, has_account
from bridge.bot.freezing import by
from bridge.bot.parse import nearest
from bridge.bot.words import moment, number, quote, span, subject
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Account, Action, Post, PostState, Role, label
from bridge.pricing import COUNTED, money, month, spent, spent_words, tariff

PAUSE = ("outbox", "pause")
"""Where the outbox notes that it waits for the operator: JSON with ``reason`` and ``since``."""

GROUPS = {
    "Posting": "tweet thread schedule reply retweet undo",
    "Drafts": "draft show edit alt approve unapprove reject send drop queue",
    "Linking": "link pin cancel unlink accounts use timezone whoami",
    "Sharing": "share unshare team accept decline recover object policy freeze unfreeze",
    "Looking": "log who status cost help resume",
}
"""The verbs by what they are about, as the help shows them: each in one group, none called as a group is."""
_TOPICS = dict.fromkeys(("picture", "pictures", "media", "image", "images", "photo", "video", "gif"), "tweet")
"""What people ask about that is no verb."""
_MOST_SHOWN = 10
_FEW = 0.2
"""Of the limit of posts: when so much is left, the status tells it."""
_STATES = {
    PostState.DRAFT: "waits for approval",
    PostState.SCHEDULED: "waits for its time",
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
    """The verbs that the person may use here, by what they are about; or one verb, or one group, at length."""
    standing = standing_of(tx, asked, house)
    said = asked.text.strip().removeprefix(house.prefix).lower()
    if said:
        words = _about(said, standing, house)
    elif standing.accounts:
        words = _overview(standing, house)
    else:
        words = _beginning(standing, house)
    asked.reply(tx, words)


def _open(group: str, standing: Standing, house: House) -> list[Command]:
    return [command for name in GROUPS[group].split() if open_to(command := house.verbs[name], standing)]


def _overview(standing: Standing, house: House) -> str:
    p = house.prefix
    found = [(title, _open(title, standing, house)) for title in GROUPS]
    lines = [f"{title}: {' · '.join(p + command.usage for command in row)}" for title, row in found if row]
    private = "" if standing.direct else " · More in a private chat with me."
    return "\n".join([*lines, f"About one: {p}help tweet · about all of a line: {p}help sharing{private}"])


def _beginning(standing: Standing, house: House) -> str:
    """For somebody who has no account here yet."""
    p = house.prefix
    others = [p + command.usage for title in GROUPS for command in _open(title, standing, house)]
    begin = (
        f"I post to X for people in chats like this. To begin, write {p}link to me in private: I give you an address of"
        " X, you log in there, and you tell me the number that it shows."
    )
    lines = (
        begin,
        "If somebody shares their account with you, I ask you in private, and you need none of your own.",
        f"You can say: {' · '.join(others)}. What one does: {p}help link",
    )
    return "\n".join(lines)


def _about(said: str, standing: Standing, house: House) -> str:
    group = next((title for title in GROUPS if title.lower() == said), None)
    if group is not None:
        rows = [f"{house.prefix}{row.usage}: {row.help}" for row in _open(group, standing, house)]
        return "\n".join(rows) or "Nothing of that is for you now."
    command = house.verbs.get(_TOPICS.get(said, said))
    if command is None:
        near = nearest(said, list(house.verbs)) if len(said) <= 32 else []
        hint = next((f" Do you mean {house.prefix}{n}?" for n in near if open_to(house.verbs[n], standing)), "")
        raise UsageError(f"I know no verb {quote(said)}.{hint or f' {house.prefix}help lists those that there are.'}")
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


def cost(tx: Tx, asked: Asked, house: House) -> None:
    """What posts cost, and where to see what was spent."""
    told = f"What was spent: {house.prefix}accounts · by whom: {house.prefix}log"
    limit = f"a limit for a month: {house.prefix}policy budget"
    asked.reply(tx, f"{tariff(house.prices)} {told} · {limit}")


def status(tx: Tx, asked: Asked, house: House) -> None:
    """What of the person's posts waits and why, and which accounts need them."""
    mine = tx.accounts.usable_by(asked.sender)
    lines = _pause(tx, asked, house)
    for account, role in mine:
        if account.broken:
            lines.append(f"{account.at} must be linked again: {account.broken} · {house.prefix}link")
        if account.frozen:
            how = f" · {house.prefix}unfreeze {account.at}" if role.may_undo_others else ""
            lines.append(f"{account.at} is frozen by {by(account)}: nothing goes out{how}")
        lines += _rest(tx, account, asked.now)
        if (budget := tx.policies.of(account.id).budget) and spent(tx, account.id, asked.now) >= budget:
            lines.append(f"{account.at} has used its budget for this month: {spent_words(tx, account, asked.now)}")
        lines += recovering.told(tx, account, house) if role is Role.OWNER else []
    posts = _open_posts(tx, asked, [account for account, _ in mine])
    here = [post for post in posts if asked.message.direct or post.room == asked.room]
    lines += [
        f"{post.label} {_STATES[post.state]}: {subject(post)}{answers(post, house)}" for post in here[:_MOST_SHOWN]
    ]
    if len(here) > _MOST_SHOWN:
        lines.append(f"and {number(len(here) - _MOST_SHOWN, 'more post')}: {house.prefix}queue lists them")
    if len(posts) > len(here):
        lines.append(f"{number(len(posts) - len(here), 'post')} of yours in other rooms")
    lines = lines or ["All is well: nothing of yours waits."]
    if mine:
        lines += _left(tx, asked, house)
    asked.reply(tx, "\n".join([*lines, *_spent(tx, asked, house)]))


def _left(tx: Tx, asked: Asked, house: House) -> list[str]:
    """How many posts the person may still make; in rooms, once these are few."""
    left = limits.left(tx, asked.sender, house, asked.now)
    if left > house.posts_per_day * _FEW and not asked.message.direct:
        return []
    words = f"You may make {number(left, 'more post')} now: the limit is {house.posts_per_day} in 24 hours."
    if not left:
        words += f" The next one at {moment(limits.next_time(tx, asked.sender, house, asked.now), asked.now)}."
    return [words]


def answers(post: Post, house: House) -> str:
    """What its author can say about a post that waits for their word, or to be sent; of a thread, about all of it that
    waits.
    """
    if post.state is PostState.QUEUED:
        return f" · to stop it: {house.prefix}undo {label('k', post.thread_root or post.id)}"
    if post.question_id is None:
        return ""
    name = label("q", post.question_id) if post.part else post.label
    go = f"send {name}" if alttext.NEVER_WITHOUT not in post.reason else f"alt {post.label} WHAT IT SHOWS"
    return f" · {house.prefix}{go} or {house.prefix}drop {name}"


def _pause(tx: Tx, asked: Asked, house: House) -> list[str]:
    noted = tx.notes.get(*PAUSE)
    if noted is None:
        return []
    try:
        note = json.loads(noted)
        reason, since = str(note["reason"]), float(note["since"])
    except (ValueError, KeyError, TypeError):
        reason, since = "no reason noted", asked.now
    words = (
        f"Posting is paused, for {span(asked.now - since)} now, until the operator acts. Posts wait, and are not lost."
    )
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
        name="cost",
        aliases=("costs", "price", "prices"),
        usage="cost",
        example="cost",
        help="Show what posts cost.",
        work=cost,
        visible=has_account,
    ),
    Command(
        name="help",
        usage="help [VERB]",
        example="help tweet",
        help="Show what you can say here, or how one verb is used.",
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
