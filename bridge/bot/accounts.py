"""Which account somebody speaks for. Nobody learns here of an account that they may not use.

It knows handles, roles and defaults. It never falls back to another account than the one that was meant.
"""

from collections.abc import Sequence

from bridge.bot.asked import Asked, House
from bridge.bot.words import quote
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Account, OfferState, Role

Usable = Sequence[tuple[Account, Role]]
"""The accounts that a person may use, by handle."""


def bare(handle: str) -> str:
    """A handle as it is compared: without ``@`` and case."""
    return handle.strip().removeprefix("@").casefold()


def find(mine: Usable, handle: str) -> tuple[Account, Role] | None:
    """The account called ``handle`` among ``mine``, or the one with that id at its publisher.

    Raises UsageError when several of them are called so (a handle can move to another account, and live at two
    publishers).
    """
    wanted = bare(handle)
    found = [pair for pair in mine if pair[0].handle.casefold() == wanted]
    if not found:
        found = [pair for pair in mine if pair[0].remote_id == wanted]
    if len(found) > 1:
        ways = " or ".join(f"@{account.remote_id} ({account.publisher})" for account, _ in found)
        raise UsageError(f"Several of your accounts are called @{wanted}. Name it by its number: {ways}.")
    return found[0] if found else None


def named(mine: Usable, handle: str, house: House) -> tuple[Account, Role]:
    """As ``find``; raises UsageError also when there is none: the same words whether it exists or not."""
    if not bare(handle):
        raise UsageError(f"Which account? Write its handle right behind the @. {house.prefix}accounts lists yours.")
    found = find(mine, handle)
    if found is None:
        said = quote("@" + handle.strip().removeprefix("@"))
        raise UsageError(
            f"You have no account {said} here. {house.prefix}accounts lists yours; {house.prefix}link adds one."
        )
    return found


def pick(tx: Tx, asked: Asked, house: House, mine: Usable) -> tuple[Account, Role]:
    """The account that ``asked`` speaks for: the one named, else the room's default, else the person's own, else their
    only one. Raises UsageError, in words for the person.
    """
    if asked.account is not None:
        return named(mine, asked.account, house)
    if not mine:
        raise UsageError(none_yet(tx, asked, house))
    example = f"{house.prefix}{asked.verb}@{mine[0][0].handle}"
    default = tx.accounts.default(asked.room)
    if default is not None:
        return _of_id(mine, default) or _refuse(
            f"This room speaks for an account that you may not use. Name one of yours: {example} …"
        )
    default = tx.accounts.default(asked.sender)
    if default is not None:
        return _of_id(mine, default) or _refuse(
            f"You may not use your default account any more. Name another: {example} … or choose one:"
            f" {house.prefix}use {mine[0][0].at}"
        )
    if len(mine) > 1:
        handles = ", ".join(account.at for account, _ in mine)
        _refuse(f"Which account? You have {handles}. Name one: {example} … or choose a default with {house.prefix}use.")
    return mine[0]


def none_yet(tx: Tx, asked: Asked, house: House) -> str:
    """The sentence for somebody who has no account here, and how they come to one. Which one they are offered, is told
    in private.
    """
    for offer in tx.shares.open_offers(to=asked.sender):
        account = tx.accounts.get(offer.account_id)
        if account is None or offer.state is not OfferState.ASKED:
            continue
        if not asked.message.direct:
            return "You have no account here yet, but I have asked you in private whether you want one: look there."
        how = f"To take it: {house.prefix}accept {account.at}"
        return f"You have no account here yet. {offer.by.name} asked whether you want {account.at}. {how}"
    how = f"Link one first: write {house.prefix}link to me in private"
    return f"You have no account here yet. {how}; or ask an owner of one to share it with you."


def _of_id(mine: Usable, account_id: int) -> tuple[Account, Role] | None:
    return next((pair for pair in mine if pair[0].id == account_id), None)


def _refuse(words: str) -> tuple[Account, Role]:
    raise UsageError(words)
