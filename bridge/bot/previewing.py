"""The previews: what a draft will be, exactly, and where it stands. One message an audience, edited in place.

It knows the words and the rows of answers. It decides nothing. Changed content is a new version with new messages; the
old ones are edited to say so, and count for nothing.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.bot import pictures
from bridge.bot.asked import House
from bridge.bot.words import number as counted
from bridge.bot.words import subject
from bridge.interfaces import Tx
from bridge.model import Account, Identity, Policy, Post, PostState, Preview, Room, Speech, Verdict, label
from bridge.pricing import money
from bridge.text import length

_LARGEST = 16_000
"""Of all texts in one preview, as JSON in ASCII: an edit carries it twice, and a Matrix event holds 64 KiB. A network
that cut the rest would cut off how it stands, and that something is missing.
"""


def name(post_id: int, version: int) -> str:
    """What people type for one content of a post: ``k7`` for the first one, ``k7.2`` for the second."""
    return label("k", post_id) if version <= 1 else f"{label('k', post_id)}.{version}"


def newest(tx: Tx, post: Post) -> list[Preview]:
    """The previews of what the post holds now; none where it was never shown."""
    shown = tx.decisions.previews(post.id)
    last = max((preview.version for preview in shown), default=0)
    return [preview for preview in shown if preview.version == last and preview.content == post.content]


def version(tx: Tx, post: Post) -> int:
    """How many contents the post has had; at least 1."""
    return max((preview.version for preview in tx.decisions.previews(post.id)), default=1)


def parts_of(tx: Tx, post: Post) -> list[Post]:
    """The post alone, or all parts of its thread in order."""
    parts = [] if post.thread_root is None else tx.posts.thread(post.thread_root)
    return parts or [post]


def show(tx: Tx, post: Post, house: House) -> None:
    """Show the content that the post has now: where it was asked for, and in the account's approval room."""
    number = max((preview.version for preview in tx.decisions.previews(post.id)), default=0) + 1
    for old in tx.decisions.previews(post.id):
        if old.version == number - 1:
            _edit(tx, post, old, replaced(post, old.version, number))
    policy = tx.policies.of(post.account_id)
    rooms: list[Room] = [post.room]
    if policy.room is not None and policy.room != post.room:
        rooms.append(policy.room)
    words = body(tx, post, house, number)
    for room in rooms:
        here = room == post.room
        answer_id = tx.answers.add(
            room,
            Speech.TEXT,
            words,
            target=post.message_id if here else None,
            thread=post.thread if here else None,
            mention=post.author if here else None,
            post_id=post.id,
        )
        tx.decisions.show(answer_id, post.id, number, post.content)


def refresh(tx: Tx, post: Post, house: House) -> None:
    """The post's state changed: its newest previews say so now."""
    for preview in newest(tx, post):
        _edit(tx, post, preview, body(tx, post, house, preview.version))


def close(tx: Tx, post: Post, number: int, words: str) -> None:
    """The previews of that version say ``words`` from now on."""
    for preview in tx.decisions.previews(post.id):
        if preview.version == number:
            _edit(tx, post, preview, f"{brief(post, number)}: {words}")


def _edit(tx: Tx, post: Post, preview: Preview, words: str) -> None:
    for earlier in tx.answers.of_post(post.id, Speech.EDIT):
        if earlier.target_answer == preview.answer_id:
            tx.answers.cancel(earlier.id)
    tx.answers.add(preview.room, Speech.EDIT, words, target_answer=preview.answer_id, post_id=post.id)


# ---------------------------------------------------------------- the words


def replaced(post: Post, old: int, new: int) -> str:
    """What stands in the place of an old preview."""
    return f"Replaced: {name(post.id, old)} was changed and is {name(post.id, new)} now. Nothing said here counts."


def body(tx: Tx, post: Post, house: House, number: int, *, live: bool = True) -> str:
    """The whole preview, as it stands now. ``live``: reactions on the message decide."""
    account = tx.accounts.get(post.account_id)
    if account is None:
        return f"Draft {name(post.id, number)}: its account is gone."
    kind = "Draft" if post.content else "Post"
    lines = [f"{kind} {name(post.id, number)} for {account.at}, by {post.author.name}:"]
    lines += _content(tx, post, account, house)
    if post.state is PostState.DRAFT and post.reason:
        lines += [f"Look twice: {post.reason}"]
    lines += [status(tx, post, house, number, live=live)]
    if account.frozen and post.state in (PostState.DRAFT, PostState.QUEUED, PostState.SCHEDULED):
        lines.append(f"{account.at} is frozen: nothing goes out until that is lifted.")
    return "\n".join(lines)


def _content(tx: Tx, post: Post, account: Account, house: House) -> list[str]:
    publisher = house.publishers.get(account.publisher)
    if post.target is not None:
        where = publisher.post_url(account.handle, post.target) if publisher else post.target
        return [f"Repost of {where}"]
    parts = parts_of(tx, post)
    lines, room = list[str](), _LARGEST
    for place_, part in enumerate(parts, 1):
        place = f"Part {place_} of {len(parts)}, counts" if len(parts) > 1 else "Counts"
        quoted = _quoted(part.draft.text, room)
        room = max(room - sum(map(_size, quoted)), 0)
        count = f"{place} {counted(length(part.draft.text), 'character')}."
        lines += [*quoted, count] if part.draft.text else ["It has no text."]
        for number, medium in enumerate(part.draft.media, 1):
            lines.append(pictures.named(medium, number, len(part.draft.media)))
            quoted = _quoted(medium.alt, room)
            room = max(room - sum(map(_size, quoted)), 0)
            lines += ["Its alt text:", *quoted] if medium.alt else [_without_alt(part, number, house)]
    if post.draft.reply_to is not None:
        reply_to = post.draft.reply_to
        lines.append(f"Reply to {publisher.post_url(account.handle, reply_to) if publisher else reply_to}")
    if post.scheduled_for is not None:
        lines.append(f"To go out at {absolute(post.scheduled_for)}")
    cost = sum(part.cost for part in parts)
    if cost:
        lines.append(f"Costs {money(cost)}")
    return lines


def _without_alt(part: Post, number: int, house: House) -> str:
    place = f" {number}" if len(part.draft.media) > 1 else ""
    return f"It has no alt text. To give it one: {house.prefix}alt {part.label}{place} WHAT IT SHOWS"


def _size(line: str) -> int:
    """What a line takes in JSON: its end is two characters, as the quotes around it here."""
    return len(json.dumps(line))


def _quoted(text: str, room: int) -> list[str]:
    """The exact text, with a bar before each line: so nothing in it looks like the bot's own words. What does not fit
    into ``room`` is left out, and that is said.
    """
    lines: list[str] = []
    shown = 0
    for line in text.splitlines(keepends=True):
        bare = line.splitlines()[0]
        room -= _size(f"│ {bare}")
        if room < 0:
            fits = max(room + _size(bare), 0) // 12  # no character takes more than 12 in JSON
            lines += [f"│ {bare[:fits]}"] if fits else []
            shown += fits
            break
        lines.append(f"│ {bare}")
        shown += len(line)
    if shown < len(text):
        lines.append(f"(too long to show whole: {len(text) - shown} characters more)")
    return lines


def absolute(at: float) -> str:
    """A time to come, in full."""
    return f"{datetime.fromtimestamp(min(max(at, 0.0), 4e9), UTC):%A %d %B %Y, %H:%M:%S} UTC"


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
            said = f"{by}: it waits for its author's word, not posted."
        case PostState.POSTED:
            said = f"{by}: posted. Undo: {house.prefix}undo {post.label}"
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
    if not live:
        words += f" Approve: {by_hand} · reject: {p}reject {label_} [reason]"
    elif policy.approve_by == "reaction":
        words += f" Approve: ✅ here or {by_hand} · reject: ❌ or {p}reject {label_} [reason]"
    else:
        words += f" Approve: {by_hand} · reject: {p}reject {label_} [reason] (reactions do not count here)"
    words += f" · change: {p}edit {post.label} TEXT · drop: {p}drop {post.label}"
    return words + _nobody(post, policy, count, house)


def _nobody(post: Post, policy: Policy, count: _Count, house: House) -> str:
    if count.could >= count.needs:
        return ""
    if not count.could:
        lack = "Nobody can approve it yet: the account has no approver or owner beside whoever wrote it."
    else:
        lack = f"Only {count.could} of the {policy.approvals} approvers that it needs are there yet."
    return f"\n{lack} An owner can add one with {house.prefix}share."


def brief(post: Post, number: int) -> str:
    """A draft in a sentence: its name and first words."""
    return f"{name(post.id, number)}, {subject(post)}"
