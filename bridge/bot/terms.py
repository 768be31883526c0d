"""What a team can decide about its account: the keys, their values, and how both are said. Pure.

What follows from a policy is decided where it applies; who may set it is ``policies``' business.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from bridge.bot.asked import Asked
from bridge.model import Account, Policy, Room
from bridge.pricing import DOLLAR, money

MOST_APPROVALS = 5
LONGEST_HOLD = 3600.0
"""Seconds. Who wants more schedules the post."""
_DEAREST = 1_000_000

_SWITCH = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
_NOTHING = ("none", "off", "0", "no")
_UNITS = {"": 1.0, "s": 1.0, "sec": 1.0, "seconds": 1.0, "m": 60.0, "min": 60.0, "minutes": 60.0, "h": 3600.0}
_SPAN = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([a-z]{0,8})")


@dataclass(frozen=True, slots=True)
class Terms:
    """All that is decided about one account."""

    account: Account
    policy: Policy


@dataclass(frozen=True, slots=True)
class Key:
    """One thing to decide. ``takes``: the values, for a sentence; ``read`` raises ValueError for any other."""

    takes: str
    means: str
    show: Callable[[Terms], str]
    read: Callable[[Terms, str, Asked], Terms]


def seconds(value: str) -> float:
    """Read ``20s``, ``2min``, ``1.5h``, ``20`` or ``none``. Raises ValueError."""
    if value in _NOTHING:
        return 0.0
    match = _SPAN.fullmatch(value)
    if match is None or match[2] not in _UNITS:
        raise ValueError(value)
    return float(match[1]) * _UNITS[match[2]]


def lasting(length: float) -> str:
    """A length of time as ``seconds`` reads it: ``20s``, ``2min``, ``none``."""
    if not length:
        return "none"
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if length >= size and length % size == 0:
            return f"{length / size:g}{unit}"
    return f"{length:g}s"


# ---------------------------------------------------------------- the keys


def _approvals(terms: Terms, value: str, asked: Asked) -> Terms:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:3]) <= MOST_APPROVALS:
        raise ValueError(value)
    return replace(terms, policy=replace(terms.policy, approvals=int(value)))


def _approvals_from(terms: Terms, value: str, asked: Asked) -> Terms:
    if value == "everyone":
        return replace(terms, policy=replace(terms.policy, approvals_from="everyone"))
    if value == "contributors":
        return replace(terms, policy=replace(terms.policy, approvals_from="contributors"))
    raise ValueError(value)


def _approve_by(terms: Terms, value: str, asked: Asked) -> Terms:
    if value == "reaction":
        return replace(terms, policy=replace(terms.policy, approve_by="reaction"))
    if value == "command":
        return replace(terms, policy=replace(terms.policy, approve_by="command"))
    raise ValueError(value)


def _room(terms: Terms, value: str, asked: Asked) -> Terms:
    room = {"here": asked.room, "none": None}.get(value)
    if value not in ("here", "none"):
        found = next((what for said, what in asked.facts.names.items() if said.lower() == value), None)
        if not isinstance(found, Room):
            raise ValueError(value)
        room = found
    return replace(terms, policy=replace(terms.policy, room=room))


def _hold(terms: Terms, value: str, asked: Asked) -> Terms:
    length = seconds(value)
    if length > LONGEST_HOLD:
        raise ValueError(value)
    return replace(terms, policy=replace(terms.policy, hold=length))


def _budget(terms: Terms, value: str, asked: Asked) -> Terms:
    if value in _NOTHING:
        return replace(terms, policy=replace(terms.policy, budget=0))
    if re.fullmatch(r"\$?[0-9]{1,7}(\.[0-9]{1,6})?", value) is None:
        raise ValueError(value)
    try:
        amount = int(Decimal(value.removeprefix("$")) * DOLLAR)
    except InvalidOperation as error:
        raise ValueError(value) from error
    if not 0 < amount <= _DEAREST * DOLLAR:
        raise ValueError(value)
    return replace(terms, policy=replace(terms.policy, budget=amount))


def _links(terms: Terms, value: str, asked: Asked) -> Terms:
    if value == "tell":
        return replace(terms, policy=replace(terms.policy, links="tell"))
    if value == "allow":
        return replace(terms, policy=replace(terms.policy, links="allow"))
    if value == "ask":
        return replace(terms, policy=replace(terms.policy, links="ask"))
    raise ValueError(value)


def _alt(terms: Terms, value: str, asked: Asked) -> Terms:
    if value == "off":
        return replace(terms, policy=replace(terms.policy, alt="off"))
    if value == "ask":
        return replace(terms, policy=replace(terms.policy, alt="ask"))
    if value == "require":
        return replace(terms, policy=replace(terms.policy, alt="require"))
    raise ValueError(value)


def _premium(terms: Terms, value: str, asked: Asked) -> Terms:
    if value not in _SWITCH:
        raise ValueError(value)
    return replace(terms, account=replace(terms.account, premium=_SWITCH[value]))


KEYS: Mapping[str, Key] = {
    "approvals": Key(
        "a number from 1 to 5",
        "how many approvers must let a draft through",
        lambda terms: str(terms.policy.approvals),
        _approvals,
    ),
    "approvals_from": Key(
        "contributors or everyone",
        "whose posts are drafts first",
        lambda terms: terms.policy.approvals_from,
        _approvals_from,
    ),
    "approve_by": Key(
        "reaction or command",
        "whether ✅ on the preview is enough, which Matrix never encrypts",
        lambda terms: terms.policy.approve_by,
        _approve_by,
    ),
    "room": Key(
        "here, none, or the address of another room such as #press:example.org",
        "where drafts made elsewhere, in private too, are shown besides",
        lambda terms: "none" if terms.policy.room is None else terms.policy.room.id,
        _room,
    ),
    "hold": Key(
        "a time such as 20s or 2min, at most 1h, or none",
        "how long a post waits, in which undoing costs nothing",
        lambda terms: lasting(terms.policy.hold),
        _hold,
    ),
    "budget": Key(
        "dollars a month, such as 5 or 7.50, or none",
        "what the account's posts may cost in a calendar month (UTC)",
        lambda terms: money(terms.policy.budget) if terms.policy.budget else "none",
        _budget,
    ),
    "links": Key(
        "tell, ask or allow",
        "what comes before a post that costs more than usual, as one with a link does: its price and 10 s to stop it"
        " (tell), a question about each link (ask), or nothing (allow)",
        lambda terms: terms.policy.links,
        _links,
    ),
    "alt": Key(
        "off, ask or require",
        "whether a post with a picture that has no alt text is asked about first, or never goes out",
        lambda terms: terms.policy.alt,
        _alt,
    ),
    "premium": Key(
        "on or off",
        "posts of 25,000 characters instead of 280, for X Premium accounts",
        lambda terms: "on" if terms.account.premium else "off",
        _premium,
    ),
}
