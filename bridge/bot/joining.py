"""An account that a person has proved to hold joins the house: one decision, within one transaction.

It knows roles, token pairs and defaults. It asks no network and no publisher.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from bridge.bot.linking import ended
from bridge.bot.notices import notify
from bridge.interfaces import Tx
from bridge.model import Account, Identity, Linked, PendingLink, Role, Room, Speech
from bridge.vault import Vault, VaultError, account_purpose

log = structlog.get_logger(__name__)


def same(tx: Tx, link: PendingLink) -> bool:
    """Whether the attempt is still where it was when ``link`` was read: not dropped, voided or replaced since."""
    now = tx.links.get(link.id)
    return now is not None and now.state is link.state and now.pin == link.pin


def say(tx: Tx, link: PendingLink, room: Room, words: str) -> None:
    """Tell the person in ``room``. The first time, where that is not the room they asked in, say so there."""
    here = room == link.origin
    target, thread = (link.message_id, link.thread) if here else (None, None)
    tx.answers.add(room, Speech.TEXT, words, target=target, thread=thread, mention=link.identity)
    if link.room is None and not here:
        tx.answers.add(
            link.origin,
            Speech.TEXT,
            "I have written to you in private.",
            target=link.message_id,
            thread=link.thread,
            mention=link.identity,
        )


def join(tx: Tx, link: PendingLink, linked: Linked, vault: Vault, *, prefix: str, now: float) -> bool:
    """Record what ``link`` has proved, and say it. False, and nothing done, when the attempt was dropped meanwhile."""
    if not same(tx, link):
        return False
    account = tx.accounts.put(link.publisher, linked.remote_id, linked.handle)
    others = [other.id for other, _ in tx.accounts.usable_by(link.identity) if other.id != account.id]
    owners = [who for who, role in tx.accounts.people(account.id) if role is Role.OWNER]
    own = tx.accounts.own(account.id, link.identity)
    role = None if own is None else own[0]
    team = [who for who, _ in tx.accounts.people(account.id) if who != link.identity]
    again = own is not None and own[1]
    joins = bool(owners) and (role is None or not role.may_post)
    if joins:
        role = Role.POSTER
    elif role is None or not owners:
        role = Role.OWNER  # nobody owns it, and this person holds it
    tx.accounts.grant(account.id, link.identity, role, now, linked=True)
    _keep_pair(tx, account, linked, vault, now)
    if account.broken:
        tx.accounts.save(replace(account, broken=""))
    if not others and tx.accounts.default(link.identity) != account.id:  # an old one would be lost by now
        tx.accounts.set_default(link.identity, account.id)
    tx.links.save(ended(link))
    tx.log.add(
        link.identity, "link", room=link.room, account_id=account.id, detail=account.at, outcome=role.value, at=now
    )
    shared = bool(owners) and link.identity not in owners
    say(
        tx,
        link,
        link.room or link.origin,
        _welcome(account, role, shared=shared and not again, team=bool(team), prefix=prefix),
    )
    if shared and not again:
        _tell(tx, link, account, owners, prefix)
    elif not owners and team:
        words = f"{link.identity.name} has linked {account.at}, which nobody owned here, and owns it now."
        notify(tx, team, words, key=f"{link.id}-owns")
    return True


def _keep_pair(tx: Tx, account: Account, linked: Linked, vault: Vault, now: float) -> None:
    """Seal the new pair in the place of the old one. The old one is to be revoked only if it is another: a publisher
    may give the same pair again, and that one is in use.
    """
    purpose = account_purpose(account.publisher, account.remote_id)
    old = tx.accounts.sealed(account.id)
    tx.accounts.seal(account.id, vault.seal_credentials(linked.credentials, purpose=purpose))
    tx.links.keep(account.id)
    if old is None:
        return
    try:
        differs = vault.open_credentials(old, purpose=purpose) != linked.credentials
    except VaultError as error:
        log.warning("the pair before cannot be opened and is not revoked", account=account.id, error=str(error))
    else:
        if differs:
            tx.links.revoke(account.id, old, now)


def _welcome(account: Account, role: Role, *, shared: bool, team: bool, prefix: str) -> str:
    """``shared``: others own it, and hear of it; ``team``: others have a role on it."""
    words = f"Linked {account.at}."
    if shared:
        words += f" Others own it here, and are told; you are {role.value}. If they are away for good, you can say"
        words += f" {prefix}recover {account.at}."
    elif role is Role.OWNER and team:
        words += f" You own it here, and others may use it: {prefix}team {account.at} shows who."
    return f"{words} Next, in any room where I am: {prefix}tweet{account.at} hello"


def _tell(tx: Tx, link: PendingLink, account: Account, owners: Sequence[Identity], prefix: str) -> None:
    words = (
        f"{link.identity.name} has linked {account.at} too and may post as it from now on: they logged in there."
        " If that is not as you want it, change the password there, and take their role away:"
        f" {prefix}unshare {account.at} {link.identity.name}"
    )
    notify(tx, owners, words, key=str(link.id))
