"""The verbs schedule, timezone and queue: what goes out later, in whose time, and what waits.

It knows times and who may see what. Making the rows is ``posting``'s; sending them when their time has come is the
outbox's.
"""

from datetime import tzinfo

from bridge import pricing, telltale, times
from bridge.bot import confirming, posting, previewing, threading
from bridge.bot.asked import Asked, Command, House, Need, has_account
from bridge.bot.showing import PAUSE, answers
from bridge.bot.words import number, span, subject
from bridge.bot.zones import zone_of
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Account, Action, Identity, Post, PostState, Room

_MOST_SHOWN = 20
_WAITING = (PostState.DRAFT, PostState.SCHEDULED, PostState.HELD, PostState.QUEUED, PostState.UNKNOWN)


# ---------------------------------------------------------------- schedule


def schedule(tx: Tx, asked: Asked, house: House) -> None:
    """Let the text go out at a time."""
    said, bar, text = asked.text.partition("|")
    if not bar and not asked.media:  # pictures alone need none
        raise UsageError(f"When, and what? {house.how('schedule')}")
    try:
        when = times.read(said, _said_at(asked), zone_of(tx, asked.sender, house))
        wish = posting.wanted_parts(tx, asked, house, threading.by_lines(_raw(text)), when.at)
        post = posting.publish(tx, asked, house, wish)
    except UsageError as error:
        raise posting.refused(tx, asked, house, text.strip(), error) from error
    if asked.guessed and post.state is not PostState.DRAFT:
        at = times.absolute(when.at, when.zone)
        confirming.confirm(tx, asked, post, house, when=f"{at}{f' ({when.note})' if when.note else ''}")
    elif post.state is PostState.SCHEDULED:
        asked.reply(tx, _echo(tx, asked, post, when, wish.account, house), post_id=post.id)
    elif when.note:  # of a draft the preview speaks
        asked.reply(tx, when.note, post_id=post.id)


def _echo(tx: Tx, asked: Asked, post: Post, when: times.When, account: Account, house: House) -> str:
    what, parts = subject(post), len(previewing.parts_of(tx, post))
    if post.draft.media and post.draft.text:
        what += f" with {telltale.pictures(post.draft)}"
    if parts > 1:
        what += f" and {number(parts - 1, 'more part')}"
    at = f"{times.absolute(when.at, when.zone)}, in {span(when.at - asked.now)}"
    note = f" {when.note}" if when.note else ""
    if parts == 1 and threading.has_dashes(post.draft.text):
        note += " It is one post: for a thread, put the --- on lines of their own."
    note += f" {account.at} is frozen now: until that is lifted, it does not go out." if account.frozen else ""
    price = pricing.said_of([part.cost for part in previewing.parts_of(tx, post)], house.prices)
    at += f" · {price}" if price else ""
    change, drop = f"{house.prefix}edit {post.label} [WHEN |] TEXT", f"{house.prefix}drop {post.label}"
    return f"Scheduled {post.label}, {what}, as {account.at}: {at}.{note} To change it: {change} · to drop it: {drop}"


def changed(tx: Tx, post: Post, asked: Asked, house: House) -> tuple[posting.Wish, times.When]:
    """What an edited schedule command wants now. ``asked``: as if it were said anew. Raises UsageError."""
    said, bar, text = asked.text.partition("|")
    if not bar and not asked.media:
        raise UsageError(f"There is no | in it any more: {house.prefix}{house.verbs['schedule'].usage}")
    when = times.read(said, _said_at(asked), zone_of(tx, asked.sender, house))
    wish = posting.wanted_parts(tx, asked, house, threading.by_lines(_raw(text)), when.at)
    if wish.account.id != post.account_id:
        raise UsageError(f"Your edit names another account: {wish.account.at}.")
    return wish, when


def retimed(tx: Tx, post: Post, asked: Asked, text: str, house: House) -> tuple[times.When | None, str]:
    """The new time that ``text`` names for a scheduled post, as the schedule command does (``WHEN | TEXT``, or WHEN
    alone), and its new words. None where it is all words: also of a text with a bar, as long as nothing like a time is
    before it; behind a bar with nothing before it, it is. Raises UsageError for a time that is none.
    """
    said, bar, words = text.partition("|")
    if post.scheduled_for is None:
        return None, text
    if bar and not said.strip():
        return None, _raw(words)
    try:
        return times.read(said, _said_at(asked), zone_of(tx, asked.sender, house)), _raw(words)
    except times.NotToCome:
        raise
    except UsageError as error:
        if not bar or not times.resembles(said):
            return None, text
        keep = f"To change the words only: {house.prefix}edit {post.label} | TEXT"
        raise UsageError(f"{post.label} is as it was: {error} {keep}") from error


def _said_at(asked: Asked) -> float:
    """What a time counts from: ``18:30``, said a moment before and heard a moment after, is not tomorrow's."""
    return min(asked.message.sent_at, asked.now)


def _raw(text: str) -> str:
    """The text as it was typed behind the bar and one white space, as behind a verb."""
    return text[1:] if text[:1].isspace() else text


# ---------------------------------------------------------------- timezone


def timezone(tx: Tx, asked: Asked, house: House) -> None:
    """Show or set the person's time zone."""
    said = asked.text.strip()
    if said:
        tx.people.set_zone(asked.sender, str(times.zone(said)))
    zone = zone_of(tx, asked.sender, house)
    clock = times.absolute(asked.now, zone)
    if said:
        asked.reply(tx, f"Your time zone is {zone}: it is {clock} now. What is scheduled already stays at its moment.")
        return
    whose = "Your time zone is" if tx.people.zone(asked.sender) else "You have said no time zone, so it is"
    asked.reply(tx, f"{whose} {zone}: it is {clock} now. To change it: {house.prefix}{house.verbs['timezone'].usage}")


# ---------------------------------------------------------------- queue


def queue(tx: Tx, asked: Asked, house: House) -> None:
    """What waits on the accounts that the person may use: in a room, what was said there; in private, all."""
    rows = _waiting(tx, asked.sender)
    here = [post for post in rows if asked.message.direct or asked.room in (post.room, _shown_in(tx, post))]
    zone = zone_of(tx, asked.sender, house)
    accounts = {account.id: account for account, _ in tx.accounts.usable_by(asked.sender)}
    lines = [_line(tx, post, accounts[post.account_id], asked, zone, house) for post in here[:_MOST_SHOWN]]
    if len(here) > _MOST_SHOWN:
        lines.append(f"and {len(here) - _MOST_SHOWN} more")
    if len(rows) > len(here):
        elsewhere = f"{len(rows) - len(here)} from other rooms: ask me in private"
        lines.append(f"and {elsewhere}" if lines else elsewhere)
    asked.reply(tx, "\n".join(lines) or "Nothing waits.")


def _shown_in(tx: Tx, post: Post) -> Room | None:
    """Where else a draft is before its approvers."""
    return tx.policies.of(post.account_id).room if post.state is PostState.DRAFT else None


def _waiting(tx: Tx, who: Identity) -> list[Post]:
    """The first rows of what waits, in the order in which it may go out."""
    found = [
        post
        for account, _ in tx.accounts.usable_by(who)
        for state in _WAITING
        for post in tx.posts.in_state(state, account.id)
        if post.action is not Action.DELETE
    ]
    firsts: dict[int, Post] = {}
    for post in sorted(found, key=lambda post: post.id):
        firsts.setdefault(post.thread_root or post.id, post)
    return sorted(firsts.values(), key=lambda post: (post.scheduled_for or 0.0, post.id))


def _line(tx: Tx, post: Post, account: Account, asked: Asked, zone: tzinfo, house: House) -> str:
    parts = len(previewing.parts_of(tx, post))
    what = subject(post)
    if parts > 1:
        what += f" (part {post.part} of {parts} and on)" if post.part > 1 else f" ({parts} parts)"
    state = _state(post, asked.now, zone)
    if account.frozen and post.state is PostState.SCHEDULED:
        state = f"is for {times.absolute(post.scheduled_for or post.due_at, zone)}, but waits: the account is frozen"
    elif account.frozen and post.state is PostState.QUEUED:
        state = "waits: the account is frozen"
    elif post.state is PostState.QUEUED and tx.notes.get(*PAUSE) is not None:
        state = "waits: posting is paused"
    role = tx.accounts.role(account.id, post.author)
    if role is None and post.state is not PostState.UNKNOWN:
        state = f"does not go out while {post.author.name} may not use {account.at}"
    how = answers(post, house) if post.author == asked.sender else ""
    name = previewing.name(post.id, previewing.version(tx, post)) if post.state is PostState.DRAFT else post.label
    return f"{name} {account.at} {state}: {what} by {post.author.name}{how}"


def _state(post: Post, now: float, zone: tzinfo) -> str:
    at = "" if post.scheduled_for is None else times.absolute(post.scheduled_for, zone)
    match post.state:
        case PostState.DRAFT:
            late = post.scheduled_for is not None and post.scheduled_for < now
            return "waits for approval" + (f", {'was' if late else 'is'} to go out {at}" if at else "")
        case PostState.SCHEDULED:
            return f"goes out {at}, in {span((post.scheduled_for or now) - now)}"
        case PostState.HELD:
            return f"waits for the word of {post.author.name}" + (f", to go out {at}" if at else "")
        case PostState.UNKNOWN:
            return "may or may not be out"
        case _:
            later = now < post.due_at < 4e9
            return f"goes out in {span(post.due_at - now)}" if later else "goes out now"


COMMANDS = (
    Command(
        name="schedule",
        usage="schedule[@ACCOUNT] WHEN | TEXT",
        example="schedule tomorrow 9:00 Europe/Berlin | Good morning!",
        help=f"Post the text at a time: {times.FORMS}. Lines of --- make a thread of it.",
        work=schedule,
        pictures=True,
        needs=Need.SERIES,
        publishes=True,
        visible=has_account,
    ),
    Command(
        name="queue",
        usage="queue",
        example="queue",
        help="List what waits: drafts, what is scheduled, what waits for a word, what goes out next.",
        work=queue,
        visible=has_account,
    ),
    Command(
        name="timezone",
        usage="timezone [ZONE]",
        example="timezone Europe/Berlin",
        help="Say in which time zone your times are meant.",
        work=timezone,
    ),
)
