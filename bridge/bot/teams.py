"""The verb team, and where a role comes from: by name, or by being in a room.

It knows which rooms may be told of where. Who may give which role is ``sharing``'s business.
"""

from bridge.bot import accounts, recovering
from bridge.bot.asked import Asked, Command, House, Need, has_account
from bridge.bot.words import number
from bridge.interfaces import Tx
from bridge.model import Account, Identity, Role, Room

_MOST_SHOWN = 40


def team(tx: Tx, asked: Asked, house: House) -> None:
    """List who may do what on an account."""
    mine = tx.accounts.usable_by(asked.sender)
    said = asked.account if asked.account is not None else asked.text.strip()
    account, role = accounts.named(mine, said, house) if said else accounts.pick(tx, asked, house, mine)
    lines = [f"{who.name}: {theirs.value}" for who, theirs in tx.accounts.people(account.id)]
    rooms = tx.shares.rooms(account.id)
    for room, theirs in rooms:
        works = "" if tx.shares.is_closed(room) else " (not now: I do not see that it is invite-only)"
        lines.append(f"whoever is in {place(asked, room)}: {theirs.value}{works}")
    if role.may_approve:
        offers = tx.shares.open_offers(account_id=account.id)
        lines += [f"{offer.to.name}: asked to be {offer.role.value}, no answer yet" for offer in offers]
    lines += recovering.told(tx, account, house)
    if len(lines) > _MOST_SHOWN:
        lines[_MOST_SHOWN:] = [f"and {number(len(lines) - _MOST_SHOWN, 'more line')}"]
    if any(room != asked.room for room, _ in rooms) and not asked.message.direct:
        lines.append("Which other rooms those are, I tell in private only.")
    asked.reply(tx, "\n".join([f"The team of {account.at}:", *lines]))


def place(asked: Asked, room: Room) -> str:
    """How ``room`` is called in a sentence said there."""
    if room == asked.room:
        return "this room"
    called = asked.called(room)
    return f"the room {called}" if called else "another room"


def rooms_of(tx: Tx, who: Identity) -> set[Room]:
    """The rooms with a role on an account that ``who`` may use, or where its drafts are shown."""
    mine = [account.id for account, _ in tx.accounts.usable_by(who)]
    shown = {room for account_id in mine if (room := tx.policies.of(account_id).room) is not None}
    return shown | {room for account_id in mine for room, _ in tx.shares.rooms(account_id)}


def by_room(tx: Tx, asked: Asked, account: Account, role: Role) -> str:
    """Where the asker's role comes from, for behind its name: nothing, if it was given to them by name. Which room it
    is, is said in that room and in private only.
    """
    own = tx.accounts.own(account.id, asked.sender)
    rooms = tx.shares.through(account.id, asked.sender)
    if (own is not None and own[0] is role) or not rooms:
        return ""
    if any(room == asked.room and theirs is role for room, theirs in rooms):
        return " by being in this room"
    return f" by being in {place(asked, rooms[0][0])}"


COMMANDS = (
    Command(
        name="team",
        usage="team [@ACCOUNT]",
        example="team @acme",
        help="List who may do what on an account.",
        work=team,
        needs=Need.ROOMS,
        visible=has_account,
    ),
)
