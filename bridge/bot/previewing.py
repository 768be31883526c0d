"""The previews: what a draft will be, exactly, and where it stands. One message an audience, edited in place.

It knows the words and the rows of answers. It decides nothing. Changed content is a new version with new messages; the
old ones are edited to say so, and count for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge import alttext
from bridge.bot import content, exhibits
from bridge.bot.asked import House
from bridge.bot.content import parts_of as parts_of  # who shows previews needs it beside them
from bridge.bot.words import number as counted
from bridge.bot.words import subject
from bridge.interfaces import Tx
from bridge.model import Action, Identity, Policy, Post, PostState, Preview, Room, Speech, Verdict, label


def name(post_id: int, version: int) -> str:
    """What people type for one content of a post: ``k7`` for the first one, ``k7.2`` for the second."""
    return label("k", post_id) if version <= 1 else f"{label('k', post_id)}.{version}"


def newest(tx: Tx, post: Post) -> list[Preview]:
    """The previews of what the post holds now; none where it was never shown."""
    shown = tx.decisions.previews(post.id)
    last = max((preview.version for preview in shown), default=0)
    return [preview for preview in shown if preview.version == last and preview.content == post.content]


def _last(tx: Tx, post: Post) -> int:
    return max((preview.version for preview in tx.decisions.previews(post.id)), default=0)


def version(tx: Tx, post: Post) -> int:
    """How many contents the post has had, also one that is still to be shown; at least 1."""
    waits = bool(post.content) and not newest(tx, post)
    return max(_last(tx, post) + waits, 1)


def show(tx: Tx, post: Post, house: House, *, anyway: bool = False) -> None:
    """Show the content that the post has now: where it was asked for, and in the account's approval room. Its pictures
    are shown before it; when they were not looked at yet, it is shown later, or without them ``anyway``.
    """
    waits, number = exhibits.unseen(tx, post), _last(tx, post) + 1
    if not (waits and newest(tx, post)):
        exhibits.take_away(tx, post)
        for old in tx.decisions.previews(post.id):
            if old.version == number - 1:
                _edit(tx, post, old, replaced(post, old.version, number))
    if waits:
        tx.decisions.ring()
    if waits and not anyway:
        return
    room = tx.policies.of(post.account_id).room
    _say(tx, post, house, number, list(dict.fromkeys((post.room, room or post.room))))


def _say(tx: Tx, post: Post, house: House, number: int, rooms: Sequence[Room]) -> None:
    before = whole(tx, post, house, number)
    for room in rooms:
        here = room == post.room
        exhibits.show(tx, post, room, post.thread if here else None)
        for page in before:
            tx.answers.add(room, Speech.TEXT, page, thread=post.thread if here else None, post_id=post.id)
        answer_id = tx.answers.add(
            room,
            Speech.TEXT,
            body(tx, post, house, number, room),
            target=post.message_id if here else None,
            thread=post.thread if here else None,
            mention=post.author if here else None,
            post_id=post.id,
        )
        tx.decisions.show(answer_id, post.id, number, post.content)


def whole(tx: Tx, post: Post, house: House, number: int) -> list[str]:
    """What is to be said before the body, where that cannot hold all: pages of the whole content."""
    account = tx.accounts.get(post.account_id)
    if account is None:
        return []
    title = f"{name(post.id, number)} for {account.at}, by {post.author.name}"
    return content.pages(tx, post, account, house, title)[: content.MOST_PAGES]


def refresh(tx: Tx, post: Post, house: House) -> None:
    """The post's state changed: its newest previews say so now, where it is shown. A draft that is not shown yet in the
    approval room is then. The pictures of one that has ended go.
    """
    shown = newest(tx, post)
    if post.state in (PostState.FAILED, PostState.POSTED):
        exhibits.take_away(tx, post)
    for preview in shown:
        hidden = f"{name(post.id, preview.version)}: not shown here any more. Nothing said here counts."
        here = is_live(tx, post, preview)
        if not here:
            exhibits.take_away(tx, post, preview.room)
        elif post.state is PostState.DRAFT:
            exhibits.show(tx, post, preview.room, post.thread if preview.room == post.room else None)
        _edit(tx, post, preview, body(tx, post, house, preview.version, preview.room) if here else hidden)
    room = tx.policies.of(post.account_id).room
    if room is not None and shown and post.state is PostState.DRAFT and room not in [one.room for one in shown]:
        _say(tx, post, house, shown[0].version, [room])


def is_live(tx: Tx, post: Post, preview: Preview) -> bool:
    """Whether it is where the post was asked for (also before that room was upgraded), or in the approval room."""
    if preview.room in (post.room, tx.policies.of(post.account_id).room):
        return True
    said = tx.answers.of_post(post.id, Speech.TEXT)
    return any(one.id == preview.answer_id and one.target == post.message_id for one in said)


def close(tx: Tx, post: Post, number: int, words: str) -> None:
    """The previews of that version say ``words`` from now on, and its pictures go."""
    exhibits.take_away(tx, post)
    for preview in tx.decisions.previews(post.id):
        if preview.version == number:
            _edit(tx, post, preview, f"{brief(post, number)}: {words}")


def _edit(tx: Tx, post: Post, preview: Preview, words: str) -> None:
    """Unless it says just that: clients show that something was edited."""
    edits = [one for one in tx.answers.of_post(post.id, Speech.EDIT) if one.target_answer == preview.answer_id]
    said = edits[-1:] or [one for one in tx.answers.of_post(post.id, Speech.TEXT) if one.id == preview.answer_id]
    if said and said[0].body == words:
        return
    for earlier in edits:
        tx.answers.cancel(earlier.id)
    tx.answers.add(preview.room, Speech.EDIT, words, target_answer=preview.answer_id, post_id=post.id)


# ---------------------------------------------------------------- the words


def replaced(post: Post, old: int, new: int) -> str:
    """What stands in the place of an old preview."""
    return f"Replaced: {name(post.id, old)} was changed and is {name(post.id, new)} now. Nothing said here counts."


def body(tx: Tx, post: Post, house: House, number: int, room: Room, *, live: bool = True) -> str:
    """The whole preview in ``room``, as it stands now. ``live``: reactions on the message decide."""
    account = tx.accounts.get(post.account_id)
    if account is None:
        return f"Draft {name(post.id, number)}: its account is gone."
    is_out = post.state in (PostState.POSTED, PostState.UNKNOWN)
    kind = "Draft" if post.content and not is_out else "Post"
    changed = sorted(who.name for who in writers(tx, post) if who != post.author)
    by = f"{post.author.name}, changed by {', '.join(changed)}" if changed else post.author.name
    lines = [f"{kind} {name(post.id, number)} for {account.at}, by {by}:"]
    lines += content.lines(tx, post, account, house, seen_in=room)
    pages = len(content.pages(tx, post, account, house, ""))
    if pages > content.MOST_PAGES:
        lines.append("It is too long for me to show it whole, so it cannot be approved. Make it shorter, or split it.")
    elif pages:
        lines.append(f"The whole of it stands before this, on {counted(pages, 'page')}.")
    if post.state is PostState.DRAFT and post.reason:
        lines += [f"Look twice: {post.reason}"]
    lines += [status(tx, post, house, number, live=live)]
    if account.frozen and post.state in (PostState.DRAFT, PostState.QUEUED, PostState.SCHEDULED):
        lines.append(f"{account.at} is frozen: nothing goes out until that is lifted.")
    return "\n".join(lines)


def status(tx: Tx, post: Post, house: House, number: int, *, live: bool = True) -> str:
    """Where it stands, and what can be done."""
    said, undo = "", f"To stop it: {house.prefix}undo {post.label}"
    approved = [decision.identity.name for decision in tx.decisions.standing(post)]
    by = (
        f"Approved by {', '.join(approved)}"
        if approved
        else "Without approval"
        if post.content
        else "As its author says"
    )
    match post.state:
        case PostState.DRAFT:
            said = _waits(tx, post, house, number, approved, live=live)
        case PostState.QUEUED | PostState.SENDING:
            said = f"{by}: it goes out. {undo}"
        case PostState.SCHEDULED:
            said = f"{by}: it goes out at its time. {undo}"
        case PostState.HELD:
            said = "It waits for its author's word: not posted."
            said = f"{by}. {said}" if post.content else said
        case PostState.POSTED:
            parts = parts_of(tx, post)
            out = sum(part.state is PostState.POSTED and not part.deleted for part in parts)
            done = "posted" if out == len(parts) else f"{out} of {counted(len(parts), 'part')} posted"
            said = f"{by}: {done}. Undo: {house.prefix}undo {post.label}"
        case PostState.UNKNOWN:
            said = f"{by}: whether it went out is unknown."
        case PostState.FAILED:
            said = f"Not posted: {post.reason or 'it failed'}."
    return said


def writers(tx: Tx, post: Post) -> set[Identity]:
    """Who, beside its author, wrote words of what the post holds now."""
    said = tx.decisions.of(post.id)
    return {one.identity for one in said if one.verdict is Verdict.WROTE and one.content == post.content}


def approvers(tx: Tx, post: Post) -> list[Identity]:
    """Everybody who could approve what the post holds now."""
    wrote = writers(tx, post)
    team = tx.accounts.team(post.account_id)
    return list(dict.fromkeys(who for who, role in team
                              if role.may_approve and who != post.author and who not in wrote))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Count:
    has: int
    needs: int
    could: int


def _waits(tx: Tx, post: Post, house: House, number: int, approved: list[str], *, live: bool) -> str:
    policy = tx.policies.of(post.account_id)
    count = _Count(len(approved), policy.approvals, len(approvers(tx, post)))
    label_, p = name(post.id, number), house.prefix
    done = f" ({', '.join(approved)})" if approved else ""
    words = f"Not posted: it waits for approval, {count.has} of {count.needs}{done}."
    by_hand = f"{p}approve {label_}"
    if tx.accounts.role(post.account_id, post.author) is None:
        words += f" It cannot be approved: {post.author.name} may not use this account any more."
        words += f" Reject: {p}reject {label_} [reason]"
    elif nameless := exhibits.nameless(tx, post):
        words += f" It cannot be approved: {nameless} Reject: {p}reject {label_} [reason]"
    elif alttext.NEVER_WITHOUT in post.reason:
        words += f" It cannot be approved without an alt text · reject: {p}reject {label_} [reason]"
    elif not live:
        words += f" Approve: {by_hand} · reject: {p}reject {label_} [reason]"
    elif policy.approve_by == "reaction":
        words += f" Approve: ✅ here or {by_hand} · reject: ❌ or {p}reject {label_} [reason]"
    else:
        words += f" Approve: {by_hand} · reject: {p}reject {label_} [reason] (reactions do not count here)"
    if post.action is Action.POST:
        words += f" · change: {p}edit {post.label} {'[WHEN |] ' if post.scheduled_for is not None else ''}TEXT"
    words += f" · drop: {p}drop {post.label}"
    role = tx.accounts.role(post.account_id, post.author)
    if role is not None and not policy.asks(role) and alttext.NEVER_WITHOUT not in post.reason:
        words += f" · {post.author.name} may send it: {p}send {label_}"
    return words + _nobody(post, policy, count, house)


def _nobody(post: Post, policy: Policy, count: _Count, house: House) -> str:
    if count.could >= count.needs:
        return ""
    if not count.could:
        lack = "Nobody can approve it yet: the account has no approver or owner beside whoever wrote or changed it."
    else:
        lack = (
            f"Only {count.could} of the {policy.approvals} approvers that it needs are there, beside whoever wrote it."
        )
    return f"\n{lack} An owner can add one with {house.prefix}share."


def brief(post: Post, number: int) -> str:
    """A draft in a sentence: its name and first words."""
    return f"{name(post.id, number)}, {subject(post)}"
