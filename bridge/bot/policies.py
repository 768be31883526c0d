"""The verb policy: what a team decided about its account. Any role reads it, an owner sets it.

It knows who may, and where drafts may be shown; the keys and their values are in ``terms``.
"""

import re

from bridge import pricing
from bridge.bot import accounts
from bridge.bot.asked import Asked, Command, House, Need, has_account
from bridge.bot.reviewing import look_again
from bridge.bot.terms import KEYS, Terms
from bridge.bot.words import quote
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Account, Role, Room, Speech

_MOST_SHOWN = 5
_LIMITS = {True: "25,000", False: "280"}
_SETTING = re.compile(r"([^\s=]+)\s*=\s*(\S+)")


def policy(tx: Tx, asked: Asked, house: House) -> None:
    """Show or set how an account is treated."""
    handle, settings, key = _arguments(asked, house)
    mine = tx.accounts.usable_by(asked.sender)
    account, role = accounts.named(mine, handle, house) if handle else accounts.pick(tx, asked, house, mine)
    before = Terms(account, tx.policies.of(account.id))
    if not settings:
        words = _explained(before, key, asked, house) if key else _shown(before, asked, role, house)
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
    moved = look_again(tx, account.id, house, asked.now, before.policy) if after.policy != before.policy else []
    more = len(moved) - _MOST_SHOWN
    rest = [f"And so for {more} more: {house.prefix}queue shows what waits."] if more > 0 else []
    asked.reply(tx, "\n".join((_said(tx, before, after, asked, house), *moved[:_MOST_SHOWN], *rest)))


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
        if "=" in handle or handle.lower().replace("-", "_") in KEYS:  # of the one account that is meant anyway
            handle, words = "", asked.text
    settings = {key.lower().replace("-", "_"): value.strip("\"'“”") for key, value in _SETTING.findall(words)}
    rest = _SETTING.sub("", words).strip().lower().replace("-", "_")
    key = rest if rest in KEYS and not settings else ""
    if (handle and not accounts.bare(handle)) or rest != key:
        raise UsageError(house.how("policy"))
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


def _shown(terms: Terms, asked: Asked, role: Role, house: House) -> str:
    shown = ", ".join(f"{key}={_called(key, known.show(terms), terms, asked)}" for key, known in KEYS.items())
    how = f"{house.prefix}policy {terms.account.at}"
    return f"{terms.account.at}: {shown} ({_LIMITS[terms.account.premium]} characters). What one is for: {how} hold" + (
        f" · to set it: {how} hold=20s" if role is Role.OWNER else ""
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
    if any(key == "room" for key, _, _ in changes) and after.policy.room == asked.room and asked.message.direct:
        words += " Mind that nobody but you sees the drafts here: other approvers do not."
    elif any(key == "room" for key, _, _ in changes) and after.policy.room is not None:
        words += " Whoever is in that room reads the drafts that are made elsewhere, also without a role."
    if any(key == "budget" for key, _, _ in changes) and after.policy.budget:
        words += f" Used or promised: {pricing.spent_words(tx, after.account, asked.now)}."
        gone = pricing.spent(tx, after.account.id, asked.now)
        if gone > max(after.policy.budget, pricing.spent(tx, after.account.id, asked.now, pricing.OUT)):
            words += f" That is more than the budget, so the last of what waits will fail: {house.prefix}queue"
    return words


def _enough(tx: Tx, terms: Terms, house: House) -> str:
    """A word when some drafts could never be let through: nobody approves their own."""
    approvers = sum(role.may_undo_others for _, role in tx.accounts.team(terms.account.id))
    own = terms.policy.approvals_from == "everyone"
    if approvers - own >= terms.policy.approvals:
        return ""
    mind = f" Mind that only {approvers} in the team can approve{', and nobody their own draft' if own else ''}."
    return f"{mind} To add one: {house.prefix}share {terms.account.at} WHO approver"


COMMANDS = (
    Command(
        name="policy",
        usage="policy [@ACCOUNT] [KEY=VALUE]",
        example="policy @acme hold=20s",
        help=f"Show how an account is treated; its owners can set {', '.join(KEYS)}; with a KEY alone, what it is for.",
        work=policy,
        needs=Need.NAMES | Need.ROOMS,
        visible=has_account,
    ),
)
