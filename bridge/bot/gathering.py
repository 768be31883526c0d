"""What becomes of a share, and of an approval room, when the room changes: who is in it, whether anybody can come in,
where it moved.

It knows what networks tell of rooms. Who may give a room what, is another's business.
"""

from dataclasses import replace

from bridge.bot.asked import Facts, House
from bridge.bot.notices import notify
from bridge.bot.recovering import owners
from bridge.bot.reviewing import look_again
from bridge.interfaces import Tx
from bridge.model import Account, Gathering, Room, RoomLost, RoomMoved, Speech


def lost(tx: Tx, event: RoomLost, house: House, now: float) -> None:
    """The bot is not in it any more. What the room was given stays, and holds for nobody until the bot is back."""
    tx.shares.scatter(event.room)
    _look_again(tx, event.room, house, now)


def concerns(tx: Tx, room: Room) -> bool:
    """Whether anything would change if that room opened."""
    return bool(tx.shares.of_room(room) or tx.policies.of_room(room))


def gathered(tx: Tx, event: Gathering, facts: Facts, house: House, now: float) -> None:
    """Keep who is in a room. One that is open loses what it was given, for good: whoever walked in meanwhile would have
    it once it is closed again.
    """
    tx.shares.gather(event.room, event.members, closed=event.closed, encrypted=event.encrypted)
    _look_again(tx, event.room, house, now)
    if not event.closed:
        _close_off(tx, event.room, event.id, facts.called(event.room), house, now)


def moved(tx: Tx, event: RoomMoved, facts: Facts, house: House, now: float) -> None:
    """What was given to the old room is the new one's, if that is not open."""
    tx.shares.move_room(event.room, event.successor)
    if tx.shares.is_closed(event.successor) is False:
        _close_off(tx, event.successor, event.id, facts.called(event.successor), house, now)


def _look_again(tx: Tx, room: Room, house: House, now: float) -> None:
    """Approvers may have come or gone with it."""
    for account_id, role in tx.shares.of_room(room):
        if role.may_approve:
            look_again(tx, account_id, house, now)


def _close_off(tx: Tx, room: Room, key: str, called: str, house: House, now: float) -> None:
    given, shown = tx.shares.of_room(room), tx.policies.of_room(room)
    for account_id, role in given:
        tx.shares.take(account_id, room)
        account = tx.accounts.get(account_id)
        if account is None:
            continue
        detail = f"{account.at} the room {room.id}, was {role.value}"
        tx.log.add(None, "unshare", room=room, account_id=account_id, detail=detail, outcome="not invite-only", at=now)
        words = f"The room {called} is not invite-only any more, so it has lost its role on {account.at}: {role.value}."
        notify(tx, owners(tx, account_id), words, key=f"{key}-{account_id}")
    for account_id in shown:
        account = tx.accounts.get(account_id)
        if account is not None:
            _hide(tx, account, room, key, called, house, now)
    ends = ["what was shared with it is not shared any more"] * bool(given)
    ends += ["drafts from elsewhere are not shown here any more"] * bool(shown)
    if ends:  # no names: by now, anybody may read along
        tx.answers.add(room, Speech.TEXT, f"This room is not invite-only any more, so {', and '.join(ends)}.")


def _hide(tx: Tx, account: Account, room: Room, key: str, called: str, house: House, now: float) -> None:
    """The approval room of that account is one no more."""
    tx.policies.put(account.id, replace(tx.policies.of(account.id), room=None))
    detail = f"room=none (was {room.id})"
    tx.log.add(None, "policy", room=room, account_id=account.id, detail=detail, outcome="not invite-only", at=now)
    words = (
        f"The room {called} is not invite-only any more, and anybody could read the drafts of {account.at} there. So I"
        f" show them there no more. To have them shown in an invite-only room, say there:"
        f" {house.prefix}policy {account.at} room=here"
    )
    notify(tx, owners(tx, account.id), words, key=f"{key}-{account.id}-drafts")
    look_again(tx, account.id, house, now)
