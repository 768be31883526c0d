"""The verbs log and who: what was done with an account, and who is behind one post.

Owners and approvers see every deed on their account, others their own. Words that were said elsewhere are told in
private only. It reads the log and writes nothing.
"""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from bridge.bot import accounts, previewing
from bridge.bot.asked import Asked, Command, House, Need, has_account
from bridge.bot.words import quote, subject, without_words
from bridge.bot.zones import zone_of
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Account, Action, Deed, Identity, Post, PostState, Role, unlabel
from bridge.pricing import COUNTED, money, month, spent_words

_USUAL, _MOST = 10, 50
_MOST_PEOPLE = 5
_MOST_POSTS = 5
_HARMLESS = ("link", "unlink", "freeze", "unfreeze")
"""Verbs whose detail names only the account: that may be told anywhere."""
_OF_ROOMS = ("share", "unshare", "policy")
_ROOM_ID = re.compile(r"![A-Za-z0-9_:.\-]+")
_LONGEST = 160
"""Characters of a line's detail and outcome."""

_HOW_IT_STANDS = {
    PostState.DRAFT: "waits for approval",
    PostState.SCHEDULED: "is scheduled",
    PostState.HELD: "waits for its author's word",
    PostState.QUEUED: "waits to be sent",
    PostState.SENDING: "is being sent",
    PostState.FAILED: "did not go out",
    PostState.UNKNOWN: "may or may not be out",
}


def _stamp(at: float, zone: tzinfo = UTC) -> str:
    return f"{datetime.fromtimestamp(at, zone):%d %b %H:%M}"


def _short(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 2 * _LONGEST]).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1].rstrip() + "…"


# ---------------------------------------------------------------- log


def log(tx: Tx, asked: Asked, house: House) -> None:
    """The newest deeds on an account, or on all that the person may use."""
    handle, wanted = _arguments(asked, house)
    most = min(max(wanted, 1), _MOST)
    mine = tx.accounts.usable_by(asked.sender)
    if not mine:
        raise UsageError(f"You have no account here yet. Write {house.prefix}link to me in private to link one.")
    chosen = mine
    if handle is not None:
        chosen = [accounts.named(mine, handle, house)]
    elif not asked.message.direct:  # others read along, who need not know of the person's other accounts
        chosen = [accounts.pick(tx, asked, house, mine)]
    deeds = [deed for account, role in chosen for deed in _seen(tx, asked, account, role, most)]
    deeds = sorted(deeds, key=lambda deed: deed.id)[-most:]
    names = {account.id: account.at for account, _ in chosen} if len(chosen) > 1 else {}
    zone = zone_of(tx, asked.sender, house)
    lines = [_line(deed, asked, names, zone) for deed in deeds]
    if wanted > most and len(deeds) == most:
        lines.append(f"These are the newest {most}; I show no more. Whoever runs me has the whole log.")
    lines += [words for account, role in chosen if (words := _spent(tx, asked, account, role))]
    if any(_is_elsewhere(deed, asked) for deed in deeds):
        lines.append("What was said elsewhere, I tell in private only.")
    own = all(not role.may_undo_others for _, role in chosen)
    asked.reply(tx, "\n".join(lines) or f"Nothing {'of yours ' if own else ''}is noted yet.")


def _arguments(asked: Asked, house: House) -> tuple[str | None, int]:
    handle, most = asked.account, _USUAL
    for word in asked.text.split():
        if word.isascii() and word.isdigit():
            most = int(word[:6])
        elif handle is None and accounts.bare(word):
            handle = word
        else:
            raise UsageError(house.how("log"))
    return handle, most


def _seen(tx: Tx, asked: Asked, account: Account, role: Role, most: int) -> list[Deed]:
    return tx.log.of_account(account.id, most, None if role.may_undo_others else asked.sender)


def _is_elsewhere(deed: Deed, asked: Asked) -> bool:
    return deed.room != asked.room and not asked.message.direct and deed.verb not in _HARMLESS


def _line(deed: Deed, asked: Asked, names: dict[int, str], zone: tzinfo) -> str:
    who = deed.actor.name if deed.actor else "I"
    account = f" {names[deed.account_id]}" if deed.account_id in names else ""
    detail = "" if _is_elsewhere(deed, asked) else f" {_short(_with_names(deed, asked))}" if deed.detail else ""
    outcome = f": {_short(deed.outcome)}" if deed.outcome and not _is_elsewhere(deed, asked) else ""
    return f"{_stamp(deed.at, zone)} · {who} · {deed.verb}{account}{detail}{outcome}"


def _with_names(deed: Deed, asked: Asked) -> str:
    """What was done; the log holds rooms by their ids."""
    if deed.verb not in _OF_ROOMS:
        return deed.detail
    detail = deed.detail.replace(f"the room {asked.room.id}", "this room").replace(f"={asked.room.id}", "=here")
    for room in asked.facts.rooms:
        detail = detail.replace(room.id, asked.facts.called(room))
    return detail if asked.message.direct else _ROOM_ID.sub("another room", detail)


def _spent(tx: Tx, asked: Asked, account: Account, role: Role) -> str:
    """What the account spent this month, and for whom; a person without oversight sees their own."""
    rows = tx.posts.costs(account.id, *month(asked.now), COUNTED)
    people: Counter[Identity] = Counter()
    for _, author, _, amount in rows:
        people[author] += amount
    here = sum(amount for _, _, room, amount in rows if room == asked.room)
    if not role.may_undo_others:
        own = people[asked.sender]
        return f"You spent {money(own)} on {account.at} this month." if own else ""
    words = spent_words(tx, account, asked.now)
    if not words:
        return ""
    parts = [f"{author.name} {money(amount)}" for author, amount in people.most_common(_MOST_PEOPLE)]
    if here and len(rows) > 1:
        parts.append(f"in this room {money(here)}")
    return f"{account.at} spent {words}" + (f": {', '.join(parts)}." if parts else ".")


# ---------------------------------------------------------------- who


def who(tx: Tx, asked: Asked, house: House) -> None:
    """Who asked for a post, who approved it, when, and what came of it."""
    posts = [post for post in _meant(tx, asked, house) if tx.accounts.role(post.account_id, asked.sender) is not None]
    if not posts:
        said = asked.text.strip()
        if not said and asked.message.reply_to is None:
            raise UsageError(f"Which post? Reply to my answer about it with {house.prefix}who, or name it:"
                             f" {house.prefix}{house.verbs['who'].usage}")  # fmt: skip
        what = f"I know no post {quote(said)}" if said else "I know no post there"
        raise UsageError(f"{what} that you may ask about.")
    about = posts[0].id if len(posts) == 1 else None
    asked.reply(tx, "\n".join(_story(tx, post, asked, house) for post in posts[:_MOST_POSTS]), post_id=about)


def _meant(tx: Tx, asked: Asked, house: House) -> list[Post]:
    said = asked.text.strip()
    if said:
        return [post for post in [_named(tx, said, house)] if post is not None]
    if asked.message.reply_to is None:
        return []
    network, event = asked.room.network, asked.message.reply_to
    ids = dict.fromkeys(answer.post_id for answer in tx.answers.of_event(network, event) if answer.post_id is not None)
    found = [_origin(tx, post) for number in ids if (post := tx.posts.get(number)) is not None]
    command = tx.posts.of_message(network, event)
    if not found and command is not None:
        found = [_origin(tx, command)]
    return list({post.id: post for post in found}.values())


def _origin(tx: Tx, post: Post) -> Post:
    """The post that a deletion takes back; else the post itself."""
    return (tx.posts.get(post.undoes) if post.undoes is not None else None) or post


def _named(tx: Tx, said: str, house: House) -> Post | None:
    known = unlabel(said)
    if known is not None:
        post = tx.posts.get(known[1]) if known[0] == "k" and known[1] < 2**62 else None
        return None if post is None else _origin(tx, post)
    for publisher in house.publishers.values():
        remote_id = publisher.find_id(said)
        post = None if remote_id is None else tx.posts.find(publisher.name, remote_id)
        if post is not None:
            return post
    return None


def _story(tx: Tx, post: Post, asked: Asked, house: House) -> str:
    account = tx.accounts.get(post.account_id)
    at = account.at if account else "an account"
    whole = post.room == asked.room or asked.message.direct
    words = f"{post.label}, {subject(post)}," if whole else post.label
    verb = "repost" if post.action is Action.REPOST else "post"
    told = [f"{words} is a {verb} as {at}, asked for by {post.author.name} on {_stamp(post.created_at)} UTC"]
    others = sorted(who.name for who in previewing.writers(tx, _first(tx, post)) if who != post.author)
    told += [f"with words of {', '.join(others)}"] if others else []
    told += [f"approved by {deed.actor.name} on {_stamp(deed.at)}" for deed in _approvals(tx, post) if deed.actor]
    return "; ".join([*told, _end(tx, post, account, house, whole=whole)]) + "."


def _first(tx: Tx, post: Post) -> Post:
    return post if post.thread_root is None else tx.posts.get(post.thread_root) or post


def _approvals(tx: Tx, post: Post) -> Sequence[Deed]:
    """The approvals of what went out (or waits): what was changed or withdrawn afterwards counts for nothing."""
    standing: dict[Identity | None, Deed] = {}
    for deed in tx.log.of_post(post.thread_root or post.id):
        if deed.verb in ("draft", "edit"):
            standing.clear()
        elif deed.verb == "withdraw":
            standing.pop(deed.actor, None)
        elif deed.verb == "approve":
            standing[deed.actor] = deed
    return list(standing.values())


def _end(tx: Tx, post: Post, account: Account | None, house: House, *, whole: bool) -> str:
    """What came of it; ``whole``: with what was said about that."""
    if post.state is not PostState.POSTED:
        why = post.reason if whole else without_words(post.reason)
        reason = f" ({_short(why)})" if post.state is PostState.FAILED and why else ""
        return f"it {_HOW_IT_STANDS[post.state]}{reason}"
    publisher = house.publishers.get(account.publisher) if account else None
    remote_id = post.target or post.remote_id
    url = publisher.post_url(account.handle, remote_id) if publisher and account and remote_id else ""
    words = f"it is out: {url}" if url else "it is out"
    if post.deleted:
        undo = tx.posts.undoing(post.id)
        words = f"it was out and is deleted{f', as {undo.author.name} asked' if undo else ''}"
    return words


COMMANDS = (
    Command(
        name="log",
        usage="log [@ACCOUNT] [NUMBER]",
        example="log @acme 20",
        help="Show what was done with an account, by whom and how it ended.",
        work=log,
        needs=Need.ROOMS,
        visible=has_account,
    ),
    Command(
        name="who",
        usage="who [ID or URL]",
        example="who k7",
        help="Show who asked for a post and who approved it; as a reply to what I said about it, or by its name.",
        work=who,
        aliases=("whoposted",),
        visible=has_account,
    ),
)
