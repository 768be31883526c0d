"""Drafts on their way: into approval, out of it, back again, and to their end; and how people name them.

It knows states, rows and previews. Whether somebody may decide is ``approving``'s and ``asking``'s business.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bridge import alttext, pricing, scaling
from bridge.bot import caution, content, exhibits, previewing, signs
from bridge.bot.asked import Asked, House
from bridge.errors import Refused, UsageError
from bridge.interfaces import Tx
from bridge.model import (
    Account,
    Action,
    Draft,
    Identity,
    Policy,
    Post,
    PostState,
    Reaction,
    Room,
    Speech,
    Verdict,
    unlabel,
)
from bridge.text import links

LOOK = 10.0
"""Seconds in which somebody reads an unusual price before it is paid, and can still stop the post."""
_ENDLESS = float("inf")
"""No time that comes."""
_ID = re.compile(r"\s*(k[0-9a-z]{1,11})(?:\.([0-9]{1,6}))?(?:\s|\Z)", re.IGNORECASE)


# ---------------------------------------------------------------- into approval and out of it


def submit(tx: Tx, post: Post, house: House, now: float, wrote: Collection[Identity] = ()) -> Post:
    """Make all parts of ``post`` a draft with the content that the store has now, void every decision, show it.
    ``wrote``: who beside its author wrote words that are in it.
    """
    parts = [permit_scaling(tx, part, house, told=True) for part in previewing.parts_of(tx, post)]  # by the preview
    post = next(part for part in parts if part.id == post.id)
    hash_ = tx.decisions.content(post)
    warned = " ".join(warnings(tx, post, house, now, draft=True))
    tx.decisions.void(post.id)
    for writer in wrote:
        tx.decisions.add(post.id, writer, Verdict.WROTE, hash_, None, now)
    for part in parts:
        slot = _slot(part, now)
        draft = replace(part, state=PostState.DRAFT, question_id=None, reason=warned, content=hash_, due_at=slot)
        tx.posts.save(draft)
        tx.posts.extend(draft)
        if part.id == post.id:
            post = draft
    signs.take_away(tx, post, signs.WAITS)
    signs.put(tx, post, signs.APPROVAL)
    previewing.show(tx, post, house)
    return post


def _slot(post: Post, now: float) -> float:
    """When a draft is to be told of, if nobody has approved it by then."""
    return post.scheduled_for if post.scheduled_for is not None and post.scheduled_for > now else _ENDLESS


def warnings(tx: Tx, post: Post, house: House, now: float, *, draft: bool = False) -> list[str]:
    """What should be read about a post that is in the store before it goes out. Of a draft, the preview tells the
    price.
    """
    account = tx.accounts.get(post.account_id)
    if account is None:
        return []
    drafts = [part.draft for part in previewing.parts_of(tx, post)]
    return look(tx, post.author, account, drafts, post.action, house, now, but=post.id, priced=not draft)


def look(
    tx: Tx, who: Identity, account: Account, drafts: Sequence[Draft], action: Action, house: House, now: float,
    *, but: int | None = None, priced: bool = True,
) -> list[str]:  # fmt: skip
    """What should be read about drafts before they go out. ``but``: the row that holds them already. ``priced``: a link
    is to be asked about, where the policy says so.
    """
    if action is not Action.POST:
        return []
    warned = caution.about(tx, who, account, drafts, now, but=but)
    if said := caution.command_within(drafts, house.prefix, house.verbs):
        warned.append(said)
    if said := alttext.misplaced(drafts):
        warned.append(said)
    linked = [draft for draft in drafts if links(draft.text)]
    if not linked and not any(draft.media for draft in drafts):
        return warned  # no policy is about the rest
    policy = tx.policies.of(account.id)
    if linked and priced and policy.links == "ask":
        warned.append(f"There is a link in it: {pricing.said(pricing.price(linked[0], house.prices), house.prices)}.")
    if said := alttext.warned(policy, drafts):
        warned.append(said)
    if said := scaling.warned(drafts, _largest(account, house)):
        warned.append(said)
    return warned


# ---------------------------------------------------------------- the time before it goes out


def hold(policy: Policy, costs: Sequence[int], house: House) -> float:
    """Seconds that a post waits before it goes out: what its account's policy says; else long enough to read its price,
    if that is not the usual one.
    """
    unusual = policy.links != "allow" and pricing.said_of(costs, house.prices)
    return policy.hold or (LOOK if unusual else 0.0)


def is_held(post: Post, now: float) -> bool:
    """Whether it is in the time that it waits before it goes out."""
    return post.state is PostState.QUEUED and post.claimed_at is None and now < post.due_at < _ENDLESS


def hold_anew(tx: Tx, post: Post, house: House, now: float) -> Post:
    """Let all parts of a post that is queued wait from now on: somebody may want to stop it. Gives ``post`` as it is
    then.
    """
    parts = previewing.parts_of(tx, post)
    length = hold(tx.policies.of(post.account_id), [part.cost for part in parts], house)
    if length and all(part.state is PostState.QUEUED and part.claimed_at is None for part in parts):
        tx.posts.save(*(replace(part, due_at=max(part.due_at, now + length)) for part in parts))
    return tx.posts.get(post.id) or post


# ---------------------------------------------------------------- pictures, and what cannot go out


def permit_scaling(tx: Tx, post: Post, house: House, *, told: bool) -> Post:
    """The row, whose pictures may be scaled down now where they are too large. ``told``: its author sees that in what
    follows; else the question that they answered must have said so.
    """
    account = tx.accounts.get(post.account_id)
    if account is None or not post.draft.media:
        return post
    largest = _largest(account, house)
    said = scaling.warned([post.draft], largest)
    if not said or not (told or said in post.reason):
        return post
    post = replace(post, draft=scaling.permitted(post.draft, largest))
    tx.posts.save(post)
    return post


def _largest(account: Account, house: House) -> scaling.Largest:
    publisher = house.publishers.get(account.publisher)
    return (lambda _: 0) if publisher is None else publisher.largest


def undescribed(tx: Tx, post: Post, start: str, house: House) -> str:
    """The sentence, after ``start``, about a post that the account's policy keeps from going out until its pictures
    have alt texts; empty when it does not.
    """
    parts = previewing.parts_of(tx, post)
    drafts = [part.draft for part in parts]
    if not any(draft.media for draft in drafts) or not alttext.forbidden(tx.policies.of(post.account_id), drafts):
        return ""
    place = " NUMBER" if sum(len(draft.media) for draft in drafts) > 1 else ""
    how = f"{house.prefix}alt {parts[0].label}{place} WHAT IT SHOWS"
    return f"{start}: {alttext.missing(drafts)} {alttext.NEVER_WITHOUT} To give it one: {how}"


def unfit(tx: Tx, post: Post, house: House, now: float) -> str:
    """Why what the post holds now cannot go out, whoever approves it; empty when it can."""
    account, start = tx.accounts.get(post.account_id), f"{post.label} cannot be approved"
    if account is not None and tx.accounts.role(account.id, post.author) is None:
        return f"{start}: {post.author.name}, who wrote it, may not use {account.at} any more."
    if account is not None and content.is_too_long(tx, post, account, house):
        return f"{start}: it is too long for me to show it whole. Make it shorter, or split it into several."
    if exhibits.unseen(tx, post) and not previewing.newest(tx, post):
        return f"{start} yet: I am looking at its pictures, and show it then."
    if nameless := exhibits.nameless(tx, post):
        return f"{start}: {nameless}"
    return undescribed(tx, post, start, house) or unaffordable(tx, post, f"{post.label} is not approved", house, now)


def unaffordable(tx: Tx, post: Post, start: str, house: House, now: float) -> str:
    """The sentence, after ``start``, about a post that the budget does not allow now; empty when it does."""
    account = tx.accounts.get(post.account_id)
    waits = (PostState.DRAFT, PostState.HELD)
    cost = sum(part.cost for part in previewing.parts_of(tx, post) if part.state in waits)
    if account is None or not cost:  # what is queued or scheduled is counted already
        return ""
    try:
        pricing.check(tx, account, cost, now, prefix=house.prefix, goes_out=post.scheduled_for)
    except Refused as error:
        return f"{start}: {error}"
    return ""


def let_go(tx: Tx, post: Post, house: House, now: float, *, least: float = 0.0) -> None:
    """Queue all parts of ``post``, or let them wait for their time, and show it in its previews. ``least``: seconds
    that it waits at least.
    """
    policy = tx.policies.of(post.account_id)
    later = post.scheduled_for is not None and post.scheduled_for > now
    for part in previewing.parts_of(tx, post):
        at = part.scheduled_for
        waits = at is not None and at > now
        gone = replace(
            part,
            state=PostState.SCHEDULED if waits else PostState.QUEUED,
            fresh_at=now if at is None else at,  # a time that was missed by too much is asked about
            due_at=at if waits and at is not None else now + max(policy.hold, least),
            question_id=None,
            reason="",
        )
        tx.posts.save(gone)
        if part.id == post.id:
            post = gone
    signs.take_away(tx, post, signs.APPROVAL)
    if not later:
        signs.wait(tx, post.room, post.message_id, post.id, now)
    previewing.refresh(tx, post, house)


def release(tx: Tx, post: Post, house: House, now: float) -> None:
    """Its author, who needs nobody's approval, lets a draft go."""
    tx.decisions.void(post.id)
    for part in previewing.parts_of(tx, post):
        free = replace(part, content="")
        tx.posts.extend(free)
        if part.id == post.id:
            post = free
    for preview in tx.decisions.previews(post.id)[-1:]:
        previewing.close(tx, post, preview.version, f"{post.author.name} sent this draft without waiting for approval.")
    let_go(tx, post, house, now)


def back(tx: Tx, post: Post, house: House, now: float) -> Post:
    """What was approved and has not gone out is a draft again, its content unchanged."""
    warned = " ".join(warnings(tx, post, house, now, draft=True))
    for part in previewing.parts_of(tx, post):
        draft = replace(part, state=PostState.DRAFT, question_id=None, reason=warned, due_at=_slot(part, now))
        tx.posts.save(draft)
        if part.id == post.id:
            post = draft
    signs.take_away(tx, post, signs.WAITS)
    signs.put(tx, post, signs.APPROVAL)
    previewing.refresh(tx, post, house)
    return post


def end(tx: Tx, post: Post, why: str, house: House) -> None:
    """All parts of a post that waits fail for ``why``; its previews say so."""
    for part in previewing.parts_of(tx, post):
        failed = replace(part, state=PostState.FAILED, reason=why, question_id=None)
        tx.posts.save(failed)
        if part.id == post.id:
            post = failed
    signs.end(tx, post, signs.FAILED)
    previewing.refresh(tx, post, house)


def drop(tx: Tx, post: Post, who: Identity, room: Room, house: House, now: float) -> None:
    """Its author or an approver wants no more of a post that waits. An author hears of it when it was another."""
    record(tx, post, Word(who, "", room, now), "drop", "not posted")
    what = previewing.brief(post, previewing.version(tx, post))
    end(tx, post, f"dropped by {who.name}", house)
    if who != post.author:
        tell(tx, post.room, post.author, post, f"{who.name} dropped {what}: not posted.")


# ---------------------------------------------------------------- who said what


@dataclass(frozen=True, slots=True)
class Word:
    """What one person said of a post, by which event, where and when."""

    who: Identity
    event_id: str
    room: Room
    now: float


def record(tx: Tx, post: Post, word: Word, verb: str, outcome: str) -> None:
    """A row of the log about a draft."""
    tx.log.add(
        word.who, verb, room=word.room, account_id=post.account_id, post_id=post.id,
        detail=previewing.brief(post, previewing.version(tx, post)), outcome=outcome, at=word.now,
    )  # fmt: skip


def tell(tx: Tx, room: Room, who: Identity, post: Post, words: str) -> None:
    """Words for ``who`` about a draft; where it was asked for, as a reply to that."""
    here = room == post.room
    tx.answers.add(
        room, Speech.TEXT, words, target=post.message_id if here else None, thread=post.thread if here else None,
        mention=who, post_id=post.id,
    )  # fmt: skip


def say_once(tx: Tx, event: Reaction, post: Post, words: str) -> None:
    """Say it to that person, unless they heard just that: reactions come and go."""
    said = tx.answers.of_post(post.id, Speech.TEXT, words)
    if not any(answer.mention == event.sender and answer.room == event.room for answer in said):
        tx.answers.add(
            event.room, Speech.TEXT, words, target=event.target, mention=event.sender, post_id=post.id
        )  # fmt: skip


# ---------------------------------------------------------------- names


def no_account(asked: Asked, house: House) -> None:
    """A draft's name tells its account. Raises UsageError when the command names one beside it."""
    if asked.account is not None:
        raise UsageError(f"Say which draft instead of which account: {house.prefix}{house.verbs[asked.verb].usage}")


def read_id(text: str) -> tuple[int, int | None, str] | None:
    """The row, the version where one is named, and what follows; None when ``text`` does not begin with a name."""
    match = _ID.match(text)
    known = None if match is None else unlabel(match[1])
    if match is None or known is None:
        return None
    return known[1], None if match[2] is None else int(match[2]), text[match.end() :]


def one_only(asked: Asked, house: House) -> None:
    """Raises UsageError when the command names several posts: of the others nothing would be said."""
    read = read_id(asked.text)
    if read is not None and read_id(read[2]) is not None:
        first = asked.text.split()[0]
        raise UsageError(f"One at a time, so I did nothing: {house.prefix}{asked.verb} {first}, then the next.")


def visible(tx: Tx, post_id: int, who: Identity) -> Post | None:
    """The row (of a thread: its first part), if ``who`` has a right to know of it."""
    post = tx.posts.get(post_id)
    if post is None or (post.author != who and tx.accounts.role(post.account_id, who) is None):
        return None
    if post.thread_root is not None and post.thread_root != post.id:
        return tx.posts.get(post.thread_root)
    return post


def changed(post: Post, newest: int, verb: str, house: House) -> str:
    """The sentence about a name whose content was changed since."""
    current = previewing.name(post.id, newest)
    return (
        f"{post.label} was changed since, so nothing was done. It is {current} now; {house.prefix}show {post.label} "
        f"shows it. Then: {house.prefix}{verb} {current}"
    )
