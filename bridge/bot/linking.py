"""What people say about linking: ``link``, the PIN, ``cancel``. Decisions within a transaction.

It knows who may start, prove and drop a link, and where a PIN may be said. It asks no network and no publisher: what it
decides stands in the store, and the linker carries it out.
"""

import re
from dataclasses import replace

from bridge.bot.asked import Asked, Command, House, Need, Where
from bridge.bot.words import moment
from bridge.errors import UsageError
from bridge.interfaces import Privacy, Tx
from bridge.model import LinkState, PendingLink, Speech
from bridge.vault import pin_purpose

VALID = 900.0
"""Seconds from the address to the PIN."""
HOUR = 3600.0
MOST_AN_HOUR = 5
"""Addresses a person can get in an hour. Those that follow a refused PIN count too, as each is a chance to guess."""

_PIN = re.compile(r"[0-9]{7}")

UNENCRYPTED = (
    "This conversation is not encrypted: whoever runs the homeserver could read the PIN along."
    " Turn encryption on here, or write to me in an encrypted private chat."
)
SHARED = "Others are in this room, are invited to it, or can walk in: they could use the address or the PIN."
"""The reasons why a conversation is not private enough."""


def ended(link: PendingLink) -> PendingLink:
    """The attempt as it is kept when it is over: without its secrets."""
    return replace(link, state=LinkState.ENDED, request=None, pin=None, due_at=0.0)


def expires(link: PendingLink) -> float:
    """Until when a WAITING link takes its PIN."""
    return link.due_at or link.started_at + VALID


# ---------------------------------------------------------------- link and cancel


def _link(tx: Tx, asked: Asked, house: House) -> None:
    private = _is_private(asked, house)
    since = asked.now - HOUR
    if tx.links.count_since(asked.sender, since) >= MOST_AN_HOUR:
        raise UsageError(
            f"You have asked for {MOST_AN_HOUR} addresses within an hour, and that is the limit."
            f" The next one is possible at {moment(_next_time(tx, asked), asked.now)}."
        )
    message, room = asked.message, asked.room if private else None
    tx.links.add(asked.sender, house.publisher.name, asked.room, message.id, message.thread, room, asked.now)


def _next_time(tx: Tx, asked: Asked) -> float:
    """When the limit frees a place, to the second; found by halving, since only counts can be asked for."""
    early, late = asked.now, asked.now + HOUR
    while late - early > 1.0:
        middle = (early + late) / 2
        full = tx.links.count_since(asked.sender, middle - HOUR) >= MOST_AN_HOUR
        early, late = (middle, late) if full else (early, middle)
    return late


def _is_private(asked: Asked, house: House) -> bool:
    """Whether the link can go on right here; False: the linker opens a DM. Raises UsageError in a bad DM."""
    privacy = asked.facts.privacy
    if privacy is Privacy.PRIVATE:
        return True
    if privacy is Privacy.UNENCRYPTED:
        raise UsageError(f"Nothing was linked. {UNENCRYPTED}")
    if asked.message.direct:
        raise UsageError(f"Nothing was linked. {SHARED} Say {house.prefix}link in a private chat with me alone.")
    return False


def _cancel(tx: Tx, asked: Asked, house: House) -> None:
    link = tx.links.pending(asked.sender)
    if link is None:
        raise UsageError(f"No link is waiting, so there is nothing to drop. {house.prefix}link starts one.")
    tx.links.save(ended(link))
    asked.reply(tx, "Dropped: the address and its PIN count for nothing any more.")


# ---------------------------------------------------------------- the PIN


def pin_said(tx: Tx, asked: Asked, house: House) -> bool:
    """Deal with seven digits that somebody said, bare or behind ``pin``. False when they mean nothing to us.

    Only the person whose link waits can prove it, and only in its own DM; said by them anywhere else, the attempt is
    thrown away, because others may have seen the PIN.
    """
    link = tx.links.pending(asked.sender)
    if link is None or link.state is LinkState.ASKED:
        return _not_waiting(tx, asked, house, link)
    if asked.room != link.room:
        why = "The PIN belongs in the private chat where I gave you the address: here, others may have seen it."
        _void(tx, asked, link, f"{why} Say {house.prefix}link to start anew.")
    elif link.state is LinkState.PROVING:
        _hide(tx, asked, "I am still trying the PIN that you sent before.")
    elif asked.now > expires(link):
        tx.links.save(ended(link))
        asked.reply(tx, f"That PIN came too late: an address is valid for 15 minutes. Say {house.prefix}link anew.")
    elif asked.facts.privacy is Privacy.PRIVATE:
        _prove(tx, asked, house, link)
    elif asked.facts.privacy is None:
        trouble = asked.facts.trouble or "I cannot find out now whether we are alone here."
        asked.reply(tx, f"{trouble} The PIN was not used: say it again in a minute.")
    else:
        reason = UNENCRYPTED if asked.facts.privacy is Privacy.UNENCRYPTED else SHARED
        _void(tx, asked, link, f"{reason} Say {house.prefix}link to start anew where we are alone.")
    return True


def _not_waiting(tx: Tx, asked: Asked, house: House, link: PendingLink | None) -> bool:
    """Digits without an address to match. In a DM, somebody who tried to link within the hour is told."""
    if not asked.message.direct or not tx.links.count_since(asked.sender, asked.now - HOUR):
        return False
    if link is None:
        words = f"No link is waiting for a PIN. Say {house.prefix}link for a new address."
    else:
        words = "A new address is on its way; this PIN belongs to an older one and was not used."
    asked.reply(tx, words)
    return True


def _prove(tx: Tx, asked: Asked, house: House, link: PendingLink) -> None:
    match = _PIN.fullmatch(asked.text.strip())
    if match is None:
        asked.reply(tx, "That is no PIN: it has 7 digits and nothing else. Say it again.")
        return
    sealed = house.vault.seal(match[0].encode("ascii"), purpose=pin_purpose(link.id))
    tx.links.save(replace(link, state=LinkState.PROVING, pin=sealed, due_at=asked.now, tries=0))
    _hide(tx, asked)


def _void(tx: Tx, asked: Asked, link: PendingLink, why: str) -> None:
    tx.links.save(ended(link))
    _hide(tx, asked, f"I have thrown this attempt to link away, and nothing was linked. {why}")


def _hide(tx: Tx, asked: Asked, words: str = "") -> None:
    """Take the message with the PIN away where we may, else ask for it; and say ``words``."""
    if asked.facts.may_redact:
        tx.answers.add(asked.room, Speech.REDACTION, "", target=asked.message.id)
    else:
        words = f"{words} Please delete your message with the PIN: I may not remove it here.".lstrip()
    if words:
        asked.reply(tx, words)


def _pin(tx: Tx, asked: Asked, house: House) -> None:
    if not pin_said(tx, asked, house) and asked.message.direct:
        raise UsageError(f"No link is waiting for a PIN. {house.prefix}link starts one.")


COMMANDS: tuple[Command, ...] = (
    Command(
        name="link",
        usage="link",
        help="Link an account of yours; goes on in private.",
        example="link",
        work=_link,
        needs=Need.PRIVACY,
    ),
    Command(
        name="pin",
        usage="pin PIN",
        help="Finish linking with the 7 digits that X showed you; the digits alone do as well.",
        example="pin 1234567",
        work=_pin,
        needs=Need.PRIVACY | Need.MAY_REDACT,
        blind=True,
        ageless=True,
        visible=lambda standing: standing.direct,
    ),
    Command(
        name="cancel",
        usage="cancel",
        help="Drop the link that waits for its PIN.",
        example="cancel",
        work=_cancel,
        where=Where.DM,
        ageless=True,
    ),
)
"""The verbs of linking, in the order of the help."""
