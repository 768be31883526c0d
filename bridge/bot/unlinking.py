"""The verb unlink: giving up one's own right to an account, or, as its only owner, taking it from the whole team.

It knows who is left, and what ends with whom. What becomes of waiting posts is ``leaving``'s.
"""

from collections.abc import Sequence
from dataclasses import replace

from bridge.bot import leaving
from bridge.bot.accounts import bare, named
from bridge.bot.asked import Asked, Command, House, Where, has_account
from bridge.bot.notices import notify
from bridge.bot.reviewing import look_again
from bridge.bot.words import number
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Account, Identity, OfferState, Policy, PostState, Role

_MOST_NAMED = 5
_ALL = "all"
"""Behind unlink: for everybody, not for oneself alone."""


def unlink(tx: Tx, asked: Asked, house: House) -> None:
    """Give up one's right to an account, or take it from everybody."""
    account, everybody = _meant(tx, asked, house)
    own = tx.accounts.own(account.id, asked.sender)
    if own is None:
        raise UsageError(f"You use {account.at} by being in a room that it is shared with. Leave that to give it up.")
    ended = _end_team(tx, asked, account, own[0], house) if everybody else 0
    tx.accounts.revoke(account.id, asked.sender)
    tx.shares.end_recovery(account.id, asked.sender)
    others = tx.accounts.people(account.id)
    if not others:
        _end_shares(tx, account)
    role = tx.accounts.role(account.id, asked.sender)
    look_again(tx, account.id, house, asked.now)
    words = [f"Unlinked {account.at}: you can no longer post as it here."]
    if role is not None:
        words = [f"Unlinked {account.at}: you are only {role.value} of it now, by being in a room with that role."]
    words += _to_others(tx, asked, account, own[0], house) if others else _to_nobody(tx, asked, account)
    left = "others are linked to it" if others else "its token is revoked"
    tx.log.add(
        asked.sender, "unlink", room=asked.room, account_id=account.id, detail=account.at, outcome=left, at=asked.now
    )
    words += [f"{number(ended, 'waiting post')} of its team will not go out."] if ended else []
    words += _settled(tx, asked, account, role, house)
    asked.reply(tx, " ".join(words))


def _to_others(tx: Tx, asked: Asked, account: Account, own: Role, house: House) -> list[str]:
    """The team keeps the account; whom that concerns is told. Gives the words for who leaves."""
    team = tx.accounts.people(account.id)
    owners = [who for who, role in team if role is Role.OWNER]
    gone = f"{asked.sender.name}, {own.value} of {account.at}, has unlinked it."
    notify(tx, owners, gone, key=f"{asked.message.id}-gone")
    words = ["The others in its team keep their roles, and can go on posting as it."]
    if own is Role.OWNER and not owners:
        words.append(
            f"Nobody owns it here now: whoever links it next does, also you with {house.prefix}link. To end it for"
            f" all, link it again and say {house.prefix}unlink {account.at} {_ALL}."
        )
        _tell_unowned(tx, asked, account, [who for who, _ in team], house)
    return words


def _to_nobody(tx: Tx, asked: Asked, account: Account) -> list[str]:
    """Nobody is left: the token goes."""
    sealed = tx.accounts.sealed(account.id)
    if sealed is not None:
        tx.links.revoke(account.id, sealed, asked.now)
        tx.accounts.seal(account.id, None)
    return ["Nobody uses it here any more, so I forget its token and have it revoked."]


def _settled(tx: Tx, asked: Asked, account: Account, role: Role | None, house: House) -> list[str]:
    """What becomes of their default and of their posts. ``role``: what they still have by a room."""
    words = list[str]()
    why = f"{asked.sender.name} unlinked {account.at}"
    stays = role is not None and role.may_post
    stopped = 0 if stays else leaving.stop_posts(tx, asked, asked.sender, account, why, house)
    if tx.accounts.default(asked.sender) == account.id and role is None:
        tx.accounts.set_default(asked.sender, None)  # by their own word
        rest = [other.at for other, _ in tx.accounts.usable_by(asked.sender)]
        if len(rest) == 1:
            words.append(f"When you name no account, you speak as {rest[0]} now.")
    if stopped:
        words.append(f"{number(stopped, 'waiting post')} of yours will not go out.")
    unsure = [post for post in tx.posts.in_state(PostState.UNKNOWN, account.id) if post.author == asked.sender]
    if unsure:
        words.append(f"Of {', '.join(post.label for post in unsure[:_MOST_NAMED])} nobody knows whether it is out.")
    return words


def _end_team(tx: Tx, asked: Asked, account: Account, own: Role, house: House) -> int:
    """Take the account from everybody else; how many posts of theirs waited. Raises UsageError where that is not for
    them to do.
    """
    others = [(who, role) for who, role in tx.accounts.people(account.id) if who != asked.sender]
    if own is not Role.OWNER or any(role is Role.OWNER for _, role in others):
        only = "only an owner can take it from all" if own is not Role.OWNER else "others own it too"
        raise UsageError(f"Nothing was unlinked: {only}. To give up your own right: {house.prefix}unlink {account.at}")
    why = f"{asked.sender.name} unlinked {account.at} for all"
    _end_shares(tx, account)
    for who, role in others:
        tx.accounts.revoke(account.id, who)
        tx.shares.end_recovery(account.id, who)
        tx.log.add(
            asked.sender, "unshare", room=asked.room, account_id=account.id,
            detail=f"{account.at} {who.name}, was {role.value}", outcome="taken away", at=asked.now,
        )  # fmt: skip
    stopped = leaving.stop_posts(tx, asked, None, account, why, house)
    notify(tx, [who for who, _ in others], f"{why}: nobody can post as it here now.", key=f"{asked.message.id}-ended")
    return stopped


def _tell_unowned(tx: Tx, asked: Asked, account: Account, team: Sequence[Identity], house: House) -> None:
    words = (
        f"{asked.sender.name}, the last owner of {account.at}, has unlinked it: nobody can make approvers or set a"
        f" policy now. Whoever links it next owns it here: {house.prefix}link, in private, and log in there as"
        f" {account.at}."
    )
    notify(tx, team, words, key=f"{asked.message.id}-unowned")


def _end_shares(tx: Tx, account: Account) -> None:
    """Nobody is left who could answer for what rooms and offers let people do."""
    for room, _ in tx.shares.rooms(account.id):
        tx.shares.take(account.id, room)
    for offer in tx.shares.open_offers(account_id=account.id):
        tx.shares.save_offer(replace(offer, state=OfferState.WITHDRAWN))
    tx.policies.put(account.id, Policy())  # whoever links it next decides anew, and shows nothing to an old room


def _meant(tx: Tx, asked: Asked, house: House) -> tuple[Account, bool]:
    """The account to unlink: the one named, else the only one; never a default. And whether for all. Raises
    UsageError.
    """
    mine: list[tuple[Account, Role]] = tx.accounts.usable_by(asked.sender)
    rest = asked.text.split()
    everybody = bool(rest) and rest[-1].lower() == _ALL
    said = asked.account if asked.account is not None else " ".join(rest[: len(rest) - everybody])
    if said and bare(said):
        return named(mine, said, house)[0], everybody
    if everybody:
        raise UsageError(f"Say which one: {house.prefix}unlink @ACCOUNT {_ALL}")
    if not mine:
        raise UsageError("You have no linked account.")
    if len(mine) > 1:
        handles = ", ".join(account.at for account, _ in mine)
        raise UsageError(f"You have {handles}. Say which one: {house.prefix}unlink {mine[0][0].at}")
    return mine[0][0], False


COMMANDS = (
    Command(
        name="unlink",
        usage="unlink [@ACCOUNT [all]]",
        help="Give up your right to an account; the last one to go has its token revoked. With “all” its only owner"
        " takes it from the whole team.",
        example="unlink @acme",
        work=unlink,
        where=Where.DM,
        visible=has_account,
    ),
)
