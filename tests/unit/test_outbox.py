"""The outbox: order, parallel accounts, refusals, rights, and ending in good order."""

import asyncio
from dataclasses import replace

import pytest

from bridge.errors import LinkBroken, Rejected, StoreError
from bridge.interfaces import Tx
from bridge.model import PostState, Role, Sealed
from tests.unit.outbox_stage import ANA, BEN, ENDLESS, START, Stage


async def test_a_post_goes_out_once_and_is_answered(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    at.start()
    row = await at.until_state(post, PostState.POSTED)
    assert at.x.texts("acme") == ["hello"]
    assert row.remote_id == at.x.person("acme").posts[0].id
    assert await at.signs(post) == ["✅"]
    assert await at.texts(post) == [
        f"Posted as @acme: https://x.example/acme/status/{row.remote_id} · undo: !undo {post.label}"
    ]
    assert at.outbox.outcomes()["posted"] == 1
    assert at.outbox.health().ok


async def test_the_hourglass_goes_when_it_was_shown(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    gate = at.x.hold("post")
    at.start()
    await gate.entered.wait()
    at.time.wall += 2.0
    assert await at.signs(post) == ["⏳"]
    gate.release()
    await at.until_state(post, PostState.POSTED)
    assert await at.signs(post) == ["✅"]


async def test_posts_of_an_account_go_out_one_at_a_time_in_order(at: Stage) -> None:
    acme = await at.link("acme")
    texts = [f"number {n}" for n in range(30)]
    posts = await at.queue_all(acme, texts)
    at.start()
    await at.until_state(posts[-1], PostState.POSTED)
    assert at.x.texts("acme") == texts
    assert at.x.overlaps == 0


async def test_accounts_are_served_in_parallel_up_to_a_limit(at: Stage) -> None:
    accounts = [await at.link(f"h{n}") for n in range(200)]
    gates = [at.x.hold("post") for _ in range(160)]
    posts = [await at.queue(account, f"of {account.handle}") for account in accounts]
    at.start()
    for gate in gates:
        await gate.entered.wait()
    assert len(at.x.under_way) == 160
    for gate in gates:
        gate.release()
    await at.until_state(posts[-1], PostState.POSTED)
    await at.settle()
    assert at.posts_taken() == 200
    assert at.x.most_at_once == 160
    assert at.outbox.turns < 60  # the commits were shared


async def test_a_slow_account_does_not_hold_another(at: Stage) -> None:
    acme, zoo = await at.link("acme"), await at.link("zoo")
    gate = at.x.hold("post")
    slow = await at.queue(acme, "slow")
    at.start()
    await gate.entered.wait()
    quick = await at.queue(zoo, "quick")
    await at.until_state(quick, PostState.POSTED)
    assert (await at.row(slow)).state is PostState.SENDING


async def test_the_claim_is_on_disk_before_a_byte_leaves(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    gate = at.x.hold("post")
    at.start()
    await gate.entered.wait()
    row = await at.row(post)
    assert (row.state, row.claimed_at, row.attempts) == (PostState.SENDING, START, 1)


# ---------------------------------------------------------------- refusals


async def test_a_refused_post_says_why_and_that_it_was_not_posted(at: Stage) -> None:
    acme = await at.link("acme")
    at.x.fail("post", Rejected("X refused it: the text is too long."))
    post, after = await at.queue_all(acme, ["much too long", "short"])
    at.start()
    await at.until_state(after, PostState.POSTED)
    assert (await at.row(post)).state is PostState.FAILED
    assert await at.signs(post) == ["❌"]
    assert await at.texts(post) == ["“much too long” was not posted as @acme: X refused it: the text is too long."]


async def test_a_duplicate_names_the_earlier_post_of_our_own_record(at: Stage) -> None:
    acme = await at.link("acme")
    first, second = await at.queue_all(acme, ["hello", "hello"])
    at.start()
    await at.until_state(second, PostState.FAILED)
    url = f"https://x.example/acme/status/{(await at.row(first)).remote_id}"
    (said,) = await at.texts(second)
    assert "not posted" in said
    assert url in said
    assert at.x.texts("acme") == ["hello"]


async def test_a_dead_link_fails_the_post_and_keeps_the_others_until_it_is_linked_anew(at: Stage) -> None:
    acme = await at.link("acme")
    at.x.kill("acme")
    first, second = await at.queue_all(acme, ["one", "two"])
    at.start()
    await at.until_state(first, PostState.FAILED)
    await at.pass_(3.0)
    (said,) = await at.texts(first)
    assert "“one” was not posted" in said
    assert "!link" in said
    assert (await at.row(second)).state is PostState.QUEUED
    (waits,) = await at.texts(second)
    assert "must be linked again" in waits
    assert "not posted yet" in waits
    account = await at.store.transact(lambda tx: tx.accounts.get(acme.id))
    assert account is not None
    assert account.broken

    at.x.person("acme").dead = False
    await at.store.transact(lambda tx: tx.accounts.save(replace(account, broken="")))
    await at.until_state(second, PostState.POSTED)
    assert at.x.texts("acme") == ["two"]


async def test_what_waits_for_a_new_link_is_asked_about_when_it_grew_old(at: Stage) -> None:
    acme = await at.link("acme")
    at.x.kill("acme")
    first, second = await at.queue_all(acme, ["one", "two"])
    at.start()
    await at.until_state(first, PostState.FAILED)
    await at.pass_(601.0)
    row = await at.until_state(second, PostState.HELD)
    assert row.question_id is not None
    assert "not posted" in (await at.texts(second))[-1]
    assert at.x.count("post") == 1


async def test_a_401_of_the_old_pair_does_not_break_the_new_link(at: Stage) -> None:
    acme = await at.link("acme")
    gate = at.x.hold("post", LinkBroken("dead"))
    post = await at.queue(acme)
    at.start()
    await gate.entered.wait()
    await at.link("acme")  # sealed anew
    gate.release()
    await at.until_state(post, PostState.POSTED)
    account = await at.store.transact(lambda tx: tx.accounts.get(acme.id))
    assert account is not None
    assert not account.broken


async def test_a_right_that_was_lost_meanwhile_counts_at_the_moment_of_sending(at: Stage) -> None:
    acme = await at.link("acme", ANA, BEN)
    lost, kept = await at.queue(acme, "of ben", BEN), await at.queue(acme, "of ana")
    await at.store.transact(lambda tx: tx.accounts.revoke(acme.id, BEN))
    at.start()
    await at.until_state(kept, PostState.POSTED)
    assert (await at.row(lost)).state is PostState.FAILED
    assert "not posted" in (await at.texts(lost))[0]
    assert at.x.texts("acme") == ["of ana"]


async def test_a_contributor_does_not_post(at: Stage) -> None:
    acme = await at.link("acme")
    await at.store.transact(lambda tx: tx.accounts.grant(acme.id, BEN, Role.CONTRIBUTOR, START))
    post = await at.queue(acme, "draft", BEN)
    at.start()
    await at.until_state(post, PostState.FAILED)
    assert at.x.calls == []


async def test_a_bug_in_the_publisher_is_an_unknown_outcome(at: Stage) -> None:
    acme = await at.link("acme")
    at.x.fail("post", ZeroDivisionError("boom"), taken=True)
    post = await at.queue(acme)
    at.start()
    await at.until_state(post, PostState.UNKNOWN)
    await at.pass_(1.5)
    await at.until_state(post, PostState.POSTED)
    assert at.x.texts("acme") == ["hello"]


# ---------------------------------------------------------------- the end, and a full disk


async def test_drain_waits_for_what_is_in_flight_and_claims_nothing_new(at: Stage) -> None:
    acme = await at.link("acme")
    first, second = await at.queue_all(acme, ["one", "two"])
    gate = at.x.hold("post")
    at.start()
    await gate.entered.wait()
    draining = asyncio.create_task(at.outbox.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    gate.release()
    await draining
    assert (await at.row(first)).state is PostState.POSTED
    assert (await at.row(second)).state is PostState.QUEUED
    assert at.x.texts("acme") == ["one"]


async def test_drain_before_the_first_turn_loses_no_claim(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    at.start()
    await asyncio.sleep(0)
    await at.outbox.drain()
    assert (await at.row(post)).state in (PostState.POSTED, PostState.QUEUED)


async def test_drain_returns_at_once_when_nothing_runs(at: Stage) -> None:
    await at.outbox.drain()
    assert not at.outbox.health().ok


async def test_a_full_disk_sends_nothing_and_loses_no_outcome(at: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = await at.link("acme")
    posts = await at.queue_all(acme, ["one", "two"])
    gate = at.x.hold("post")
    at.start()
    await gate.entered.wait()
    transact = at.store.transact
    refused = asyncio.Event()

    async def full(work: object, *, lasting: bool = True) -> object:
        refused.set()
        raise StoreError("disk full")

    monkeypatch.setattr(at.store, "transact", full)
    gate.release()
    await refused.wait()
    await asyncio.sleep(0)
    assert "disk full" in at.outbox.health().reason
    assert at.x.count("post") == 1
    monkeypatch.setattr(at.store, "transact", transact)
    await at.until_state(posts[1], PostState.POSTED)
    assert at.x.texts("acme") == ["one", "two"]
    assert at.outbox.health().ok


async def test_an_outcome_that_breaks_a_turn_does_not_stop_the_others(
    at: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, zoo = await at.link("acme"), await at.link("zoo")
    bad = await at.queue(acme, "bad")

    def post_url(handle: str, remote_id: str) -> str:
        if handle == "acme":
            raise ZeroDivisionError
        return f"https://x.example/{handle}/status/{remote_id}"

    monkeypatch.setattr(at.x, "post_url", post_url)
    good = await at.queue(zoo, "good")
    at.start()
    await at.until_state(good, PostState.POSTED)
    assert (await at.row(bad)).state is PostState.SENDING
    assert at.x.texts("acme") == ["bad"]


# ---------------------------------------------------------------- what must not happen


async def test_swapped_rows_of_token_pairs_send_nothing(at: Stage) -> None:
    acme, zoo = await at.link("acme"), await at.link("zoo")

    def swap(tx: Tx) -> None:
        one, two = tx.accounts.sealed(acme.id), tx.accounts.sealed(zoo.id)
        tx.accounts.seal(acme.id, two)
        tx.accounts.seal(zoo.id, one)

    await at.store.transact(swap)
    await at.queue(acme)
    at.start()
    await at.settle()
    assert at.x.calls == []
    assert "paused" in at.outbox.health().reason


async def test_one_damaged_pair_does_not_stop_the_others(at: Stage) -> None:
    acme, zoo = await at.link("acme"), await at.link("zoo")
    at.start()
    await at.until_state(await at.queue(zoo, "one"), PostState.POSTED)
    await at.store.transact(lambda tx: tx.accounts.seal(acme.id, Sealed(b"\x01damaged")))
    await at.until_state(await at.queue(acme, "damaged"), PostState.FAILED)
    await at.until_state(await at.queue(zoo, "two"), PostState.POSTED)


async def test_hostile_text_is_quoted_on_one_line(at: Stage) -> None:
    acme = await at.link("acme")
    at.x.always_fail("post", lambda: Rejected("no"))
    posts = await at.queue_all(acme, ["", "a\n" * 10_000, "\x00\u202e\u2066evil", "x" * 100_000])
    at.start()
    await at.until_state(posts[-1], PostState.FAILED)
    for post in posts:
        (said,) = await at.texts(post)
        assert "not posted" in said
        assert len(said) < 200
        assert "\n" not in said
        assert "\u202e" not in said


async def test_an_endless_due_time_is_no_reason_to_spin(at: Stage) -> None:
    acme = await at.link("acme")
    at.start()
    await at.queue(acme, due_at=ENDLESS)
    await at.settle()
    turns = at.outbox.turns
    await asyncio.sleep(0.05)
    assert at.outbox.turns == turns
    assert at.x.calls == []
