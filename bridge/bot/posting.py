"""The verbs that publish: tweet, draft, reply, retweet.

Each checks everything first and writes rows of the outbox last; ``publish`` is the one way into it. It knows nothing of
sending.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge import pricing
from bridge.bot import accounts, confirming, holding, limits, signs, waiting
from bridge.bot.accounts import Usable
from bridge.bot.asked import Asked, Command, House, Need, has_account
from bridge.bot.words import quote, subject
from bridge.errors import Refused, TooLong, UsageError
from bridge.interfaces import Publisher, Tx
from bridge.model import Account, Action, Draft, Identity, Medium, Post, PostState, Role, unlabel
from bridge.telltale import pictures
from bridge.text import is_nothing

_HANDLE = re.compile(r"\s*@(\w{1,32})", re.ASCII)
MOST_PARTS = 25
"""Of a thread."""
_WORD = re.compile(r"\s*(\S+)(?:\r\n|\s|\Z)")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to publish, checked: as which account and in which role, the parts of a thread in order (or
    the one draft), what is reposted, and when it shall go out (Unix seconds; None: now). ``drafted``: they asked for a
    draft.
    """

    account: Account
    role: Role
    drafts: tuple[Draft, ...]
    action: Action = Action.POST
    target: str | None = None
    scheduled_for: float | None = None
    drafted: bool = False


def tweet(tx: Tx, asked: Asked, house: House) -> None:
    """Post the text, or make a draft of it."""
    _publish(tx, asked, house)


def reply(tx: Tx, asked: Asked, house: House) -> None:
    """Post a reply to a post, or make a draft of it."""
    _publish(tx, asked, house)


def retweet(tx: Tx, asked: Asked, house: House) -> None:
    """Repost, or make a draft of that."""
    _publish(tx, asked, house)


def draft(tx: Tx, asked: Asked, house: House) -> None:
    """Keep the text until it is approved."""
    _publish(tx, asked, house)


def _publish(tx: Tx, asked: Asked, house: House) -> None:
    try:
        post = publish(tx, asked, house, wanted(tx, asked, house))
    except UsageError as error:
        raise refused(tx, asked, house, asked.text, error) from error
    if asked.guessed and post.state is not PostState.DRAFT:
        confirming.confirm(tx, asked, post, house)
    else:
        holding.tell(tx, asked, post, house)


def publish(tx: Tx, asked: Asked, house: House, wish: Wish) -> Post:
    """The one way into the outbox: make the rows of ``wish`` and give the first one. It is a draft when approvers must
    let it through; held when it is old or something about it must be asked; scheduled; or queued, where it may wait
    for a moment. Raises Refused, before anything is written, when it cannot be.
    """
    policy = tx.policies.of(wish.account.id)
    draft_ = wish.drafted or policy.asks(wish.role)
    old = asked.now - asked.message.sent_at > house.stale_after
    later = wish.scheduled_for is not None and wish.scheduled_for > asked.now
    warned = waiting.look(tx, asked.sender, wish.account, wish.drafts, wish.action, house, asked.now)
    held = not draft_ and (old or bool(warned) or asked.guessed)
    limits.check(tx, asked.sender, house, asked.now, held=held, count=len(wish.drafts))
    costs = [pricing.price(part, house.prices, wish.action) for part in wish.drafts]
    if policy.budget:
        pricing.check(tx, wish.account, sum(costs), asked.now, prefix=house.prefix, goes_out=wish.scheduled_for)
    state = PostState.HELD if held else PostState.SCHEDULED if later else PostState.QUEUED
    soon = asked.now + waiting.hold(policy, costs, house)
    due_at = wish.scheduled_for if later and wish.scheduled_for is not None else soon
    root: Post | None = None
    for number, (part, cost) in enumerate(zip(wish.drafts, costs, strict=True), 1):
        post = tx.posts.add(
            wish.action,
            wish.account.id,
            asked.sender,
            asked.room,
            asked.message.id,
            asked.message.thread,
            part,
            state=PostState.DRAFT if draft_ else state,
            now=asked.now,
            fresh_at=min(asked.message.sent_at, asked.now),  # a clock that runs ahead must not keep it fresh
            due_at=due_at,
            target=wish.target,
            cost=cost,
        )
        root = root or post
        if held and warned:
            post = replace(post, reason=" ".join(warned))
            tx.posts.save(post)
        if wish.scheduled_for is not None or len(wish.drafts) > 1:
            post = replace(post, scheduled_for=wish.scheduled_for)
            if len(wish.drafts) > 1:
                post = replace(post, thread_root=root.id, part=number)
            tx.posts.extend(post)
        root = post if root.id == post.id else root
    if root is None:
        raise UsageError("There is no text to post.")
    if draft_ or state is not PostState.QUEUED:  # what goes out at once is logged when it is out
        _log(tx, asked, root, draft_=draft_)
    if draft_:
        if policy.room != asked.room and (asked.message.direct or policy.room is not None):
            asked.reply(tx, _seen_by(root, wish.account, house, shown=policy.room is not None))
        return waiting.submit(tx, root, house, asked.now)
    if state is PostState.QUEUED:  # of what is held, the outbox asks, in one question for all
        signs.wait(tx, asked.room, asked.message.id, root.id, asked.now)
    return root


def _seen_by(post: Post, account: Account, house: House, *, shown: bool) -> str:
    """Who sees a draft that was made elsewhere than where they are shown."""
    p, at = house.prefix, account.at
    if shown:
        return f"I show it in the room where drafts of {at} are shown, too: whoever is there reads it."
    return (
        f"Its approvers do not see this chat. Ask one of them to write {p}show {post.label} and decide, or an owner to"
        f" say where I show drafts of {at}: {p}policy {at} room=here, in that room."
    )


def _log(tx: Tx, asked: Asked, post: Post, *, draft_: bool) -> None:
    verb = "draft" if draft_ else "schedule" if post.scheduled_for is not None else "post"
    tx.log.add(
        asked.sender,
        verb,
        room=asked.room,
        account_id=post.account_id,
        post_id=post.id,
        detail=f"{post.label}, {subject(post)}",
        outcome="waits for approval" if draft_ else post.state.value,
        at=asked.now,
    )


def refused(tx: Tx, asked: Asked, house: House, text: str, error: UsageError) -> UsageError:
    """The error about a command that published nothing of ``text``. What was well said, and yet may not be, is put into
    the log of the account: its team wonders later where that post is.
    """
    if isinstance(error, Refused):
        account, _ = accounts.pick(tx, asked, house, tx.accounts.usable_by(asked.sender))
        what = pictures(Draft("", media=asked.media)) if asked.media and is_nothing(text) else quote(text)
        why = str(error).partition(". ")[0]  # what to do about it is for whoever reads it now
        tx.log.add(
            asked.sender, asked.verb if asked.verb in ("draft", "schedule") else "post", room=asked.room,
            account_id=account.id, detail=what, outcome=f"refused: {why}", at=asked.now,
        )  # fmt: skip
    return UsageError(f"{not_posted(asked.verb, text)} {error}")


def not_posted(verb: str, text: str) -> str:
    """The sentence about a command that published nothing, with its first words."""
    url, rest = _first_word(text)
    words = rest or text if verb == "reply" and ("/" in url or unlabel(url) is not None) else text
    quoted = quote(words)
    return f"Not posted: {quoted}." if len(quoted) > 2 else "Not posted."


def wanted(tx: Tx, asked: Asked, house: House) -> Wish:
    """What the command wants. Raises UsageError when it cannot be."""
    account, role, publisher = speaker(tx, asked, house)
    drafted = asked.verb == "draft"
    if asked.verb == "retweet":
        target = _target(tx, asked.text, asked, house, publisher)
        return Wish(account, role, (Draft(""),), Action.REPOST, target)
    if asked.verb in ("tweet", "draft") and not asked.media and is_nothing(asked.text):
        raise UsageError(f"There is no text to post. {house.how(asked.verb)}")
    words = _draft(asked.text, asked.media)
    if asked.verb == "reply":
        url, text = _first_word(asked.text)
        words = replace(_draft(text, asked.media), reply_to=_target(tx, url, asked, house, publisher))
    check_characters(words.text)
    try:
        publisher.check(words, premium=account.premium)
    except TooLong as error:
        if asked.verb == "reply":
            raise
        raise UsageError(f"{error} In several posts it fits: {house.prefix}thread TEXT splits it.") from error
    return Wish(account, role, (words,), drafted=drafted)


def wanted_parts(tx: Tx, asked: Asked, house: House, parts: Sequence[str], at: float | None = None) -> Wish:
    """What a command wants that has parts (or one), to go out ``at`` that time; the first one
    has the pictures. Raises UsageError when it cannot be.
    """
    account, role, publisher = speaker(tx, asked, house)
    _check_parts(parts)
    drafts = tuple(_draft(part, () if place else asked.media) for place, part in enumerate(parts))
    for number, (part, draft_) in enumerate(zip(parts, drafts, strict=True), 1):
        check_characters(part)
        try:
            publisher.check(draft_, premium=account.premium)
        except UsageError as error:
            if len(parts) == 1:
                raise
            raise UsageError(f"Part {number} of {len(parts)}, {quote(part)}: {error}") from error
    return Wish(account, role, drafts, scheduled_for=at)


def _draft(text: str, media: tuple[Medium, ...]) -> Draft:
    """Beside pictures, a text of which nothing can be seen is none."""
    return Draft("" if media and is_nothing(text) else text, media=media)


def _check_parts(parts: Sequence[str]) -> None:
    """What no thread may be, beside what no post may be. Raises UsageError."""
    if len(parts) > MOST_PARTS:
        raise UsageError(f"That makes {len(parts)} parts; a thread has at most {MOST_PARTS}.")
    seen: dict[str, int] = {}
    for number, part in enumerate(parts, 1):
        earlier = seen.setdefault(" ".join(part.split()), number)
        if earlier != number:
            raise UsageError(f"Parts {earlier} and {number} are the same, {quote(part)}: X takes no text twice.")


def speaker(tx: Tx, asked: Asked, house: House) -> tuple[Account, Role, Publisher]:
    """Whom the command speaks for, in which role, and where. Raises UsageError when it cannot speak now."""
    mine = tx.accounts.usable_by(asked.sender)
    _ask_about_handle(tx, asked, house, mine)
    account, role = accounts.pick(tx, asked, house, mine)
    if account.broken:
        raise Refused(
            f"{account.at} must be linked again ({account.broken}). Write {house.prefix}link to me in private."
        )
    publisher = house.publishers.get(account.publisher)
    if publisher is None:
        raise Refused(f"This bot does not speak to {account.publisher} any more.")
    return account, role, publisher


def check(tx: Tx, post: Post, draft: Draft, house: House) -> None:
    """Hold what a row is to say now against its publisher's rules. Raises UsageError."""
    account = tx.accounts.get(post.account_id)
    publisher = house.publishers.get(account.publisher) if account else None
    if account is None or publisher is None:
        raise UsageError(f"{post.label} cannot be changed: its account is gone.")
    check_characters(draft.text)
    publisher.check(draft, premium=account.premium)


def check_characters(text: str) -> None:
    """Half a character (a lone surrogate, as broken clients send it) can neither be kept nor sent."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError("The text holds a broken character. Please write it anew.") from None


def _first_word(text: str) -> tuple[str, str]:
    """The first word, and what follows the one white space after it, raw."""
    match = _WORD.match(text)
    return ("", "") if match is None else (match[1], text[match.end() :])


def _target(tx: Tx, said: str, asked: Asked, house: House, publisher: Publisher) -> str:
    """The publisher's id of the post that is named, by its address or by our own name for it. Raises UsageError."""
    remote_id = publisher.find_id(said.strip()) or _own(tx, said.strip(), asked.sender, publisher)
    if remote_id is None:
        found = f", not {quote(said)}" if said.strip() else ""
        raise UsageError(f"I need the address of a post{found}. {house.how(asked.verb)}")
    return remote_id


def _own(tx: Tx, said: str, who: Identity, publisher: Publisher) -> str | None:
    """The publisher's id of the post with that label, which ``who`` may know of; None for anything else."""
    known = unlabel(said)
    post = tx.posts.get(known[1]) if known is not None and known[0] == "k" else None
    if post is None or waiting.visible(tx, post.id, who) is None:
        return None
    account = tx.accounts.get(post.account_id)
    if post.state is not PostState.POSTED or post.deleted or account is None or account.publisher != publisher.name:
        raise UsageError(f"{post.label} is not out, so nothing can be done with it.")
    return post.target or post.remote_id


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


COMMANDS = (
    Command(
        name="tweet",
        aliases=("t", "post"),
        usage="tweet[@ACCOUNT] TEXT",
        example="tweet Good morning!",
        help="Post the text as it stands; as the caption of a picture, or in reply to one of yours, with that. For"
        " several (up to four) send them one after the other, and reply to the first. A line of its own, “alt: …”, says"
        " what a picture shows.",
        work=tweet,
        pictures=True,
        needs=Need.SERIES,
        publishes=True,
        ageless=True,
        visible=has_account,
    ),
    Command(
        name="draft",
        usage="draft[@ACCOUNT] TEXT",
        example="draft Good morning!",
        help="Show the text to the account's approvers; it goes out when they let it.",
        work=draft,
        pictures=True,
        needs=Need.SERIES,
        visible=has_account,
    ),
    Command(
        name="reply",
        usage="reply[@ACCOUNT] URL TEXT",
        example="reply https://x.com/acme/status/1234567890123456789 Well said.",
        help="Reply to a post, by its address or ID. On most plans X takes that only where its author mentioned or"
        " quoted you.",
        work=reply,
        pictures=True,
        needs=Need.SERIES,
        publishes=True,
        ageless=True,
        visible=has_account,
    ),
    Command(
        name="retweet",
        usage="retweet[@ACCOUNT] URL",
        example="retweet https://x.com/acme/status/1234567890123456789",
        help="Repost a post, by its address or ID.",
        work=retweet,
        publishes=True,
        ageless=True,
        visible=has_account,
    ),
)
