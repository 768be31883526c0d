"""What becomes of a share when its room changes: who is in it, whether anybody can come in, where it moved.

It knows what networks tell of rooms. Who may give a room what, is another's business.
"""

from bridge.bot.notices import notify
from bridge.bot.recovering import owners
from bridge.interfaces import Tx
from bridge.model import Gathering, Room, RoomLost, RoomMoved, Speech


def lost(tx: Tx, event: RoomLost) -> None:
    """The bot is not in it any more. What the room was given stays, and holds for nobody until the bot is back."""
    tx.shares.scatter(event.room)


def gathered(tx: Tx, event: Gathering, now: float) -> None:
    """Keep who is in a room. One that is open loses what it was given, for good: whoever walked in meanwhile would have
    it once it is closed again.
    """
    tx.shares.gather(event.room, event.members, closed=event.closed)
    if not event.closed:
        _close_off(tx, event.room, event.id, now)


def moved(tx: Tx, event: RoomMoved, now: float) -> None:
    """What was given to the old room is the new one's, if that is not open."""
    tx.shares.move_room(event.room, event.successor)
    if tx.shares.is_closed(event.successor) is False:
        _close_off(tx, event.successor, event.id, now)


def _close_off(tx: Tx, room: Room, key: str, now: float) -> None:
    given = tx.shares.of_room(room)
    for account_id, role in given:
        tx.shares.take(account_id, room)
        account = tx.accounts.get(account_id)
        if account is None:
            continue
        detail = f"{account.at} the room {room.id}, was {role.value}"
        tx.log.add(None, "unshare", room=room, account_id=account_id, detail=detail, outcome="not invite-only", at=now)
        words = (
            f"The room {room.id} is not invite-only any more, so it has lost its role on {account.at}: {role.value}."
        )
        notify(tx, owners(tx, account_id), words, key=f"{key}-{account_id}")
    if given:  # no names: by now, anybody may read along
        words = "This room is not invite-only any more, so what was shared with it is not shared any more."
        tx.answers.add(room, Speech.TEXT, words)
