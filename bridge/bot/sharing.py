"""The verbs share and unshare.

It knows who may give which role to whom. A person gets one only when they take it (see ``accepting``). A room's members
have it while they are members and the room is invite-only: the store looks at that whenever a role is asked for.
"""

from dataclasses import dataclass, replace

from bridge.bot import accounts, leaving, recovering
from bridge.bot.asked import Asked, Command, House, Need, Standing, has_account
from bridge.bot.limits import DAY
from bridge.bot.notices import notify
from bridge.bot.reviewing import look_again
from bridge.bot.teams import place
from bridge.bot.words import number, quote
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Account, Identity, OfferState, Role, Room, Speech

MOST_OFFERS_A_DAY = 50
"""People that somebody can have asked in 24 hours: each is a private message that nobody called for."""
_MOST_WORDS = 20
_HERE, _ME = "room", "me"
_BEFORE_ROLE = ("as", "to")
_LESSER = (Role.POSTER, Role.CONTRIBUTOR)

MEANS = {
    Role.OWNER: "everything is theirs to do",
    Role.APPROVER: "they post, and approve what others draft",
    Role.POSTER: "they post",
    Role.CONTRIBUTOR: "they draft, and an approver lets it through",
}


def may_give(giver: Role | None, role: Role) -> bool:
    """Whether somebody with ``giver`` may give ``role``, or take it away."""
    return giver is Role.OWNER or (giver is Role.APPROVER and role in _LESSER)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What was asked for: the account, the asker's role on it, whom it is about as typed, and the role, if one was."""

    account: Account
    mine: Role
    said: str
    role: Role | None


def _read(tx: Tx, asked: Asked, house: House, *, roles: bool) -> _Wish:
    """Raises UsageError: not of that form, or an account that they have no role on."""
    words = asked.text.split(maxsplit=_MOST_WORDS)
    if asked.account is not None:
        words.insert(0, "@" + asked.account)
    words = _mentioned(asked, words)
    usage = house.how(asked.verb)
    role = None
    if len(words) == 4 and words[2].lower() in _BEFORE_ROLE:
        del words[2]
    if roles and len(words) == 3:
        word = words.pop().lower()
        role = next((known for known in Role if known.value == word), None)
        if role is None:
            raise UsageError(f"A role is one of: {', '.join(known.value for known in Role)}. {usage}")
    if len(words) != 2:
        raise UsageError(usage)
    account, mine = accounts.named(tx.accounts.usable_by(asked.sender), words[0], house)
    return _Wish(account, mine, words[1], role)


def _mentioned(asked: Asked, words: list[str]) -> list[str]:
    """``words`` with the whole name in the place of a display name, where the client says whom it stands for."""
    mentions = asked.message.mentions
    if len(mentions) != 1 or len(words) < 2 or words[1].lower() in (_HERE, _ME) or words[1] in asked.facts.names:
        return words
    role = [word for word in words[-1:] if len(words) > 2 and word.lower() in [known.value for known in Role]]
    return [words[0], mentions[0].name, *role]


def _whom(tx: Tx, asked: Asked, wish: _Wish, house: House) -> Identity | Room:
    """Who is meant: by what the network says, or by what stands in the team. Raises UsageError."""
    word = wish.said.lower()
    if word == _HERE:
        return asked.room
    if word == _ME:
        return asked.sender
    found = asked.facts.names.get(wish.said)
    if found is not None:
        return found
    shares = tx.shares
    known: list[Identity | Room] = [who for who, _ in tx.accounts.people(wish.account.id)]
    known += [room for room, _ in shares.rooms(wish.account.id)]
    known += [offer.to for offer in shares.open_offers(account_id=wish.account.id)]
    for one in known:
        if (one.name if isinstance(one, Identity) else one.id) == wish.said and one.network == asked.room.network:
            return one
    if asked.facts.trouble:
        raise UsageError(asked.facts.trouble)
    raise UsageError(
        f"I know nobody called {quote(wish.said)}. Write the whole name, as in @ana:example.org (they see theirs with"
        f" {house.prefix}whoami), or {_HERE} for the room that we are in."
    )


# ---------------------------------------------------------------- share


def share(tx: Tx, asked: Asked, house: House) -> None:
    """Give a person or this room a role on an account, or another one than they have."""
    wish = _read(tx, asked, house, roles=True)
    if not wish.mine.may_approve:
        raise UsageError(f"Only an owner or approver of {wish.account.at} can share it; you are {wish.mine.value}.")
    whom = _whom(tx, asked, wish, house)
    if isinstance(whom, Room):
        _share_room(tx, asked, house, wish, whom)
    else:
        _share_person(tx, asked, house, wish, whom)
    recovering.owner_acted(tx, asked, wish.account, wish.mine, house)
    look_again(tx, wish.account.id, house, asked.now)


def _check_giving(wish: _Wish, role: Role, current: Role | None) -> None:
    if not may_give(wish.mine, role):
        raise UsageError(f"As {wish.mine.value} you can give the roles poster and contributor, not {role.value}.")
    if current is not None and not may_give(wish.mine, current):
        raise UsageError(f"Only an owner can change the role of an {current.value}.")


def _share_room(tx: Tx, asked: Asked, house: House, wish: _Wish, room: Room) -> None:
    account, role = wish.account, wish.role or Role.CONTRIBUTOR
    here = room == asked.room
    if asked.message.direct if here else not (tx.shares.is_closed(room) and tx.shares.is_in(room, asked.sender)):
        raise UsageError(f"Say it in the room that is meant: {house.prefix}share {account.at} {_HERE} {role.value}")
    if role is Role.OWNER:
        raise UsageError("A room cannot own an account: whoever can invite people there would own it. Name a person.")
    current = dict(tx.shares.rooms(account.id)).get(room)
    _check_giving(wish, role, current)
    if not tx.shares.is_closed(room):
        raise UsageError(
            "I share an account only with a room that is invite-only: into this one, anybody can come,"
            " or I do not know yet. Make it invite-only, and say it again."
        )
    tx.shares.give(account.id, room, role, asked.now)
    _note(tx, asked, "share", account, f"the room {room.id} as {role.value}", "given")
    means = f"{role.value} of {account.at} now: {MEANS[role]}"
    if not here:
        tx.answers.add(room, Speech.TEXT, f"Whoever is in this room is {means}. {asked.sender.name} wants it so.")
    asked.reply(
        tx,
        f"Whoever is in {place(asked, room)} is {means}. It ends when they leave,"
        f" and for all when the room is not invite-only any more"
        f" · {house.prefix}unshare {account.at} {_HERE if here else wish.said}",
    )


def _share_person(tx: Tx, asked: Asked, house: House, wish: _Wish, who: Identity) -> None:
    account, own = wish.account, tx.accounts.own(wish.account.id, who)
    if own is None:
        _offer(tx, asked, wish, who)
        return
    current = own[0]
    if wish.role is None or wish.role is current:
        what = f" To change that: {house.prefix}share {account.at} {who.name} ROLE" if wish.role is None else ""
        raise UsageError(f"{_subject(asked, who)} {current.value} of {account.at} already.{what}")
    if who == asked.sender and wish.role.rank > current.rank:
        raise UsageError("You cannot give yourself more than you have.")
    _check_giving(wish, wish.role, None if who == asked.sender else current)
    if current is Role.OWNER:
        _check_last(tx, asked, house, account, who)
    tx.accounts.grant(account.id, who, wish.role, asked.now)
    _end_offers(tx, account, who)
    if wish.role is Role.OWNER:
        tx.shares.end_recovery(account.id, who)
    _note(tx, asked, "share", account, f"{who.name} as {wish.role.value}, was {current.value}", "given")
    asked.reply(tx, f"{_subject(asked, who)} {wish.role.value} of {account.at} now: {MEANS[wish.role]}.")
    if who != asked.sender:
        words = f"{asked.sender.name} has made you {wish.role.value} of {account.at}; you were {current.value}."
        notify(tx, [who], words, key=asked.message.id)


def _offer(tx: Tx, asked: Asked, wish: _Wish, who: Identity) -> None:
    account, role = wish.account, wish.role or Role.POSTER
    if who == asked.sender:
        raise UsageError("You cannot give a role to yourself.")
    _check_giving(wish, role, None)
    waiting = next((o for o in tx.shares.open_offers(who, account.id)), None)
    if waiting is not None:
        _check_giving(wish, role, waiting.role)
        if waiting.role is role:
            raise UsageError(
                f"{who.name} was asked already whether they want to be {role.value} of {account.at}, and is silent."
            )
    if tx.shares.offers_since(asked.sender, asked.now - DAY) >= MOST_OFFERS_A_DAY:
        raise UsageError(f"You have shared with {MOST_OFFERS_A_DAY} people in 24 hours, and that is the limit.")
    message = asked.message
    tx.shares.offer(account.id, who, role, asked.sender, asked.room, message.id, message.thread, asked.now)
    _note(tx, asked, "share", account, f"{who.name} as {role.value}", "offered")
    asked.reply(
        tx,
        f"I ask {who.name} in private whether they want to be {role.value} of {account.at}."
        " Until they take it, they are not.",
    )


def _subject(asked: Asked, who: Identity) -> str:
    return "You are" if who == asked.sender else f"{who.name} is"


def _note(tx: Tx, asked: Asked, verb: str, account: Account, whom: str, outcome: str) -> None:
    """Put the deed into the log."""
    tx.log.add(
        asked.sender, verb, room=asked.room, account_id=account.id, detail=f"{account.at} {whom}", outcome=outcome,
        at=asked.now
    )  # fmt: skip


# ---------------------------------------------------------------- unshare


def unshare(tx: Tx, asked: Asked, house: House) -> None:
    """Take a person's or a room's role away; anybody may give up their own."""
    wish = _read(tx, asked, house, roles=False)
    whom: Identity | Room = asked.sender
    if wish.said.lower() != _ME and wish.said != asked.sender.name:
        if not wish.mine.may_approve:
            raise UsageError(
                f"Only an owner or approver of {wish.account.at} can do that; you are {wish.mine.value}."
                f" To give up your own role: {house.prefix}unshare {wish.account.at} {_ME}"
            )
        whom = _whom(tx, asked, wish, house)
    if isinstance(whom, Room):
        _unshare_room(tx, asked, wish, whom)
    else:
        _unshare_person(tx, asked, house, wish, whom)
    recovering.owner_acted(tx, asked, wish.account, wish.mine, house)
    look_again(tx, wish.account.id, house, asked.now)


def _unshare_room(tx: Tx, asked: Asked, wish: _Wish, room: Room) -> None:
    account, current = wish.account, dict(tx.shares.rooms(wish.account.id)).get(room)
    name = place(asked, room)
    name = name[0].upper() + name[1:]
    if current is None:
        raise UsageError(f"{name} has no role on {account.at}.")
    _check_giving(wish, Role.CONTRIBUTOR, current)
    tx.shares.take(account.id, room)
    _note(tx, asked, "unshare", account, f"the room {room.id}, was {current.value}", "taken away")
    asked.reply(tx, f"{name} has no role on {account.at} any more. What its members had by name, they keep.")


def _unshare_person(tx: Tx, asked: Asked, house: House, wish: _Wish, who: Identity) -> None:
    account, own = wish.account, tx.accounts.own(wish.account.id, who)
    if own is None:
        _withdraw(tx, asked, wish, who)
        return
    if who != asked.sender:
        _check_giving(wish, Role.CONTRIBUTOR, own[0])
    _check_last(tx, asked, house, account, who)
    tx.accounts.revoke(account.id, who)
    _end_offers(tx, account, who)
    tx.shares.end_recovery(account.id, who)
    _note(tx, asked, "unshare", account, f"{who.name}, was {own[0].value}", "taken away")
    left = tx.accounts.role(account.id, who)
    words = f"{_subject(asked, who)} not {own[0].value} of {account.at} any more"
    why = f"{asked.sender.name} ended the role of {who.name} on {account.at}"
    stopped = 0 if left else leaving.stop_posts(tx, asked, who, account, why, house)
    if left:
        words += f", but still {left.value} by being in a room"
    elif stopped:
        whose = "yours" if who == asked.sender else "theirs"
        words += f". {number(stopped, 'waiting post')} of {whose} will not go out"
    asked.reply(tx, f"{words}.")
    if who != asked.sender:
        still = f" You are still {left.value} of it by being in a room." if left else ""
        notify(tx, [who], f"{asked.sender.name} has ended your role on {account.at}.{still}", key=asked.message.id)


def _end_offers(tx: Tx, account: Account, who: Identity) -> None:
    """What they have by name was decided anew: an offer from before (they linked it meanwhile) does not stand."""
    for offer in tx.shares.open_offers(who, account.id):
        tx.shares.save_offer(replace(offer, state=OfferState.WITHDRAWN))


def _withdraw(tx: Tx, asked: Asked, wish: _Wish, who: Identity) -> None:
    """There is no role of their own: perhaps an offer, perhaps one by a room."""
    account = wish.account
    offer = next((offer for offer in tx.shares.open_offers(who, account.id)), None)
    if offer is not None:
        _check_giving(wish, Role.CONTRIBUTOR, offer.role)
        tx.shares.save_offer(replace(offer, state=OfferState.WITHDRAWN))
        _note(tx, asked, "unshare", account, f"{who.name} as {offer.role.value}", "offer withdrawn")
        asked.reply(tx, f"Withdrawn: {who.name} cannot take that role on {account.at} any more.")
        return
    rooms = tx.shares.through(account.id, who)
    if rooms:
        raise UsageError(
            f"{_subject(asked, who)} {rooms[0][1].value} of {account.at} by being in {place(asked, rooms[0][0])}."
            " It ends when they leave it, or when the room loses its role."
        )
    raise UsageError(f"{who.name} has no role on {account.at}.")


def _check_last(tx: Tx, asked: Asked, house: House, account: Account, who: Identity) -> None:
    """Somebody must own the account, or at least be there to unlink it."""
    people = dict(tx.accounts.people(account.id))
    role = people.pop(who)
    if people and (role is not Role.OWNER or Role.OWNER in people.values()):
        return
    last = "the last owner" if role is Role.OWNER else "the last one in the team"
    raise UsageError(
        f"{_subject(asked, who)} {last} of {account.at}. Make somebody else owner first:"
        f" {house.prefix}share {account.at} WHO owner; or give it up with {house.prefix}unlink {account.at}, for"
        f" the whole team with {house.prefix}unlink {account.at} all, in a private chat with me."
    )


def _may_share(standing: Standing) -> bool:
    return any(role.may_approve for _, role in standing.accounts)


COMMANDS = (
    Command(
        name="share",
        usage="share @ACCOUNT WHO|room [ROLE]",
        example="share @acme @ben:example.org poster",
        help="Let a person, or whoever is in this invite-only room, use an account as approver, poster or contributor;"
        " a person can be made owner too. Without a role a person becomes poster, a room contributor.",
        work=share,
        needs=Need.NAMES,
        visible=_may_share,
    ),
    Command(
        name="unshare",
        usage="unshare @ACCOUNT WHO|room|me",
        example="unshare @acme @ben:example.org",
        help="Take a role away; your own you can always give up.",
        work=unshare,
        needs=Need.NAMES | Need.ROOMS,
        blind=True,  # who is in the team is known without the network
        visible=has_account,
    ),
)
