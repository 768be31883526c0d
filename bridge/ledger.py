"""What the operator reads on the command line: the log, the accounts, the outbox.

It reads the store and shapes rows, as JSON objects and as cells of a table. It writes nothing and knows no terminal.
Kantter may be running meanwhile: the log is read in pages, so that nobody waits for it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from bridge.errors import ConfigError
from bridge.interfaces import Store, Tx
from bridge.model import START, Account, Checked, Deed, Post, PostState, label
from bridge.pricing import money, spent
from bridge.telltale import first_words

PAGE = 1000
_OPEN = tuple(state for state in PostState if state not in (PostState.POSTED, PostState.FAILED))


@dataclass(frozen=True, slots=True)
class Row:
    """One line: ``cells`` for people, ``fields`` for programs."""

    cells: tuple[str, ...]
    fields: Mapping[str, object]


LOG = ("row", "time (UTC)", "who", "did", "account", "what", "outcome", "room")
ACCOUNTS = ("account", "publisher", "health", "team", "spent this month", "premium")
OUTBOX = ("post", "state", "account", "who", "words", "due (UTC)", "why")


def _time(at: float | None) -> str | None:
    """RFC 3339, in UTC; None for none, and for what waits without end."""
    if at is None or at == float("inf"):
        return None
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _minute(at: float) -> str:
    return "" if at == float("inf") else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"


def _plain(text: str) -> str:
    """Nothing that a terminal obeys."""
    return "".join(c if c.isprintable() else " " for c in text)


def find(tx: Tx, handle: str) -> Account:
    """The account called so, or with that id at its publisher. Raises ConfigError: none, or several."""
    wanted = handle.strip().removeprefix("@").casefold()
    found = [a for a in tx.accounts.everyone() if wanted in (a.handle.casefold(), a.remote_id)]
    if len(found) != 1:
        how = "; name it by its number at the publisher" if found else ""
        raise ConfigError(f"there {'are several accounts' if found else 'is no account'} {handle}{how}")
    return found[0]


# ---------------------------------------------------------------- the log


def deed(row: Deed, handles: Mapping[int, str]) -> Row:
    """A row of the log. ``at`` is the exact number that the hash covers."""
    actor = str(row.actor) if row.actor else None
    account = handles.get(row.account_id) if row.account_id is not None else None
    post = None if row.post_id is None else label("k", row.post_id)
    fields = {
        "id": row.id,
        "time": _time(row.at),
        "at": row.at,
        "actor": actor,
        "verb": row.verb,
        "account": account,
        "account_id": row.account_id,
        "post": post,
        "post_id": row.post_id,
        "room": None if row.room is None else str(row.room),
        "detail": row.detail,
        "outcome": row.outcome,
        "hash": row.hash.hex(),
    }
    room = "" if row.room is None else row.room.id
    who = row.actor.name if row.actor else "(the bot)"
    cells = (str(row.id), _minute(row.at), who, row.verb, account or "", row.detail, row.outcome, room)
    return Row(tuple(map(_plain, cells)), fields)


async def log(store: Store, handle: str | None, last: int | None) -> AsyncIterator[list[Row]]:
    """The log in pages, oldest first: all of it, or the newest ``last`` rows; of one account, where one is named.
    Raises ConfigError when there is no such account.
    """

    def names(tx: Tx) -> tuple[int | None, dict[int, str]]:
        account_id = None if handle is None else find(tx, handle).id
        return account_id, {account.id: account.at for account in tx.accounts.everyone()}

    account_id, handles = await store.transact(names)
    if last is not None:
        page = await store.transact(partial(_newest, last, account_id))
        yield [deed(row, handles) for row in page]
        return
    page = await store.transact(partial(_after, 0, account_id))
    while page:
        yield [deed(row, handles) for row in page]
        page = await store.transact(partial(_after, page[-1].id, account_id))


def _newest(most: int, account_id: int | None, tx: Tx) -> list[Deed]:
    return tx.log.tail(most) if account_id is None else tx.log.of_account(account_id, most)


def _after(deed_id: int, account_id: int | None, tx: Tx) -> list[Deed]:
    return tx.log.after(deed_id, PAGE, account_id)


async def verify(store: Store) -> AsyncIterator[Checked]:
    """How far the log was held against its hashes, page by page; the last one is ``done``."""
    so_far = START
    while not so_far.done:
        so_far = await store.transact(partial(_verified, so_far))
        yield so_far


def _verified(so_far: Checked, tx: Tx) -> Checked:
    return tx.log.verify(so_far, PAGE)


# ---------------------------------------------------------------- accounts and outbox


async def accounts(store: Store, now: float) -> list[Row]:
    """Every account, with its team, health, policy and what it spent this month."""
    return await store.transact(lambda tx: [_account(tx, account, now) for account in tx.accounts.everyone()])


def _account(tx: Tx, account: Account, now: float) -> Row:
    policy, gone = tx.policies.of(account.id), spent(tx, account.id, now)
    team, rooms = tx.accounts.people(account.id), tx.shares.rooms(account.id)
    linked = tx.accounts.sealed(account.id) is not None
    health = account.broken or ("works" if linked else "not linked")
    if account.frozen:
        health = f"frozen by {account.frozen.partition(':')[2]}; {health}"
    fields = {
        "id": account.id,
        "account": account.at,
        "publisher": account.publisher,
        "remote_id": account.remote_id,
        "linked": linked,
        "broken": account.broken or None,
        "frozen": account.frozen or None,
        "premium": account.premium,
        "team": [{"who": str(who), "role": role.value} for who, role in team],
        "rooms": [{"room": str(room), "role": role.value} for room, role in rooms],
        "policy": {
            "approvals": policy.approvals,
            "approvals_from": policy.approvals_from,
            "approve_by": policy.approve_by,
            "room": None if policy.room is None else str(policy.room),
            "hold": policy.hold,
            "budget": policy.budget / 1_000_000 or None,
            "links": policy.links,
        },
        "spent_this_month": gone / 1_000_000,
    }
    people = ", ".join(
        [f"{who.name} ({role.value})" for who, role in team] + [f"{room.id} ({role.value})" for room, role in rooms]
    )
    money_words = f"{money(gone)} of {money(policy.budget)}" if policy.budget else money(gone)
    cells = (account.at, account.publisher, health, people, money_words, "yes" if account.premium else "no")
    return Row(tuple(map(_plain, cells)), fields)


async def outbox(store: Store) -> list[Row]:
    """Every row of the outbox that is not settled, oldest first. Of the texts, only the first words."""

    def work(tx: Tx) -> list[Row]:
        handles = {account.id: account.at for account in tx.accounts.everyone()}
        posts = [post for state in _OPEN for post in tx.posts.in_state(state)]
        return [_post(post, handles) for post in sorted(posts, key=lambda post: post.id)]

    return await store.transact(work)


def _post(post: Post, handles: Mapping[int, str]) -> Row:
    words = first_words(post.draft.text)
    fields = {
        "post": post.label,
        "state": post.state.value,
        "action": post.action.value,
        "account": handles.get(post.account_id),
        "author": str(post.author),
        "room": str(post.room),
        "words": words,
        "created": _time(post.created_at),
        "due": _time(post.due_at),
        "scheduled_for": _time(post.scheduled_for),
        "attempts": post.attempts,
        "cost": post.cost / 1_000_000,
        "reason": post.reason or None,
    }
    shown = words if post.action.value == "post" else f"({post.action.value})"
    cells: Sequence[str] = (
        post.label, post.state.value, handles.get(post.account_id, ""), post.author.name, shown, _minute(post.due_at),
        post.reason,
    )  # fmt: skip
    return Row(tuple(map(_plain, cells)), fields)
