"""What posts cost, how money is said, and what a budget still allows."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge import pricing
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Account, Action, Draft, Identity, Medium, Policy, Post, PostState, Role, Room
from bridge.pricing import Prices
from bridge.store import Database

ANA = Identity("matrix", "@ana:example.org")
BEN = Identity("matrix", "@ben:example.org")
PRESS, LOBBY = Room("matrix", "!press"), Room("matrix", "!lobby")
USUAL = pricing.USUAL


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NOW = at("2026-11-24 19:30")


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "$0.00"),
        (1, "$0.000001"),
        (15_000, "$0.015"),
        (200_000, "$0.20"),
        (5_000_000, "$5.00"),
        (1_234_500_000, "$1,234.50"),
        (-15_000, "-$0.015"),
    ],
)
def test_money_is_said_as_people_write_it(amount: int, words: str) -> None:
    assert pricing.money(amount) == words


@pytest.mark.parametrize(
    ("text", "cost", "words"),
    [
        ("hello", 15_000, ""),
        ("see https://example.org/a", 200_000, "the link makes it $0.20"),
        ("see example.org", 200_000, "the link makes it $0.20"),
        ("write to ana@example", 15_000, ""),
        ("", 15_000, ""),
    ],
)
def test_an_address_in_the_text_is_what_makes_a_post_dear(text: str, cost: int, words: str) -> None:
    assert pricing.price(Draft(text), USUAL) == cost
    assert pricing.said(cost, USUAL) == words


@pytest.mark.parametrize(
    ("text", "alts", "cost", "words"),
    [
        ("hello", ["A cat"], 20_000, "the alt text makes it $0.02"),
        ("hello", ["A cat", "", "A dog"], 25_000, "the alt text makes it $0.025"),
        ("hello", [""], 15_000, ""),
        ("see example.org", ["A cat"], 205_000, "the link and the alt text make it $0.205"),
    ],
)
def test_each_alt_text_is_paid_for(text: str, alts: list[str], cost: int, words: str) -> None:
    draft = Draft(text, media=tuple(Medium("mxc://a/b", "image/png", alt=alt) for alt in alts))
    assert pricing.price(draft, USUAL) == cost
    assert pricing.said(cost, USUAL) == words
    assert pricing.said(cost + 1, USUAL) == f"it costs {pricing.money(cost + 1)}"
    assert pricing.said(pricing.price(draft, Prices(alt=0)), Prices(alt=0)) == pricing.said(
        pricing.price(Draft(text), USUAL), USUAL
    )


def test_other_actions_and_prices() -> None:
    assert pricing.price(Draft(""), USUAL, Action.DELETE) == 10_000
    assert pricing.price(Draft(""), USUAL, Action.REPOST) == 15_000
    assert pricing.said(10_000, USUAL) == "it costs $0.01"
    same = Prices(post=7, link=7, delete=0)
    assert pricing.said(pricing.price(Draft("example.org"), same), same) == ""


@pytest.mark.parametrize(
    ("now", "first", "after"),
    [
        ("2026-11-24 19:30", "2026-11-01", "2026-12-01"),
        ("2026-12-31 23:59:59", "2026-12-01", "2027-01-01"),
        ("2027-01-01", "2027-01-01", "2027-02-01"),
        ("2028-02-29", "2028-02-01", "2028-03-01"),
    ],
)
def test_a_month_is_a_calendar_month_in_utc(now: str, first: str, after: str) -> None:
    assert pricing.month(at(now)) == (at(first), at(after))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "kantter.db")
    yield opened
    await opened.close()


def queue(
    tx: Tx, account: Account, cost: int, *, state: PostState = PostState.QUEUED, made: float = NOW,
    when: float | None = None, author: Identity = ANA, room: Room = PRESS
) -> Post:  # fmt: skip
    post = tx.posts.add(
        Action.POST, account.id, author, room, "$1", None, Draft("hello"), state=state, now=made, fresh_at=made,
        due_at=made
    )  # fmt: skip
    post = replace(post, cost=cost, scheduled_for=when)
    tx.posts.extend(post)
    return post


async def test_what_counts_against_a_budget(store: Database) -> None:
    def work(tx: Tx) -> None:
        acme, press = tx.accounts.put("x", "7", "acme"), tx.accounts.put("x", "8", "press")
        for state in PostState:
            queue(tx, acme, 10 ** list(PostState).index(state), state=state)
        queue(tx, press, 500)
        counted = [PostState.SCHEDULED, PostState.QUEUED, PostState.SENDING, PostState.POSTED, PostState.UNKNOWN]
        assert pricing.spent(tx, acme.id, NOW) == sum(10 ** list(PostState).index(state) for state in counted)
        assert pricing.spent(tx, press.id, NOW) == 500

    await store.transact(work)


async def test_a_row_counts_in_the_month_that_it_goes_out_in(store: Database) -> None:
    def work(tx: Tx) -> None:
        acme = tx.accounts.put("x", "7", "acme")
        queue(tx, acme, 1, made=at("2026-10-31 23:59:59"))
        queue(tx, acme, 10, made=at("2026-11-01"))
        queue(tx, acme, 100, made=at("2026-11-30 23:59:59"))
        queue(tx, acme, 1000, made=at("2026-12-01"))
        queue(tx, acme, 10_000, made=at("2026-10-01"), when=at("2026-11-05"), state=PostState.SCHEDULED)
        queue(tx, acme, 100_000, when=at("2026-12-05"), state=PostState.SCHEDULED)
        assert pricing.spent(tx, acme.id, NOW) == 10_110
        assert pricing.spent(tx, acme.id, at("2026-12-24")) == 101_000

    await store.transact(work)


async def test_a_spent_budget_refuses_with_the_sums(store: Database) -> None:
    def work(tx: Tx) -> None:
        acme = tx.accounts.put("x", "7", "acme")
        pricing.check(tx, acme, 10**12, NOW, prefix="!")  # no budget
        tx.policies.put(acme.id, Policy(budget=200_000))
        pricing.check(tx, acme, 200_000, NOW, prefix="!")
        with pytest.raises(UsageError, match=r"\$0\.00 of \$0\.20 .* this costs \$0\.215"):
            pricing.check(tx, acme, 215_000, NOW, prefix="!")
        queue(tx, acme, 190_000)
        pricing.check(tx, acme, 10_000, NOW, prefix="!")
        with pytest.raises(
            UsageError, match=r"@acme's budget .* \$0\.19 of \$0\.20 .* \$0\.01 are left.*!policy @acme budget="
        ):
            pricing.check(tx, acme, 15_000, NOW, prefix="!")
        pricing.check(tx, acme, 15_000, NOW, prefix="!", goes_out=at("2026-12-05"))
        assert pricing.spent_words(tx, acme, NOW) == "$0.19 of $0.20 this month"

    await store.transact(work)


async def test_at_the_moment_of_sending_the_oldest_goes_and_the_rest_waits(store: Database) -> None:
    def work(tx: Tx) -> None:
        acme = tx.accounts.put("x", "7", "acme")
        one, two = queue(tx, acme, 15_000), queue(tx, acme, 15_000)
        assert pricing.within_budget(tx, one, NOW)
        tx.policies.put(acme.id, Policy(budget=15_000))
        assert pricing.within_budget(tx, one, NOW)
        tx.posts.save(replace(one, state=PostState.POSTED, remote_id="1"))
        assert not pricing.within_budget(tx, two, NOW)
        assert pricing.within_budget(tx, two, at("2026-12-01"))
        assert pricing.within_budget(tx, replace(two, action=Action.DELETE), NOW)
        assert pricing.within_budget(tx, replace(two, claimed_at=NOW), NOW)

    await store.transact(work)


async def test_costs_are_summed_by_account_person_and_room(store: Database) -> None:
    def work(tx: Tx) -> None:
        acme, press = tx.accounts.put("x", "7", "acme"), tx.accounts.put("x", "8", "press")
        queue(tx, acme, 1)
        queue(tx, acme, 2)
        queue(tx, acme, 4, author=BEN)
        queue(tx, acme, 8, room=LOBBY)
        queue(tx, press, 16)
        everything = tx.posts.costs(None, *pricing.month(NOW), pricing.COUNTED)
        of_acme = [(acme.id, ANA, LOBBY, 8), (acme.id, BEN, PRESS, 4), (acme.id, ANA, PRESS, 3)]
        assert everything == [*of_acme, (press.id, ANA, PRESS, 16)]
        assert tx.posts.costs(acme.id, *pricing.month(NOW), pricing.COUNTED) == of_acme
        assert pricing.spent_words(tx, acme, NOW) == "$0.000015 this month"

    await store.transact(work)


async def test_the_same_text_is_found_where_it_is_out_or_may_go_out(store: Database) -> None:
    def work(tx: Tx) -> None:
        acme, press = tx.accounts.put("x", "7", "acme"), tx.accounts.put("x", "8", "press")
        tx.accounts.grant(press.id, ANA, Role.POSTER, NOW)
        old = queue(tx, acme, 0, made=NOW - 100)
        out = replace(queue(tx, acme, 0), state=PostState.POSTED, remote_id="1")
        gone = replace(queue(tx, acme, 0), state=PostState.POSTED, remote_id="2", deleted=True)
        failed = replace(queue(tx, acme, 0), state=PostState.FAILED)
        other = queue(tx, press, 0)
        for post in (out, gone, failed):
            tx.posts.save(post)
        assert [p.id for p in tx.posts.same_text(acme.id, BEN, "\n hello ", NOW - 100)] == [out.id, old.id]
        assert [p.id for p in tx.posts.same_text(acme.id, ANA, "hello", NOW)] == [other.id, out.id]
        assert tx.posts.same_text(acme.id, BEN, "hell", 0.0) == []

    await store.transact(work)
