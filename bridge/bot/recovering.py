"""The verbs recover and object: how somebody who holds an account comes to own it here when its owners are away.

They proved to hold it when they linked it. Every owner is told, and any of them can say no for a week.
"""

from datetime import UTC, datetime

from bridge.bot import accounts
from bridge.bot.asked import Asked, Command, House, Standing, has_account
from bridge.bot.limits import DAY
from bridge.bot.notices import notify
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Account, Identity, Recovery, Role

WAIT = 7 * DAY
"""Seconds that the owners have to object, and that an objection holds."""
_SCOPE = "recovering"
"""Of the notes of when an owner objected, by account and person."""


def date(when: float) -> str:
    """A day and a time to the minute, in UTC."""
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M} UTC"


def owners(tx: Tx, account_id: int) -> list[Identity]:
    """Who owns the account, longest first."""
    return [who for who, role in tx.accounts.people(account_id) if role is Role.OWNER]


def _account(tx: Tx, asked: Asked, house: House) -> tuple[Account, Role]:
    said = asked.account if asked.account is not None else asked.text.strip()
    return accounts.named(tx.accounts.usable_by(asked.sender), said, house)


def recover(tx: Tx, asked: Asked, house: House) -> None:
    """Begin to become an owner."""
    account, role = _account(tx, asked, house)
    own = tx.accounts.own(account.id, asked.sender)
    if role is Role.OWNER:
        raise UsageError(f"You own {account.at} already.")
    if own is None or not own[1]:
        raise UsageError(
            f"Only somebody who linked {account.at} themselves can recover it. Write {house.prefix}link to me in"
            " private, and log in there with that account."
        )
    present = owners(tx, account.id)
    if not present:
        raise UsageError(
            f"Nobody owns {account.at} here. Write {house.prefix}link to me in private and log in there once more:"
            " then it is yours at once."
        )
    running = next((r for r in tx.shares.recoveries(account.id) if r.who == asked.sender), None)
    if running is not None:
        raise UsageError(f"You become owner of {account.at} at {date(running.due_at)}, unless an owner objects.")
    _check_objection(tx, asked, account, house)
    due, message = asked.now + WAIT, asked.message
    tx.shares.recover(Recovery(account.id, asked.sender, asked.room, message.id, message.thread, due))
    _note(tx, asked, account, f"becomes owner at {date(due)}", "begun")
    asked.reply(tx, f"Every owner of {account.at} is told. If none objects, you become owner at {date(due)}.")
    notify(
        tx,
        present,
        f"{asked.sender.name}, who has linked {account.at} too, wants to own it here, and will at {date(due)}."
        f" If you do not want that, say {house.prefix}object {account.at} before then.",
        key=asked.message.id,
    )


def _check_objection(tx: Tx, asked: Asked, account: Account, house: House) -> None:
    """An owner's no holds as long as they had to say it. Raises UsageError."""
    kept = tx.notes.get(_SCOPE, _key(account, asked.sender))
    until = 0.0 if kept is None else float(kept) + WAIT
    if asked.now < until:
        raise UsageError(
            f"An owner of {account.at} has objected to that, so you cannot ask again before {date(until)}. An owner can"
            f" make you one at any time: {house.prefix}share {account.at} {asked.sender.name} owner"
        )


def _key(account: Account, who: Identity) -> str:
    return f"{account.id} {who}"


def object_to(tx: Tx, asked: Asked, house: House) -> None:
    """An owner says no."""
    account, role = _account(tx, asked, house)
    if role is not Role.OWNER:
        raise UsageError(f"Only an owner of {account.at} can object; you are {role.value}.")
    running = tx.shares.recoveries(account.id)
    if not running:
        raise UsageError(f"Nobody wants to recover {account.at}.")
    _stop(tx, asked, account, house)
    asked.reply(tx, f"Stopped: {', '.join(r.who.name for r in running)} will not own {account.at}, and hears so.")


def told(tx: Tx, account: Account, house: House) -> list[str]:
    """For the account's team: who is to own it soon, and what an owner can do about that."""
    return [
        f"{recovery.who.name} becomes owner of {account.at} at {date(recovery.due_at)}, unless an owner says"
        f" {house.prefix}object {account.at}"
        for recovery in tx.shares.recoveries(account.id)
    ]


def owner_acted(tx: Tx, asked: Asked, account: Account, role: Role, house: House) -> None:
    """Whoever shares an account as its owner is not away: that ends each recovery too."""
    if role is Role.OWNER and tx.shares.recoveries(account.id):
        _stop(tx, asked, account, house)


def _stop(tx: Tx, asked: Asked, account: Account, house: House) -> None:
    people = [recovery.who for recovery in tx.shares.recoveries(account.id)]
    tx.shares.end_recovery(account.id)
    for who in people:
        tx.notes.put(_SCOPE, _key(account, who), repr(asked.now).encode("ascii"))
    _note(tx, asked, account, ", ".join(who.name for who in people), "objected")
    notify(
        tx,
        [who for who in people if who != asked.sender],
        f"{asked.sender.name}, an owner of {account.at}, objects: you do not become owner."
        f" What you may do is as before; {house.prefix}team {account.at} shows it.",
        key=f"{asked.message.id}-recovery",
    )


def _note(tx: Tx, asked: Asked, account: Account, what: str, outcome: str) -> None:
    tx.log.add(
        asked.sender, "recover", room=asked.room, account_id=account.id, detail=f"{account.at} {what}",
        outcome=outcome, at=asked.now
    )  # fmt: skip


def settle(tx: Tx, now: float) -> None:
    """Make those owners whose week is over. Who lost their right meanwhile gets nothing."""
    for recovery in tx.shares.recoveries(due=now):
        who, account = recovery.who, tx.accounts.get(recovery.account_id)
        tx.shares.end_recovery(recovery.account_id, who)
        own = tx.accounts.own(recovery.account_id, who)
        if account is None or own is None or not own[1]:
            continue
        others = [other for other in owners(tx, account.id) if other != who]
        tx.accounts.grant(account.id, who, Role.OWNER, now)
        tx.log.add(
            who, "recover", room=recovery.origin, account_id=account.id, detail=account.at, outcome="owner", at=now
        )
        key = f"recovered-{account.id}-{recovery.due_at}"
        notify(tx, [who], f"No owner of {account.at} has objected: you own it now.", key=f"{key}-own")
        notify(tx, others, f"{who.name} owns {account.at} too now: nobody has objected.", key=key)


def _owns_one(standing: Standing) -> bool:
    return any(role is Role.OWNER for _, role in standing.accounts)


COMMANDS = (
    Command(
        name="recover",
        usage="recover @ACCOUNT",
        example="recover @acme",
        help="Become owner of an account that you linked, in 7 days, unless one of its owners objects.",
        work=recover,
        visible=has_account,
    ),
    Command(
        name="object",
        usage="object @ACCOUNT",
        example="object @acme",
        help="Stop somebody who wants to own your account too.",
        work=object_to,
        ageless=True,
        visible=_owns_one,
    ),
)
