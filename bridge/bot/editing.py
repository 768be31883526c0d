"""What an edited message means: a changed draft while the post has not gone out, and nothing after that.

It knows states. It never posts: an edit that makes something else of the command makes it wait for its author's word.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from bridge import alttext, pricing, telltale, times
from bridge.bot import (
    exhibits,
    holding,
    linking,
    pictures,
    posting,
    previewing,
    scheduling,
    sending,
    signs,
    threading,
    waiting,
)
from bridge.bot.asked import NO_FACTS, Asked, House
from bridge.bot.parse import Bare, Pin, Reading, Spoken
from bridge.bot.posting import Wish
from bridge.bot.words import number, subject
from bridge.bot.zones import zone_of
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import (
    Action,
    Draft,
    Edit,
    Identity,
    LinkState,
    Message,
    Post,
    PostState,
    Room,
    Speech,
)

_WHY_HELD = "its edit made something else of it"
_WAITING = (PostState.DRAFT, PostState.SCHEDULED, PostState.HELD, PostState.QUEUED)


def edited(tx: Tx, event: Edit, reading: Reading | None, house: House, now: float) -> None:
    """Decide what an edit changes. ``reading``: of its new text.

    A row with ``claimed_at`` had an attempt that may be out with the first text, also when it is queued again.
    """
    pin = _pin_said(tx, event, reading, house)
    _pictures_edited(tx, event, house, now)
    post = tx.posts.of_message(event.room.network, event.target)
    if post is not None and post.room != event.room:
        return  # no such edit exists; and it may come in plain from a homeserver, where the command came encrypted
    if post is None or post.state is PostState.FAILED:
        if not pin and isinstance(reading, Spoken | Bare) and (post is None or post.author == event.sender):
            _say(tx, event, post, "An edit runs no command. Send it as a new message.")
        return
    if post.author != event.sender or post.action is Action.DELETE or post.deleted:
        return
    if not unsent(tx, post):
        _say(tx, event, post, _too_late(tx, post, house))
        return
    try:
        wish = _wished(tx, event, reading, post, house, now)
    except UsageError as error:
        _cannot(tx, event, post, house, now, str(error))
        return
    parts = previewing.parts_of(tx, post)
    if [part.draft for part in parts] == list(wish.drafts) and post.scheduled_for == wish.scheduled_for:
        return
    was, had = post.state, [one.source for part in parts for one in part.draft.media]
    # All that it holds then stands in that one message of its author: what others put into it is gone.
    post = change_all(tx, parts, wish.drafts, wish.scheduled_for, event.sender, event.room, house, now, others=())
    said, price = f"Changed: {post.label}, {subject(post)},", holding.price(tx, post, house)
    if post.state is was is PostState.HELD:
        _say(tx, event, post, f"{said} still waits for {house.prefix}send {post.label}{price}")
    elif post.state is PostState.SCHEDULED and post.scheduled_for is not None:
        zone = zone_of(tx, post.author, house)
        at = times.absolute(post.scheduled_for, zone)
        _say(tx, event, post, f"{said} goes out {at}{price}.")
    elif post.state is PostState.QUEUED and post.due_at > now:
        _say(tx, event, post, f"{said} goes out {holding.how(tx, post, house, now)}{price}")
    elif post.state is PostState.QUEUED and [one.source for one in post.draft.media] != had:
        _say(tx, event, post, f"Changed: {post.label} goes out with {telltale.pictures(post.draft)} now.")


def _pictures_edited(tx: Tx, event: Edit, house: House, now: float) -> None:
    """Posts of the sender that have not gone out show the pictures of an earlier message as it was edited."""
    for part in tx.posts.with_picture(event.room.network, event.target) if event.media else ():
        if part.message_id == event.target:
            continue
        if (part.author, part.room) != (event.sender, event.room):
            root = tx.posts.get(part.thread_root or part.id) or part
            exhibits.replaced(tx, root, event.target, event.room)
            previewing.refresh(tx, tx.posts.get(root.id) or root, house)
            continue
        draft = replace(part.draft, media=pictures.swapped(part.draft.media, event.media, event.target))
        if draft == part.draft or not unsent(tx, part):
            continue
        try:
            posting.check(tx, part, draft, house)
        except UsageError as error:
            _cannot(tx, event, part, house, now, f"You changed a picture of it. {error}")
            continue
        post = change(tx, part, draft, event.sender, event.room, house, now)
        _say(tx, event, post, f"You changed a picture of {part.label}: it has {telltale.pictures(draft)} now.")


def _pin_said(tx: Tx, event: Edit, reading: Reading | None, house: House) -> bool:
    """Whether the edit holds the PIN of a pending link. It links nothing; where others may have seen it, it voids."""
    if not isinstance(reading, Pin) and not (isinstance(reading, Spoken) and reading.command.name == "pin"):
        return False
    link = tx.links.pending(event.sender)
    if link is None or link.state is LinkState.ASKED:
        return False
    if event.room == link.room:
        _say(tx, event, None, "I read no PIN out of an edit. Say it in a new message.")
    else:
        tx.links.save(linking.ended(link))
        words = "I have thrown this attempt to link away, and nothing was linked: others may have seen the PIN here."
        _say(tx, event, None, f"{words} Say {house.prefix}link to start anew.")
    return True


def unsent(tx: Tx, post: Post) -> bool:
    """Whether nothing of the post, or of its thread, can have gone out, so that it may still be changed."""
    return all(part.state in _WAITING and part.claimed_at is None for part in previewing.parts_of(tx, post))


def stopped(tx: Tx, part: Post) -> bool:
    """Whether it is the part of a thread that its author is asked about, with others out before it. Its words may be
    changed then, where nobody approved them.
    """
    waits = part.state is PostState.HELD and part.claimed_at is None and part.question_id is not None
    return waits and part.part > 1 and not part.content and not unsent(tx, part)


def mend(tx: Tx, part: Post, draft: Draft, who: Identity, room: Room, house: House, now: float) -> list[str]:
    """Give a part that is ``stopped`` other words. What looks wrong about them is given to be told: its author has to
    say `send` anyway.
    """
    part = _write(tx, replace(part, reason=""), draft, house)
    tx.log.add(
        who, "edit", room=room, account_id=part.account_id, post_id=part.id,
        detail=f"{part.label}, {subject(part)}", outcome=part.state.value, at=now,
    )  # fmt: skip
    account = tx.accounts.get(part.account_id)
    if account is None:
        return []
    return waiting.look(tx, part.author, account, [draft], part.action, house, now, but=part.thread_root)


def change(tx: Tx, post: Post, draft: Draft, who: Identity, room: Room, house: House, now: float) -> Post:
    """Give a post that is ``unsent`` other words: what was approved of it is void, and what looks wrong is asked about.
    ``post`` may be a part of a thread. Gives the row as it is then (of a thread: the first part).
    """
    only_alt = _waits_for_alt_only(tx, post, house)
    stays = post.thread_root is not None or _something_stays(post.draft, draft)
    post = _write(tx, post, draft, house)
    root = post if post.thread_root in (None, post.id) else tx.posts.get(post.thread_root) or post
    others = previewing.writers(tx, root) if stays else ()
    root = _settle(tx, root, f"{post.label}, {subject(post)}", who, room, house, now, others)
    return _go_on(tx, root, house, now) if only_alt else root


def change_all(
    tx: Tx, parts: Sequence[Post], drafts: Sequence[Draft], at: float | None, who: Identity, room: Room, house: House,
    now: float, *, others: Collection[Identity] | None = None,
) -> Post:  # fmt: skip
    """As ``change``, for all parts of a post, and the time ``at`` which it is to go out. Gives the first part.
    ``others``: who wrote words before that are still in it; None: whoever wrote any.
    """
    only_alt = _waits_for_alt_only(tx, parts[0], house)
    others = previewing.writers(tx, parts[0]) if others is None else others
    for part, draft in zip(parts, drafts, strict=True):
        moved = replace(part, scheduled_for=at)
        if at is not None and at > now and part.state in (PostState.SCHEDULED, PostState.QUEUED):
            moved = replace(moved, state=PostState.SCHEDULED, due_at=at)
            signs.take_away(tx, part, signs.WAITS)
        _write(tx, moved, draft, house)
    root = tx.posts.get(parts[0].id) or parts[0]
    root = _settle(tx, root, f"{root.label}, {subject(root)}", who, room, house, now, others)
    return _go_on(tx, root, house, now) if only_alt else root


def _something_stays(before: Draft, after: Draft) -> bool:
    """Whether the text or a picture of the one draft is in the other: nobody knows any more who brought which."""
    sources = {one.source for one in before.media}
    return (bool(after.text) and after.text == before.text) or any(one.source in sources for one in after.media)


def _waits_for_alt_only(tx: Tx, post: Post, house: House) -> bool:
    """Whether nothing but a missing alt text keeps the post back: it is not old, and nothing else was asked."""
    parts = previewing.parts_of(tx, post)
    old = parts[0].created_at - parts[0].fresh_at > house.stale_after
    return not old and all(one.state is PostState.HELD and alttext.is_all(one.reason) for one in parts)


def _go_on(tx: Tx, post: Post, house: House, now: float) -> Post:
    """What waited for its alt text goes, unless something else is in the way now; ``reason`` says what."""
    if post.state is not PostState.HELD:
        return post
    parts = previewing.parts_of(tx, post)
    why: Sequence[str] = waiting.warnings(tx, post, house, now)
    if not why:
        sent = sending.send_all(tx, parts, post.author, house, now)
        sending.show_going(tx, sent, now)
        waiting.hold_anew(tx, tx.posts.get(post.id) or post, house, now)
        why = sent.problems
    rows = [row for part in parts if (row := tx.posts.get(part.id)) is not None]
    tx.posts.save(*(replace(row, reason=" ".join(why)) for row in rows if row.state is PostState.HELD))
    return tx.posts.get(post.id) or post


def _write(tx: Tx, post: Post, draft: Draft, house: House) -> Post:
    cost = post.cost if post.action is not Action.POST else pricing.price(draft, house.prices)
    post = replace(post, draft=draft, cost=cost)
    tx.posts.save(post)
    tx.posts.extend(post)
    return post


def _settle(
    tx: Tx, root: Post, detail: str, who: Identity, room: Room, house: House, now: float,
    others: Collection[Identity] = (),
) -> Post:  # fmt: skip
    """Where a post belongs whose content was changed: before its approvers, before its author, or where it was.
    ``others``: who wrote words before that are still in it.
    """
    role = tx.accounts.role(root.account_id, root.author)
    if root.content or (role is not None and tx.policies.of(root.account_id).asks(role)):
        root = waiting.submit(tx, root, house, now, {who, *others} - {root.author})
    else:
        asked = ""
        if root.state is PostState.HELD:
            root = _without_settled(tx, root)
            asked = root.reason
        if new := [said for said in waiting.warnings(tx, root, house, now) if not alttext.was_said(said, asked)]:
            root = replace(root, state=PostState.HELD, reason=" ".join((asked, *new)).strip(), question_id=None)
            tx.posts.save(root)
            signs.take_away(tx, root, signs.WAITS)
        root = waiting.hold_anew(tx, root, house, now)
    tx.log.add(
        who, "edit", room=room, account_id=root.account_id, post_id=root.id, detail=detail,
        outcome=root.state.value, at=now,
    )  # fmt: skip
    return root


def _without_settled(tx: Tx, root: Post) -> Post:
    """The held post, and the rows of its parts, without the questions that its change has answered."""
    parts = previewing.parts_of(tx, root)
    drafts = [part.draft for part in parts]
    held = [part for part in parts if part.state is PostState.HELD]
    tx.posts.save(*(replace(part, reason=alttext.current(part.reason, drafts)) for part in held))
    return replace(root, reason=alttext.current(root.reason, drafts))


def _verbs(post: Post, parts: int) -> tuple[str, ...]:
    """The verbs that can have asked for such a post; the first one is what it is called."""
    if post.action is Action.REPOST:
        return ("retweet",)
    if post.draft.reply_to is not None:
        return ("reply",)
    if post.scheduled_for is not None:
        return ("schedule",)
    if parts > 1:
        return ("thread",)
    return ("tweet", "thread", "draft") if post.content else ("tweet", "thread")


def _wished(tx: Tx, event: Edit, reading: Reading | None, post: Post, house: House, now: float) -> Wish:
    """What the edited command wants. Raises UsageError when it is not the same command any more."""
    parts = previewing.parts_of(tx, post)
    verbs = _verbs(post, len(parts))
    if not isinstance(reading, Spoken) or reading.command.name not in verbs:
        raise UsageError(f"Your edit is no {house.prefix}{verbs[0]} any more.")
    message = Message(
        event.target, event.room, event.sender, event.text, event.sent_at, event.direct, thread=post.thread
    )
    verb = reading.command.name
    if verb == "retweet" and event.media:
        raise UsageError("A repost takes no picture.")
    kept = [one for part in parts for one in part.draft.media]
    text, media = pictures.described(reading.text, pictures.swapped(kept, event.media, event.target), keep=True)
    asked = Asked(message, verb, reading.account, text, NO_FACTS, now, media)
    if verb == "schedule":
        wish = scheduling.changed(tx, post, asked, house)[0]
    elif verb == "thread":
        wish = threading.wanted(tx, asked, house)[0]
    else:
        wish = posting.wanted(tx, asked, house)
    if wish.account.id != post.account_id:
        raise UsageError(f"Your edit names another account: {wish.account.at}.")
    if wish.target != post.target:
        raise UsageError("Your edit names another post; what a repost repeats cannot be changed.")
    if len(wish.drafts) != len(parts):
        said = f"Your edit makes {number(len(wish.drafts), 'part')} of {len(parts)}; that cannot be changed"
        raise UsageError(f"{said}, but you can drop it and say it anew.")
    return wish


def _cannot(tx: Tx, event: Edit, post: Post, house: House, now: float, why: str) -> None:
    """The edit cannot be taken: nothing goes out without another word."""
    if post.content:
        _unapprove(tx, event, post, house, now, why)
    else:
        _hold(tx, event, post, house, why)


def _unapprove(tx: Tx, event: Edit, post: Post, house: House, now: float, why: str) -> None:
    """The edit cannot be taken, and its author wants something else than what was approved: it waits for both."""
    tx.decisions.void(post.id)
    post = waiting.back(tx, post, house, now)
    words = f"{why} So {post.label} keeps its text and waits for approval anew, not posted"
    _say(tx, event, post, f"{words} · {house.prefix}edit {post.label} TEXT · {house.prefix}drop {post.label}")


def _hold(tx: Tx, event: Edit, post: Post, house: House, why: str) -> None:
    """Ask about the first text. What was asked before is asked with it: one word answers all."""
    question = tx.answers.ask(post.author, post.room)
    warned = post.reason.removesuffix(_WHY_HELD).strip() if post.state is PostState.HELD else ""
    reason = f"{warned} {_WHY_HELD}".strip()
    parts = previewing.parts_of(tx, post)
    tx.posts.save(*(replace(one, state=PostState.HELD, question_id=question.id, reason=reason) for one in parts))
    signs.take_away(tx, post, signs.WAITS)
    first = f"{post.label}, {subject(post)}, waits, not posted"
    send, drop = f"{house.prefix}send {post.label}", f"{house.prefix}drop {post.label}"
    asks = f"{first}. {warned}".strip()
    words = f"{why} So {asks} Send it as it was all the same: {send} or ✅ here · forget it: {drop} or ❌ here"
    _say(tx, event, post, words, question.id)


def _too_late(tx: Tx, post: Post, house: House) -> str:
    account = tx.accounts.get(post.account_id)
    keeps = account.publisher.capitalize() if account else "the publisher"
    return f"Edited after it went out; {keeps} keeps the first text · {house.prefix}undo {post.label}"


def _say(tx: Tx, event: Edit, post: Post | None, words: str, question_id: int | None = None) -> None:
    tx.answers.add(
        event.room,
        Speech.TEXT,
        words,
        target=event.target,
        thread=None if post is None else post.thread,
        mention=event.sender,
        post_id=None if post is None else post.id,
        question_id=question_id,
    )
