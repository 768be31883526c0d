"""The verbs accept and decline, and the tick or cross on an offer: a person's word about a role that they are offered.

It knows when an offer stands: while the one who made it may still give that role.
"""

from dataclasses import replace

from bridge.bot import signs
from bridge.bot.accounts import bare
from bridge.bot.asked import Asked, Command, House, Where
from bridge.bot.reviewing import look_again
from bridge.bot.sharing import MEANS, may_give
from bridge.bot.words import quote
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Account, Offer, OfferState, Reaction, Room, Speech


def accept(tx: Tx, asked: Asked, house: House) -> None:
    """Take the role that was offered."""
    offer, account = _meant(tx, asked, house)
    asked.reply(tx, take(tx, offer, account, asked.room, house, asked.now))


def decline(tx: Tx, asked: Asked, house: House) -> None:
    """Do not take it."""
    offer, account = _meant(tx, asked, house)
    asked.reply(tx, turn_down(tx, offer, account, asked.room, asked.now))


def _meant(tx: Tx, asked: Asked, house: House) -> tuple[Offer, Account]:
    said = bare(asked.account if asked.account is not None else asked.text)
    open_ = [offer for offer in tx.shares.open_offers(asked.sender) if offer.state is OfferState.ASKED]
    found = [(offer, tx.accounts.get(offer.account_id)) for offer in open_]
    offers = [(offer, account) for offer, account in found if account is not None]
    if said:
        offers = [pair for pair in offers if said in (pair[1].handle.casefold(), pair[1].remote_id)]
    if not offers:
        raise UsageError(f"Nobody offers you {quote('@' + said) if said else 'an account'} now.")
    if len(offers) > 1:
        handles = ", ".join(account.at for _, account in offers)
        raise UsageError(f"Which one? You are offered {handles}: {house.prefix}{asked.verb} {offers[0][1].at}")
    return offers[0]


def take(tx: Tx, offer: Offer, account: Account, room: Room, house: House, now: float) -> str:
    """Give the person the role, tell the one who offered it, and give the words for the person."""
    if not may_give(tx.accounts.role(account.id, offer.by), offer.role):
        tx.shares.save_offer(replace(offer, state=OfferState.WITHDRAWN))
        return f"That offer does not stand any more: {offer.by.name} may not share {account.at} now."
    own = tx.accounts.own(account.id, offer.to)
    role = offer.role if own is None else max(own[0], offer.role, key=lambda one: one.rank)
    tx.accounts.grant(account.id, offer.to, role, now)
    _settle(tx, offer, OfferState.TAKEN, account, "accept", room, now)
    look_again(tx, account.id, house, now)
    _tell(tx, offer, f"{offer.to.name} is {role.value} of {account.at} now.")
    way = f"{house.prefix}tweet{account.at} hello"
    drafts = "" if role.may_post else " What you post is shown to its approvers first, and goes out when they let it."
    return f"You are {role.value} of {account.at} now.{drafts} Next, in any room where I am: {way}"


def turn_down(tx: Tx, offer: Offer, account: Account, room: Room, now: float) -> str:
    """The person does not want it; tell the one who offered it, and give the words for the person."""
    _settle(tx, offer, OfferState.DECLINED, account, "decline", room, now)
    _tell(tx, offer, f"{offer.to.name} does not want to be {offer.role.value} of {account.at}.")
    return f"Declined: you do not become {offer.role.value} of {account.at}."


def _settle(tx: Tx, offer: Offer, state: OfferState, account: Account, verb: str, room: Room, now: float) -> None:
    tx.shares.save_offer(replace(offer, state=state))
    detail = f"{account.at} as {offer.role.value}, offered by {offer.by.name}"
    tx.log.add(offer.to, verb, room=room, account_id=account.id, detail=detail, outcome=state.value, at=now)


def _tell(tx: Tx, offer: Offer, words: str) -> None:
    target, thread = offer.message_id, offer.thread
    tx.answers.add(offer.origin, Speech.TEXT, words, target=target, thread=thread, mention=offer.by)


def ticked(tx: Tx, event: Reaction, house: House, now: float) -> None:
    """A reaction: if it is a tick or a cross of the person asked, on the words that asked them, it answers that."""
    takes = event.key in signs.TICKS
    if not takes and event.key not in signs.CROSSES:
        return
    for answer in tx.answers.of_event(event.room.network, event.target):
        offer = tx.shares.asked_by(answer.id)
        account = None if offer is None else tx.accounts.get(offer.account_id)
        if offer is None or account is None or offer.state is not OfferState.ASKED or offer.to != event.sender:
            continue
        if takes:
            words = take(tx, offer, account, event.room, house, now)
        else:
            words = turn_down(tx, offer, account, event.room, now)
        tx.answers.add(event.room, Speech.TEXT, words, target=event.target, mention=event.sender)


def words_of(offer: Offer, account: Account, prefix: str) -> str:
    """What the person is asked."""
    theirs = MEANS[offer.role].replace("they ", "you ").replace("theirs", "yours")
    verb = f"{prefix}accept {account.at}"
    return (
        f"{offer.by.name} asks whether you want to be {offer.role.value} of {account.at} on"
        f" {account.publisher.capitalize()}: {theirs}. To take it: {verb} or ✅ · if not: {prefix}decline {account.at}"
        " or ❌"
    )


COMMANDS = (
    Command(
        name="accept",
        usage="accept [@ACCOUNT]",
        example="accept @acme",
        help="Take the role that I asked you about; ✅ on my question does the same.",
        work=accept,
        where=Where.DM,
        ageless=True,
    ),
    Command(
        name="decline",
        usage="decline [@ACCOUNT]",
        example="decline @acme",
        help="Do not take it; ❌ on my question does the same.",
        work=decline,
        where=Where.DM,
        ageless=True,
    ),
)
