"""The verb policy: what a team decided about its account. Any role reads it, an owner sets it.

It knows the keys, their values and how both are said. What follows from a policy is decided where it applies.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from bridge.bot import accounts
from bridge.bot.asked import Asked, Command, House, Need, Standing
from bridge.bot.reviewing import look_again
from bridge.bot.words import quote
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Account, Policy, Role, Room, Speech
from bridge.pricing import DOLLAR, money

MOST_APPROVALS = 5
LONGEST_HOLD = 3600.0
"""Seconds. Who wants more schedules the post."""
_MOST_SHOWN = 5
_DEAREST = 1_000_000

_SWITCH = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
_LIMITS = {True: "25,000", False: "280"}
_NOTHING = ("none", "off", "0", "no")
_UNITS = {"": 1.0, "s": 1.0, "sec": 1.0, "seconds": 1.0, "m": 60.0, "min": 60.0, "minutes": 60.0, "h": 3600.0}
_SPAN = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([a-z]{0,8})")
_SETTING = re.compile(r"([^\s=]+)\s*=\s*(\S+)")


@dataclass(frozen=True, slots=True)
class Terms:
    """All that is decided about one account."""

    account: Account
    policy: Policy


@dataclass(frozen=True, slots=True)
class _Key:
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


KEYS: Mapping[str, _Key] = {
    "approvals": _Key(
        "a number from 1 to 5",
        "how many approvers must let a draft through",
        lambda terms: str(terms.policy.approvals),
        _approvals,
    ),
    "approvals_from": _Key(
        "contributors or everyone",
        "whose posts are drafts first",
        lambda terms: terms.policy.approvals_from,
        _approvals_from,
    ),
    "approve_by": _Key(
        "reaction or command",
        "whether ✅ on the preview is enough, which Matrix never encrypts",
        lambda terms: terms.policy.approve_by,
        _approve_by,
    ),
    "room": _Key(
        "here, none, or the address of another room such as #press:example.org",
        "where drafts made in private are shown too",
        lambda terms: "none" if terms.policy.room is None else terms.policy.room.id,
        _room,
    ),
    "hold": _Key(
        "a time such as 20s or 2min, at most 1h, or none",
        "how long a post waits, in which undoing costs nothing",
        lambda terms: lasting(terms.policy.hold),
        _hold,
    ),
    "budget": _Key(
        "dollars a month, such as 5 or 7.50, or none",
        "what the account's posts may cost in a calendar month (UTC)",
        lambda terms: money(terms.policy.budget) if terms.policy.budget else "none",
        _budget,
    ),
    "links": _Key(
        "allow or ask",
        "whether a post with an address in it, which is dear, is asked about first",
        lambda terms: terms.policy.links,
        _links,
    ),
    "alt": _Key(
        "off, ask or require",
        "whether a post with a picture that has no alt text is asked about first, or never goes out",
        lambda terms: terms.policy.alt,
        _alt,
    ),
    "premium": _Key(
        "on or off",
        "posts of 25,000 characters instead of 280, for X Premium accounts",
        lambda terms: "on" if terms.account.premium else "off",
        _premium,
    ),
}


# ---------------------------------------------------------------- the verb


def policy(tx: Tx, asked: Asked, house: House) -> None:
    """Show or set how an account is treated."""
    handle, settings, key = _arguments(asked, house)
    account, role = accounts.named(tx.accounts.usable_by(asked.sender), handle, house)
    before = Terms(account, tx.policies.of(account.id))
    if not settings:
        words = _explained(before, key, asked, house) if key else _shown(before, asked, house)
        asked.reply(tx, words)
        return
    if role is not Role.OWNER:
        raise UsageError(f"Only an owner of {account.at} can change that; you are {role.value}.")
    after = before
    for key, value in settings.items():
        after = _set(after, key, value, asked)
    room = after.policy.room
    if room is not None and room != before.policy.room:
        _check_room(tx, asked, room, account, house)
        if room != asked.room:
            words = f"Drafts of {account.at} that are made in private are shown here from now on"
            tx.answers.add(room, Speech.TEXT, f"{words}: {asked.sender.name} wants it so.")
    _keep(tx, asked, before, after)
    moved = look_again(tx, account.id, house, asked.now) if after.policy != before.policy else []
    more = len(moved) - _MOST_SHOWN
    rest = [f"And so for {more} more: {house.prefix}queue shows what waits."] if more > 0 else []
    asked.reply(tx, " ".join((_said(tx, before, after, asked, house), *moved[:_MOST_SHOWN], *rest)))


def _check_room(tx: Tx, asked: Asked, room: Room, account: Account, house: House) -> None:
    """Whether drafts may be shown there from now on. Of a room where the sender is not, nothing is told."""
    closed = tx.shares.is_closed(room)
    if room == asked.room:
        if closed is False:
            raise UsageError(
                "Anybody can come into this room and read the drafts. Make it invite-only, and say it again."
            )
    elif not closed or not tx.shares.is_in(room, asked.sender):
        raise UsageError(
            f"I know no invite-only room {asked.called(room)} where both of us are. Go there, invite me, and say:"
            f" {house.prefix}policy {account.at} room=here"
        )


def _arguments(asked: Asked, house: House) -> tuple[str, dict[str, str], str]:
    """The handle, and the settings by their keys, as typed; or a key that they ask about."""
    words = asked.text
    handle = asked.account
    if handle is None:
        handle, words = [*words.split(maxsplit=1), "", ""][:2]
    settings = {key.lower().replace("-", "_"): value.strip("\"'“”") for key, value in _SETTING.findall(words)}
    rest = _SETTING.sub("", words).strip().lower().replace("-", "_")
    key = rest if rest in KEYS and not settings else ""
    if not accounts.bare(handle) or "=" in handle or rest != key:
        raise UsageError(f"Write it like this: {house.prefix}{house.verbs['policy'].usage}")
    return handle, settings, key


def _set(terms: Terms, key: str, value: str, asked: Asked) -> Terms:
    known = KEYS.get(key)
    if known is None:
        raise UsageError(f"There is no policy {quote(key)}; there are: {', '.join(KEYS)}.")
    try:
        return known.read(terms, value.lower(), asked)
    except ValueError as error:
        raise UsageError(f"{key} is {known.takes}, not {quote(value)}. It says {known.means}.") from error


def _changes(before: Terms, after: Terms) -> list[tuple[str, str, str]]:
    """(key, value before, value now) of what differs."""
    shown = ((key, known.show(before), known.show(after)) for key, known in KEYS.items())
    return [(key, old, new) for key, old, new in shown if old != new]


def _keep(tx: Tx, asked: Asked, before: Terms, after: Terms) -> None:
    changes = _changes(before, after)
    if not changes:
        return
    if after.account != before.account:
        tx.accounts.save(after.account)
    tx.policies.put(after.account.id, after.policy)
    tx.log.add(
        asked.sender,
        "policy",
        room=asked.room,
        account_id=after.account.id,
        detail=", ".join(f"{key}={new} (was {old})" for key, old, new in changes),
        outcome="set",
        at=asked.now,
    )


def _explained(terms: Terms, key: str, asked: Asked, house: House) -> str:
    """What one key is for, and what it takes."""
    known, at = KEYS[key], terms.account.at
    now = f"{at}: {key}={_called(key, known.show(terms), terms, asked)}"
    how = f"{house.prefix}policy {at} {key}=VALUE"
    return f"{now}. It says {known.means}. An owner sets it: {how}, where VALUE is {known.takes}."


def _shown(terms: Terms, asked: Asked, house: House) -> str:
    shown = ", ".join(f"{key}={_called(key, known.show(terms), terms, asked)}" for key, known in KEYS.items())
    how = f"{house.prefix}policy {terms.account.at}"
    return (
        f"{terms.account.at}: {shown} ({_LIMITS[terms.account.premium]} characters)."
        f" What one is for: {how} hold · to set it: {how} hold=20s"
    )


def _called(key: str, value: str, terms: Terms, asked: Asked) -> str:
    """The value as it is told in ``asked.room``: a room by its name."""
    room = terms.policy.room
    if key != "room" or room is None:
        return value
    return "here" if room == asked.room else asked.called(room) or "another room"


def _said(tx: Tx, before: Terms, after: Terms, asked: Asked, house: House) -> str:
    changes = [
        (key, _called(key, old, before, asked), _called(key, new, after, asked))
        for key, old, new in _changes(before, after)
    ]
    at = after.account.at
    if not changes:
        return f"{at}: it was so already."
    words = f"{at}: " + ", ".join(f"{key}={new} (was {old})" for key, old, new in changes) + "."
    if any(key == "premium" for key, _, _ in changes):
        words += f" A post may have {_LIMITS[after.account.premium]} characters."
    if any(key in ("approvals", "approvals_from") for key, _, _ in changes):
        words += _enough(tx, after, house)
    return words


def _enough(tx: Tx, terms: Terms, house: House) -> str:
    """A word when some drafts could never be let through: nobody approves their own."""
    approvers = sum(role.may_undo_others for _, role in tx.accounts.team(terms.account.id))
    own = terms.policy.approvals_from == "everyone"
    if approvers - own >= terms.policy.approvals:
        return ""
    mind = f" Mind that only {approvers} in the team can approve{', and nobody their own draft' if own else ''}."
    return f"{mind} To add one: {house.prefix}share {terms.account.at} WHO approver"


def _has_account(standing: Standing) -> bool:
    return bool(standing.accounts)


COMMANDS = (
    Command(
        name="policy",
        usage="policy @ACCOUNT [KEY=VALUE]",
        example="policy @acme hold=20s",
        help=f"Show how an account is treated; its owners can set {', '.join(KEYS)}.",
        work=policy,
        needs=Need.NAMES | Need.ROOMS,
        visible=_has_account,
    ),
)
