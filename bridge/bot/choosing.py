"""The verbs about accounts: which ones I have, which one speaks for me or for this room.

Defaults change only by who may change them. It knows nothing of linking and posting.
"""

from bridge import pricing
from bridge.bot import accounts
from bridge.bot.accounts import Usable
from bridge.bot.asked import Asked, Command, House, Need, has_account
from bridge.bot.freezing import by
from bridge.bot.teams import by_room
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Account, Identity, Role, Room

_NONE = "none"


def list_accounts(tx: Tx, asked: Asked, house: House) -> None:
    """What the person can speak as, with role and health."""
    mine = tx.accounts.usable_by(asked.sender)
    if not mine:
        asked.reply(tx, accounts.none_yet(tx, asked, house))
        return
    own, here = tx.accounts.default(asked.sender), tx.accounts.default(asked.room)
    lines = [
        _line(account, role.value + by_room(tx, asked, account, role), own, here, house)
        + _spent(tx, asked, account, role)
        for account, role in mine
    ]
    asked.reply(tx, "\n".join(lines))


def _spent(tx: Tx, asked: Asked, account: Account, role: Role) -> str:
    """What the account spent this month; who has no oversight of it sees their own part."""
    if role.may_undo_others:
        words = pricing.spent_words(tx, account, asked.now)
        return f" · {words}" if words else ""
    own = pricing.spent_by(tx, account.id, asked.sender, asked.now)
    return f" · {pricing.money(own)} this month by you" if own else ""


def _line(account: Account, role: str, own: int | None, here: int | None, house: House) -> str:
    notes = [role]
    if account.id == own:
        notes.append("your default")
    if account.id == here:
        notes.append("this room's default")
    if account.premium:
        notes.append("premium")
    health = f"must be linked again: {account.broken} · {house.prefix}link" if account.broken else "works"
    if account.frozen:
        health = f"frozen by {by(account)}; {health}"
    return f"{account.at} ({', '.join(notes)}): {health}"


def whoami(tx: Tx, asked: Asked, house: House) -> None:
    """The person's identity, and the account that they speak as here."""
    words = f"You are {asked.sender.name} on {asked.sender.network}."
    mine = tx.accounts.usable_by(asked.sender)
    try:
        account, role = accounts.pick(tx, asked, house, mine)
        words += f" Here you speak as {account.at} ({role.value}{by_room(tx, asked, account, role)})."
    except UsageError as error:
        words += f" {error}"
    if asked.sender in house.admins:
        words += f" You may run the operator's commands: {house.prefix}resume ends a pause of posting."
    asked.reply(tx, words)


def use(tx: Tx, asked: Asked, house: House) -> None:
    """Set or take away a default: the person's, or the room's."""
    handle, room = _arguments(asked, house)
    mine = tx.accounts.usable_by(asked.sender)
    if handle is None:
        asked.reply(tx, _defaults(tx, asked, house, mine))
        return
    if room:
        _check_admin(asked)
    scope: Identity | Room = asked.room if room else asked.sender
    if handle == _NONE:
        old = tx.accounts.default(scope)
        had = old is not None
        tx.accounts.set_default(scope, None)
        if old is not None:
            _log(tx, asked, old, "default taken away", room=room)
        whose = "This room has" if room else "You have"
        asked.reply(tx, f"{whose} no default account {'any more' if had else 'to take away'}.")
        return
    account, role = accounts.named(mine, handle, house)
    if room and not role.may_undo_others:
        raise UsageError(
            f"Only an owner or approver of {account.at} can make it a room's default; you are {role.value}."
        )
    tx.accounts.set_default(scope, account.id)
    _log(tx, asked, account.id, account.at, room=room)
    words = f"{'This room speaks' if room else 'You speak'} as {account.at} now, when no account is named."
    here = tx.accounts.default(asked.room)
    if room:
        words += " That goes before what anybody has chosen for themselves."
    elif here is not None and here != account.id:
        words += (
            f" Not in this room, which has an account of its own: name yours here, {house.prefix}tweet{account.at} …"
        )
    asked.reply(tx, words)


def _log(tx: Tx, asked: Asked, account_id: int, detail: str, *, room: bool) -> None:
    outcome = "for this room" if room else "for themselves"
    tx.log.add(
        asked.sender, "use", room=asked.room, account_id=account_id, detail=detail, outcome=outcome, at=asked.now
    )


def _arguments(asked: Asked, house: House) -> tuple[str | None, bool]:
    """The handle (None: none given, "none": away with it) and whether it is for the room."""
    words = asked.text.split()
    if asked.account is not None:
        words.insert(0, "@" + asked.account)
    if not words:
        return None, False
    if len(words) > 2 or (len(words) == 2 and words[1].lower() != "room"):
        raise UsageError(house.how("use"))
    if words == ["room"]:
        raise UsageError(f"Which account? {house.prefix}use @acme room, or {house.prefix}use none room.")
    handle = _NONE if words[0].lower() == _NONE else "@" + words[0].removeprefix("@")
    return handle, len(words) == 2


def _check_admin(asked: Asked) -> None:
    if asked.facts.trouble:
        raise UsageError(asked.facts.trouble)
    if not asked.facts.room_admin:
        raise UsageError("Only an admin of this room can change its default account.")


def _defaults(tx: Tx, asked: Asked, house: House, mine: Usable) -> str:
    known = {account.id: account.at for account, _ in mine}
    own, here = tx.accounts.default(asked.sender), tx.accounts.default(asked.room)
    yours = "none" if own is None else known.get(own, "one that you may not use any more")
    room = "none" if here is None else known.get(here, "one that you may not use")
    return f"Your default: {yours}. This room's: {room}. To change it: {house.prefix}{house.verbs['use'].usage}"


COMMANDS = (
    Command(
        name="accounts",
        usage="accounts",
        example="accounts",
        help="List the accounts that you can speak as.",
        work=list_accounts,
        needs=Need.ROOMS,
    ),
    Command(
        name="whoami",
        usage="whoami",
        example="whoami",
        help="Show who you are to me, and as whom you speak here.",
        work=whoami,
        needs=Need.ROOMS,
    ),
    Command(
        name="use",
        usage="use @ACCOUNT|none [room]",
        example="use @acme room",
        help="Set or take away your default account, or this room's.",
        work=use,
        needs=Need.ROOM_ADMIN,
        blind=True,  # a person's own default needs nobody's leave
        visible=has_account,
    ),
)
