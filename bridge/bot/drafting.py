"""The verbs show, edit and alt: looking at what waits, and changing it, by its name.

It knows who may do so. What a change means for approvals is ``editing``'s.
"""

from collections.abc import Sequence
from dataclasses import replace

from bridge import alttext, telltale, times
from bridge.bot import editing, exhibits, holding, pictures, posting, previewing, scheduling, threading, waiting
from bridge.bot.asked import Asked, Command, House, has_account
from bridge.bot.words import quote, subject, without_words
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Action, Draft, Identity, Medium, Post, PostState, Room, label, unlabel
from bridge.text import is_nothing

_MOST_NAMED = 5


def show(tx: Tx, asked: Asked, house: House) -> None:
    """Say what a post holds and where it stands. Reactions on that decide nothing."""
    waiting.one_only(asked, house)
    _, post, _ = _named(tx, asked, house)
    if post.action is Action.DELETE:
        raise UsageError(f"{post.label} is an undo; there is nothing to show.")
    number = previewing.version(tx, post)
    exhibits.show(tx, post, asked.room, asked.message.thread)
    for page in previewing.whole(tx, post, house, number):
        asked.reply(tx, page, post_id=post.id)
    asked.reply(tx, previewing.body(tx, post, house, number, asked.room, live=False), post_id=post.id)


def edit(tx: Tx, asked: Asked, house: House) -> None:
    """Give a post that has not gone out other words, or another time."""
    part_id, post, text = _named(tx, asked, house)
    part = tx.posts.get(part_id) or post
    _check(tx, asked, post, part, house)
    when, text = scheduling.retimed(tx, post, asked, text, house)
    if len(pieces := _pieces(post, text)) > 1:
        _change_parts(tx, asked, post, part, pieces, when, house)
        return
    timed_only = when is not None and not asked.media and is_nothing(text)
    draft = part.draft if timed_only else _reworded(part, asked, text, house)
    posting.check(tx, part, draft, house)
    if draft == part.draft and (when is None or when.at == post.scheduled_for):
        raise UsageError(f"{part.label} says just that already.")
    how = f", with {telltale.pictures(draft)}" if asked.media else ""
    if editing.stopped(tx, part):
        _mend(tx, asked, part, draft, how, house, when)
        return
    if when is None:
        _change(tx, asked, part, draft, how, house)
        return
    parts = previewing.parts_of(tx, post)
    drafts = [draft if one.id == part.id else one.draft for one in parts]
    root = editing.change_all(tx, parts, drafts, when.at, asked.sender, asked.room, house, asked.now)
    _tell_changed(tx, asked, part, how, root, when, house)


def _pieces(post: Post, text: str) -> list[str]:
    """The new words of a thread, or of what is scheduled and may be one, by its lines of dashes. Raises UsageError."""
    return [text] if post.thread_root is None and post.scheduled_for is None else threading.by_lines(text)


def _change_parts(
    tx: Tx, asked: Asked, post: Post, part: Post, pieces: Sequence[str], when: times.When | None, house: House
) -> None:  # fmt: skip
    """Give all parts of a thread other words. Raises UsageError unless it is named as a whole and has as many parts."""
    parts = previewing.parts_of(tx, post)
    if part.id != post.id or len(pieces) != len(parts) or not editing.unsent(tx, post):
        one = f"To change one part: {house.prefix}edit ID TEXT, with the ID of the part. " if len(parts) > 1 else ""
        had = f"{part.label} is one of {len(parts)}" if part.id != post.id else f"{part.label} has {len(parts)}"
        raise UsageError(
            f"Nothing was changed: that makes {len(pieces)} parts, and {had}. {one}To have another number of them, drop"
            f" it and say it anew: {house.prefix}drop {post.label}"
        )
    first = _reworded(parts[0], asked, pieces[0], house)
    drafts = [first, *(replace(one.draft, text=text) for one, text in zip(parts[1:], pieces[1:], strict=True))]
    for row, draft in zip(parts, drafts, strict=True):
        posting.check(tx, row, draft, house)
    at = post.scheduled_for if when is None else when.at
    root = editing.change_all(tx, parts, drafts, at, asked.sender, asked.room, house, asked.now)
    _tell_changed(tx, asked, post, f" in {len(parts)} parts", root, when, house)


def _reworded(part: Post, asked: Asked, text: str, house: House) -> Draft:
    """What the part says with the new text, and with the pictures that the command is about. Raises UsageError."""
    if asked.media:
        media, text = _with_new(part, asked), part.draft.text if is_nothing(text) else text
    else:
        text, media = pictures.described(text, part.draft.media, keep=True)
    if not asked.media and is_nothing(text):
        alt_ = f" · to describe its picture: {house.prefix}alt {part.label} WHAT IT SHOWS" if media else ""
        raise UsageError(f"There is no text. To change what it says: {house.prefix}edit {part.label} TEXT{alt_}")
    return replace(part.draft, text=text, media=media)


def _with_new(part: Post, asked: Asked) -> tuple[Medium, ...]:
    """The pictures that the command is about in the place of the post's; or those that it has, where it is about some
    of them.
    """
    had, new = part.draft.media, {one.source: one for one in asked.media}
    if all(source in {one.source for one in had} for source in new):
        return pictures.renewed(had, [new.get(one.source, one) for one in had])
    return pictures.renewed(had, asked.media)


def _change(tx: Tx, asked: Asked, part: Post, draft: Draft, how: str, house: House) -> None:
    """Write it, and say ``how`` it is changed and where it stands then."""
    root = editing.change(tx, part, draft, asked.sender, asked.room, house, asked.now)
    _tell_changed(tx, asked, part, how, root, None, house)


def _mend(tx: Tx, asked: Asked, part: Post, draft: Draft, how: str, house: House, when: times.When | None) -> None:
    if when is not None:
        raise UsageError(f"It is too late for another time: {part.label} is of a thread that is out in part.")
    looks = editing.mend(tx, part, draft, asked.sender, asked.room, house, asked.now)
    now = replace(part, draft=draft)
    look = f" Look twice: {' '.join(looks)}" if looks else ""
    send = f"{house.prefix}send {label('q', part.question_id or 0)}"
    words = f"Changed {part.label}, {subject(now)}{how}: not posted yet.{look} To go on with the thread: {send}"
    asked.reply(tx, words, post_id=part.id)


def _tell_changed(
    tx: Tx, asked: Asked, part: Post, how: str, root: Post, when: times.When | None, house: House
) -> None:  # fmt: skip
    note = f" {when.note}" if when is not None and when.note else ""
    if root.content:
        current = previewing.name(root.id, previewing.version(tx, root))
        now_called = f"is {current} now and " if current != part.label else ""
        mine = asked.sender != root.author and asked.sender in previewing.writers(tx, root)
        note = f"{note} Since these are your words, somebody else has to approve them." if mine else note
        asked.reply(tx, f"Changed {part.label}{how}: it {now_called}waits for approval.{note}", post_id=root.id)
    else:
        now = tx.posts.get(part.id) or part
        price = holding.price(tx, root, house)
        stands = f"{_stands(root, when, house)}{price}.{note}"
        if waiting.is_held(root, asked.now):
            stands = f"it goes out {holding.how(tx, root, house, asked.now)}{price}"
        asked.reply(tx, f"Changed {part.label}, {subject(now)}{how}: {stands}", post_id=part.id)


def _stands(root: Post, when: times.When | None, house: House) -> str:
    """Where all of it stands then, of which ``root`` is the first part."""
    time = "at its time" if when is None else times.absolute(when.at, when.zone)
    send = "" if alttext.NEVER_WITHOUT in root.reason else f" ({house.prefix}send {root.label})"
    held = f"not posted, it waits for its author's word{send}"
    if root.scheduled_for is not None:
        held += f", to go out {time}"
    return {
        PostState.SCHEDULED: "it still goes out at its time" if when is None else f"it goes out {time}",
        PostState.QUEUED: "it goes out",
        PostState.HELD: held,
    }.get(root.state, root.state.value)


# ---------------------------------------------------------------- alt texts


def alt(tx: Tx, asked: Asked, house: House) -> None:
    """Say in words what a picture shows, while its post has not gone out."""
    known = _answered(tx, asked, house)
    if known is None:
        _, post, text = _named(tx, asked, house)
    else:
        post, text = known
    parts = previewing.parts_of(tx, post)
    shown = [(part, one) for part in parts for one in part.draft.media]
    _check(tx, asked, post, shown[0][0] if shown else post, house)
    if not shown:
        raise UsageError(f"{post.label} has no picture.")
    if is_nothing(text) and (drafts := pictures.taken_out([part.draft for part in parts])):
        _take_out(tx, asked, parts, drafts, house)
        return
    answered = asked.message.reply_to if known is not None and asked.message.reply_to != post.message_id else None
    place, said = pictures.which(text, [one for _, one in shown], answered, f"{house.prefix}alt {post.label}")
    part, medium = shown[place - 1]
    new = pictures.with_alt(medium, said)
    if new == medium:
        raise UsageError(f"That picture of {post.label} has just that alt text already.")
    before = sum(len(one.draft.media) for one in parts if one.part < part.part)
    media = tuple(new if n == place - before else one for n, one in enumerate(part.draft.media, 1))
    draft = replace(part.draft, media=media)
    posting.check(tx, part, draft, house)
    what = "the picture" if len(shown) == 1 else f"picture {place}"
    _change(tx, asked, part, draft, f", {what} {quote(medium.name)} has the alt text {quote(said)}", house)


def _take_out(tx: Tx, asked: Asked, parts: Sequence[Post], drafts: Sequence[Draft], house: House) -> None:
    """Give the pictures the alt texts that stand in the words of their post."""
    for part, draft in zip(parts, drafts, strict=True):
        posting.check(tx, part, draft, house)
    at = parts[0].scheduled_for
    root = editing.change_all(tx, parts, drafts, at, asked.sender, asked.room, house, asked.now)
    pairs = zip(parts, drafts, strict=True)
    new = [one for part, draft in pairs for one in draft.media if one not in part.draft.media]
    said = ", ".join(f"the picture {quote(one.name)} has the alt text {quote(one.alt)}" for one in new)
    _tell_changed(tx, asked, parts[0], f", {said}", root, None, house)


def _answered(tx: Tx, asked: Asked, house: House) -> tuple[Post, str] | None:
    """The post that the answered message is about (of a thread: its first part), and the alt text; None when the
    command is no such reply. Raises UsageError when it could be about several.
    """
    if asked.message.reply_to is None:
        return None
    found = {
        known.id: known
        for post in about(tx, asked.room, asked.message.reply_to, asked.sender)
        if (known := waiting.visible(tx, post.id, asked.sender)) is not None and editing.unsent(tx, known)
    }
    read = waiting.read_id(asked.text)
    named = None if read is None else waiting.visible(tx, read[0], asked.sender)
    if read is not None and named is not None and named.id in found:
        return None  # it is named beside, perhaps with its version
    if not found:
        return None
    labels = [post.label for post in found.values()]
    if named is not None and editing.unsent(tx, named):
        raise UsageError(f"You reply to {', '.join(labels)}, and name {named.label}: send it again without the reply.")
    if len(found) > 1:
        raise UsageError(f"That is about {', '.join(labels)}. Say which one: {house.prefix}alt ID WHAT IT SHOWS")
    waiting.no_account(asked, house)
    return next(iter(found.values())), asked.text


def about(tx: Tx, room: Room, event_id: str, who: Identity) -> list[Post]:
    """The posts that the bot's message in ``room`` is about, or the one that this command of ``who`` asked for, or
    those that show this picture of theirs.
    """
    said = [answer for answer in tx.answers.of_event(room.network, event_id) if answer.room == room]
    found = [tx.posts.get(answer.post_id) for answer in said if answer.post_id is not None]
    for answer in said:
        if answer.question_id is not None:
            found += tx.posts.of_question(answer.question_id)
    asked_for = [tx.posts.of_message(room.network, event_id), *tx.posts.with_picture(room.network, event_id)]
    found += [post for post in asked_for if post is not None and post.author == who and post.room == room]
    return [post for post in found if post is not None and post.action is not Action.DELETE]


# ---------------------------------------------------------------- which, and whether


def _named(tx: Tx, asked: Asked, house: House) -> tuple[int, Post, str]:
    """The id that was named, the row (of a thread: its first part), and what follows. Raises UsageError."""
    waiting.no_account(asked, house)
    read = waiting.read_id(asked.text)
    if read is None and (replied := _replied_to(tx, asked)) is not None:
        return replied.id, replied, asked.text
    if read is None:
        raise UsageError(f"Which one? {house.prefix}{house.verbs[asked.verb].usage}{_of_question(tx, asked)}")
    post_id, number, rest = read
    post = waiting.visible(tx, post_id, asked.sender)
    if post is None:
        verb = "change" if asked.verb == "alt" else asked.verb
        raise UsageError(f"I know no post {quote(asked.text.split()[0])} that you may {verb}.")
    if number is not None and number != previewing.version(tx, post):
        raise UsageError(waiting.changed(post, previewing.version(tx, post), asked.verb, house))
    return post_id, post, rest


def _replied_to(tx: Tx, asked: Asked) -> Post | None:
    """What is to be shown, where the command is a reply to words about one post."""
    if asked.verb != "show" or asked.message.reply_to is None or asked.text.strip():
        return None
    found = {post.id: post for post in about(tx, asked.room, asked.message.reply_to, asked.sender)}
    known = [waiting.visible(tx, post_id, asked.sender) for post_id in found]
    posts = {post.id: post for post in known if post is not None}
    return next(iter(posts.values())) if len(posts) == 1 else None


def _of_question(tx: Tx, asked: Asked) -> str:
    """What the question is about that was named in place of a post; empty for anything else."""
    said = asked.text.split(maxsplit=1)[:1]
    known = unlabel(said[0]) if said else None
    question = tx.answers.question(known[1]) if known is not None and known[0] == "q" else None
    if question is None or question.asked != asked.sender:
        return ""
    labels = ", ".join(post.label for post in tx.posts.of_question(question.id)[:_MOST_NAMED])
    return f". My question {question.label} is about {labels}." if labels else ""


def _check(tx: Tx, asked: Asked, post: Post, part: Post, house: House) -> None:
    """Whether the sender may change this part now. Raises UsageError."""
    role = tx.accounts.role(post.account_id, asked.sender)
    if role is None:
        raise UsageError(f"{part.label} stays as it is: you may not use its account any more.")
    if post.author != asked.sender and not (role.may_approve and post.content):
        raise UsageError(f"You may not change {part.label}: only its author may, and approvers while it is a draft.")
    if part.action is not Action.POST:
        raise UsageError(f"{part.label} has no text that could be changed.")
    if not editing.unsent(tx, post) and not editing.stopped(tx, part):
        raise UsageError(f"It is too late to change {part.label}: {_too_late(part, house)}.")


def _too_late(part: Post, house: House) -> str:
    """Why nothing can be changed any more, and what can be done."""
    match part.state:
        case PostState.FAILED:
            why = f" ({without_words(part.reason).rstrip('.')})" if part.reason else ""
            return f"it ended, not posted{why}. Say it anew with the new words"
        case PostState.POSTED if part.deleted:
            return "it was posted, and is deleted"
        case PostState.POSTED:
            return f"it is posted. To delete it: {house.prefix}undo {part.label} · then say it anew"
        case PostState.HELD:
            return "it is of a thread that was approved, and is out in part"
        case PostState.UNKNOWN:
            return "whether it is out is unknown"
        case _:
            return f"it is {part.state.value}"


COMMANDS = (
    Command(
        name="show",
        usage="show ID",
        example="show k7",
        help="Show a draft or a post, and where it stands.",
        work=show,
        visible=has_account,
    ),
    Command(
        name="edit",
        usage="edit ID [WHEN |] TEXT",
        example="edit k7 Good evening!",
        help="Change what has not gone out yet, and with WHEN the time of what is scheduled; approvals are void then. "
        "As a caption it changes the picture.",
        work=edit,
        pictures=True,
        visible=has_account,
    ),
    Command(
        name="alt",
        usage="alt ID [NUMBER] WHAT IT SHOWS",
        example="alt k7 A cat asleep on a chair",
        help="Say what a picture shows, for those who cannot see it; without ID as a reply to it or to my words of it. "
        "With nothing behind ID, what follows “alt:” in the text is taken out of it for that.",
        work=alt,
        visible=has_account,
    ),
)
