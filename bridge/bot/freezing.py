"""The verbs freeze and unfreeze: an account's owners and approvers stop every send, and let it go on.

The queue stays as it is. It knows who may do that and whom to tell; holding the sends back is the outbox's.
"""

from dataclasses import replace

from bridge import pricing
from bridge.bot import accounts
from bridge.bot.asked import Asked, Command, House, Standing
from bridge.bot.waiting import hold_anew, is_held
from bridge.bot.words import number, span
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Account, Action, Identity, Post, PostState, Room, Speech

_WAITING = (PostState.QUEUED, PostState.SCHEDULED, PostState.HELD, PostState.DRAFT)
_NAMED = 5
"""How many waiting posts are named to their author; of more, the number is said."""
_REST = {PostState.SCHEDULED: "goes out at its time", PostState.DRAFT: "waits for approval as before"}
"""What becomes, when a freeze is lifted, of what does not go out then."""


def freeze(tx: Tx, asked: Asked, house: House) -> None:
    """Stop everything that the account would send. What is on its way already may still arrive."""
    account = _meant(tx, asked, house, "freeze")
    if account.frozen:
        asked.reply(tx, f"{account.at} is frozen already, by {by(account)}: nothing goes out.")
        return
    tx.accounts.save(replace(account, frozen=str(asked.sender)))
    waiting = _waiting(tx, account)
    _log(tx, asked, account, "freeze", waiting)
    underway = len(tx.posts.in_state(PostState.SENDING, account.id))
    words = f"{account.at} is frozen: nothing goes out, and what waits stays ({_count(waiting)})."
    if underway:
        words += f" {number(underway, 'post')} had left already."
    lift = f"An owner or approver lets it go on: {house.prefix}unfreeze {account.at}"
    asked.reply(tx, f"{words} What is out can still be undone. {lift}")
    _tell(tx, asked, waiting, f"{asked.sender.name} has frozen {account.at}, so this waits:", house)


def unfreeze(tx: Tx, asked: Asked, house: House) -> None:
    """Let the account send again. What has grown too old meanwhile is asked about by the usual rule."""
    account = _meant(tx, asked, house, "unfreeze")
    if not account.frozen:
        asked.reply(tx, f"{account.at} is not frozen.")
        return
    tx.accounts.save(replace(account, frozen=""))
    fresh = asked.now - house.stale_after
    waiting = [hold_anew(tx, post, house, asked.now) for post in _waiting(tx, account)]
    _log(tx, asked, account, "unfreeze", waiting)
    words = f"{account.at} goes on ({_count(waiting)})."
    if waiting:
        words += f" What was said more than {span(house.stale_after)} ago is asked about first."
    going: dict[str, list[Post]] = {}
    for post in waiting:
        if post.state is PostState.QUEUED and post.fresh_at >= fresh:
            when = f"in {span(post.due_at - asked.now)}" if is_held(post, asked.now) else "now"
            going.setdefault(when, []).append(post)
    for when, posts in going.items():
        words += f" {_named(posts, house)} {'goes' if len(posts) == 1 else 'go'} out {when}."
    words += f" To stop one: {house.prefix}undo ID" if going else ""
    asked.reply(tx, words)
    lifted = f"{asked.sender.name} has lifted the freeze of {account.at}."
    for when, posts in going.items():
        _tell(tx, asked, posts, f"{lifted} This goes out {when}:", house)
    rest = [post for post in waiting if not any(post in posts for posts in going.values())]
    for state, fate in _REST.items():
        _tell(tx, asked, [post for post in rest if post.state is state], f"{lifted} This {fate}:", house)
    _tell(tx, asked, [post for post in rest if post.state not in _REST], f"{lifted} This waits for a word:", house)


def by(account: Account) -> str:
    """Who froze the account, as people know them."""
    return account.frozen.partition(":")[2]


def _meant(tx: Tx, asked: Asked, house: House, verb: str) -> Account:
    """The account that is named, else the one that speaks here. Raises UsageError: not theirs, or not their part."""
    mine = tx.accounts.usable_by(asked.sender)
    said = asked.text.split()
    if said and asked.account is None and len(said) == 1:
        account, role = accounts.named(mine, said[0], house)
    elif said:
        raise UsageError(house.how(verb))
    else:
        account, role = accounts.pick(tx, asked, house, mine)
    if not role.may_undo_others:
        raise UsageError(f"Only an owner or approver of {account.at} can {verb} it; you are {role.value}.")
    return account


def _waiting(tx: Tx, account: Account) -> list[Post]:
    found = [post for state in _WAITING for post in tx.posts.in_state(state, account.id)]
    return sorted((post for post in found if post.action is not Action.DELETE), key=lambda post: post.id)


def _count(waiting: list[Post]) -> str:
    return f"{number(len(waiting), 'post')} waiting" if waiting else "nothing waits"


def _named(posts: list[Post], house: House) -> str:
    """Their labels, and what they cost where that is not the usual price."""
    some = [(post.label, pricing.said(post.cost, house.prices)) for post in posts[:_NAMED]]
    named = ", ".join(f"{label} ({price})" if price else label for label, price in some)
    return named + (f" and {len(posts) - _NAMED} more" if len(posts) > _NAMED else "")


def _log(tx: Tx, asked: Asked, account: Account, verb: str, waiting: list[Post]) -> None:
    tx.log.add(
        asked.sender,
        verb,
        room=asked.room,
        account_id=account.id,
        detail=account.at,
        outcome=_count(waiting),
        at=asked.now,
    )


def _tell(tx: Tx, asked: Asked, waiting: list[Post], words: str, house: House) -> None:
    """Say it to everybody else whose post waits, once in each room."""
    people: dict[tuple[Identity, Room], list[Post]] = {}
    for post in waiting:
        if post.author != asked.sender:
            people.setdefault((post.author, post.room), []).append(post)
    for (author, room), posts in people.items():
        only = posts[0] if len(posts) == 1 else None
        tx.answers.add(
            room,
            Speech.TEXT,
            f"{words} {_named(posts, house)}.",
            target=only.message_id if only else None,
            thread=posts[0].thread,
            mention=author,
            post_id=only.id if only else None,
        )


def _may_freeze(standing: Standing) -> bool:
    return any(role.may_undo_others for _, role in standing.accounts)


COMMANDS = (
    Command(
        name="freeze",
        usage="freeze [@ACCOUNT]",
        example="freeze @acme",
        help="Stop everything that the account would send; its queue stays.",
        work=freeze,
        ageless=True,  # late is better than never
        visible=_may_freeze,
    ),
    Command(
        name="unfreeze",
        usage="unfreeze [@ACCOUNT]",
        example="unfreeze @acme",
        help="Let a frozen account send again.",
        work=unfreeze,
        visible=_may_freeze,
    ),
)
