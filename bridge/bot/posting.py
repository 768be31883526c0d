"""The verbs that publish: tweet, reply, retweet.

Each checks everything first and writes one row of the outbox last. It knows nothing of sending.
"""

import re

from bridge.bot import accounts, limits, signs
from bridge.bot.accounts import Usable
from bridge.bot.asked import Asked, Command, House, Standing
from bridge.bot.words import quote
from bridge.errors import UsageError
from bridge.interfaces import Publisher, Tx
from bridge.model import Account, Action, Draft, PostState

_HANDLE = re.compile(r"\s*@(\w{1,32})", re.ASCII)
_WORD = re.compile(r"\s*(\S+)(?:\r\n|\s|\Z)")


def tweet(tx: Tx, asked: Asked, house: House) -> None:
    """Queue the text as a post."""
    _publish(tx, asked, house, Action.POST)


def reply(tx: Tx, asked: Asked, house: House) -> None:
    """Queue a reply to a post."""
    _publish(tx, asked, house, Action.POST)


def retweet(tx: Tx, asked: Asked, house: House) -> None:
    """Queue a repost."""
    _publish(tx, asked, house, Action.REPOST)


def _publish(tx: Tx, asked: Asked, house: House, action: Action) -> None:
    held = asked.now - asked.message.sent_at > house.stale_after
    try:
        account, draft, target = wanted(tx, asked, house)
        limits.check(tx, asked.sender, house, asked.now, held=held)
    except UsageError as error:
        raise UsageError(f"{not_posted(asked.verb, asked.text)} {error}") from error
    post = tx.posts.add(
        action,
        account.id,
        asked.sender,
        asked.room,
        asked.message.id,
        asked.message.thread,
        draft,
        state=PostState.HELD if held else PostState.QUEUED,
        now=asked.now,
        fresh_at=min(asked.message.sent_at, asked.now),  # a clock that runs ahead must not keep it fresh
        due_at=asked.now,
        target=target,
    )
    if not held:  # of what is held, the outbox asks, in one question for all
        signs.wait(tx, asked.room, asked.message.id, post.id, asked.now)


def not_posted(verb: str, text: str) -> str:
    """The sentence about a command that published nothing, with its first words."""
    words = text if verb != "reply" else _first_word(text)[1] or text
    quoted = quote(words)
    return f"Not posted: {quoted}." if len(quoted) > 2 else "Not posted."


def wanted(tx: Tx, asked: Asked, house: House) -> tuple[Account, Draft, str | None]:
    """What the command wants: as which account, the draft, and what it reposts. Raises UsageError when it cannot be."""
    mine = tx.accounts.usable_by(asked.sender)
    _ask_about_handle(tx, asked, house, mine)
    account, role = accounts.pick(tx, asked, house, mine)
    if not role.may_post:
        raise UsageError(f"Your role on {account.at} is {role.value}, which does not let you post.")
    if account.broken:
        raise UsageError(
            f"{account.at} must be linked again ({account.broken}). Write {house.prefix}link to me in private."
        )
    publisher = house.publishers.get(account.publisher)
    if publisher is None:
        raise UsageError(f"This bot does not speak to {account.publisher} any more.")
    if asked.verb == "retweet":
        return account, Draft(""), _target(asked.text, asked, house, publisher)
    draft = Draft(asked.text)
    if asked.verb == "reply":
        url, text = _first_word(asked.text)
        draft = Draft(text, reply_to=_target(url, asked, house, publisher))
    _check_characters(draft.text)
    publisher.check(draft, premium=account.premium)
    return account, draft, None


def _check_characters(text: str) -> None:
    """Half a character (a lone surrogate, as broken clients send it) can neither be kept nor sent."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError("The text holds a broken character. Please write it anew.") from None


def _first_word(text: str) -> tuple[str, str]:
    """The first word, and what follows the one white space after it, raw."""
    match = _WORD.match(text)
    return ("", "") if match is None else (match[1], text[match.end() :])


def _target(said: str, asked: Asked, house: House, publisher: Publisher) -> str:
    remote_id = publisher.find_id(said.strip())
    if remote_id is None:
        usage = house.verbs[asked.verb].usage
        found = f", not {quote(said)}" if said.strip() else ""
        raise UsageError(f"I need the address of a post{found}. So: {house.prefix}{usage}")
    return remote_id


def _ask_about_handle(tx: Tx, asked: Asked, house: House, mine: Usable) -> None:
    """``!tweet @acme Hello``: as acme, or to acme? Raises UsageError when that is the question."""
    match = _HANDLE.match(asked.text) if asked.account is None else None
    meant = accounts.find(mine, match[1]) if match is not None else None
    if match is None or meant is None:
        return
    try:
        own = accounts.pick(tx, asked, house, mine)[0]
    except UsageError:
        own = next((account for account, _ in mine if account.id != meant[0].id), meant[0])
    verb, account, said = f"{house.prefix}{asked.verb}", meant[0], asked.text[match.end() :].strip()
    rest = said if said and said == quote(said)[1:-1] else "TEXT"  # never half of it, which somebody would copy
    words = f"To post as {account.at}, write:\n{verb}@{account.handle} {rest}"
    if asked.verb == "tweet":
        words += f"\nTo mention {account.at}, write:\n{verb}@{own.handle} {account.at} {rest}"
    raise UsageError(words)


def _can_post(standing: Standing) -> bool:
    return any(role.may_post for _, role in standing.accounts)


COMMANDS = (
    Command(
        name="tweet",
        aliases=("t", "post"),
        usage="tweet[@ACCOUNT] TEXT",
        example="tweet Good morning!",
        help="Post the text as it stands.",
        work=tweet,
        publishes=True,
        ageless=True,
        visible=_can_post,
    ),
    Command(
        name="reply",
        usage="reply[@ACCOUNT] URL TEXT",
        example="reply https://x.com/acme/status/1234567890123456789 Well said.",
        help="Reply to a post. On most plans X takes that only where its author mentioned or quoted you.",
        work=reply,
        publishes=True,
        ageless=True,
        visible=_can_post,
    ),
    Command(
        name="retweet",
        usage="retweet[@ACCOUNT] URL",
        example="retweet https://x.com/acme/status/1234567890123456789",
        help="Repost a post.",
        work=retweet,
        publishes=True,
        ageless=True,
        visible=_can_post,
    ),
)
