"""The verbs show and edit: looking at what waits, and changing it, by its name.

It knows who may do so. What a change means for approvals is ``editing``'s.
"""

from dataclasses import replace

from bridge.bot import editing, pictures, previewing, waiting
from bridge.bot.asked import Asked, Command, House, Standing
from bridge.bot.posting import check_characters
from bridge.bot.words import quote, subject
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Action, Post, PostState


def show(tx: Tx, asked: Asked, house: House) -> None:
    """Say what a post holds and where it stands. Reactions on that decide nothing."""
    _, post, _ = _named(tx, asked, house)
    if post.action is Action.DELETE:
        raise UsageError(f"{post.label} is an undo; there is nothing to show.")
    words = previewing.body(tx, post, house, previewing.version(tx, post), live=False)
    asked.reply(tx, words, post_id=post.id)


def edit(tx: Tx, asked: Asked, house: House) -> None:
    """Give a post that has not gone out other words."""
    part_id, post, text = _named(tx, asked, house)
    part = tx.posts.get(part_id) or post
    _check(tx, asked, post, part, house)
    text, media = pictures.described(text, part.draft.media, keep=True)
    draft = replace(part.draft, text=text, media=media)
    account = tx.accounts.get(part.account_id)
    publisher = house.publishers.get(account.publisher) if account else None
    if account is None or publisher is None:
        raise UsageError(f"{part.label} cannot be changed: its account is gone.")
    check_characters(text)
    publisher.check(draft, premium=account.premium)
    if draft == part.draft:
        raise UsageError(f"{part.label} says just that already.")
    root = editing.change(tx, part, draft, asked.sender, asked.room, house, asked.now)
    if root.content:
        current = previewing.name(root.id, previewing.version(tx, root))
        asked.reply(tx, f"Changed {part.label}: it is {current} now and waits for approval.", post_id=root.id)
    else:
        now = tx.posts.get(part.id) or part
        asked.reply(tx, f"Changed {part.label}, {subject(now)}: {_stands(now)}.", post_id=part.id)


def _stands(post: Post) -> str:
    return {
        PostState.SCHEDULED: "it still goes out at its time",
        PostState.QUEUED: "it goes out",
        PostState.HELD: "not posted, it waits for its author's word",
    }.get(post.state, post.state.value)


def _named(tx: Tx, asked: Asked, house: House) -> tuple[int, Post, str]:
    """The id that was named, the row (of a thread: its first part), and what follows. Raises UsageError."""
    waiting.no_account(asked, house)
    read = waiting.read_id(asked.text)
    if read is None:
        raise UsageError(f"Which one? {house.prefix}{house.verbs[asked.verb].usage}")
    post_id, number, rest = read
    post = waiting.visible(tx, post_id, asked.sender)
    if post is None:
        raise UsageError(f"I know no post {quote(asked.text.split()[0])} that you may {asked.verb}.")
    if number is not None and number != previewing.version(tx, post):
        raise UsageError(waiting.changed(post, previewing.version(tx, post), asked.verb, house))
    return post_id, post, rest


def _check(tx: Tx, asked: Asked, post: Post, part: Post, house: House) -> None:
    """Whether the sender may change this part now. Raises UsageError."""
    role = tx.accounts.role(post.account_id, asked.sender)
    if role is None:
        raise UsageError(f"{part.label} stays as it is: you may not use its account any more.")
    if post.author != asked.sender and not (role.may_approve and post.content):
        raise UsageError(f"You may not change {part.label}: only its author may, and approvers while it is a draft.")
    if part.action is not Action.POST:
        raise UsageError(f"{part.label} has no text that could be changed.")
    if not editing.unsent(tx, post):
        state = "not posted" if post.state is PostState.FAILED else post.state.value
        raise UsageError(f"It is too late to change {part.label}: it is {state}.")


def _has_accounts(standing: Standing) -> bool:
    return bool(standing.accounts)


COMMANDS = (
    Command(
        name="show",
        usage="show ID",
        example="show k7",
        help="Show a draft or a post, and where it stands.",
        work=show,
        visible=_has_accounts,
    ),
    Command(
        name="edit",
        usage="edit ID TEXT",
        example="edit k7 Good evening!",
        help="Change what has not gone out yet; approvals that it had are void then.",
        work=edit,
        visible=_has_accounts,
    ),
)
