"""What was scheduled goes out at its time, across restarts; a missed slot is asked about; rights are looked at then."""

from dataclasses import replace

import pytest

from bridge.interfaces import Topic, Tx
from bridge.model import Account, Action, Identity, Medium, Policy, Post, PostState, Role, Room, Speech, Verdict
from tests.unit.outbox_stage import ANA, BEN, BOSS, ENDLESS, STALE, Stage


async def schedule(at: Stage, account: Account, seconds: float, text: str = "later", author: Identity = ANA) -> Post:
    when = at.time.wall + seconds
    post = await at.queue(account, text, author, state=PostState.SCHEDULED, due_at=when)
    post = replace(post, scheduled_for=when)
    await at.store.transact(lambda tx: tx.posts.extend(post))
    return post


async def test_it_goes_out_at_its_time_and_not_before(at: Stage) -> None:
    acme = await at.link("acme")
    post = await schedule(at, acme, 3600.0)
    at.start()
    await at.pass_(3599.0)
    assert (await at.row(post)).state is PostState.SCHEDULED
    assert at.posts_taken() == 0
    await at.pass_(1.0)
    assert (await at.row(post)).state is PostState.POSTED
    assert await at.signs(post) == ["✅"]


async def test_the_outbox_wakes_up_for_it(at: Stage) -> None:
    acme = await at.link("acme")
    await schedule(at, acme, 3.0)
    at.start()
    await at.settle()
    turn = await at.outbox._turn([])
    assert turn.wake == pytest.approx(at.time.mono + 3.0)


async def test_it_does_not_hold_up_what_is_said_meanwhile(at: Stage) -> None:
    acme = await at.link("acme")
    await schedule(at, acme, 3600.0)
    now = await at.queue(acme, "now")
    at.start()
    await at.settle()
    assert (await at.row(now)).state is PostState.POSTED
    assert at.x.texts("acme") == ["now"]


async def test_it_survives_a_restart(at: Stage) -> None:
    acme = await at.link("acme")
    post = await schedule(at, acme, 3600.0)
    at.start()
    await at.settle()
    await at.crash()
    at.pass_later(3600.0 + STALE - 5.0)  # late, but not too late
    at.start()
    await at.settle()
    assert (await at.row(post)).state is PostState.POSTED
    assert at.x.count("post") == 1


async def test_a_missed_slot_is_asked_about(at: Stage) -> None:
    acme = await at.link("acme")
    post = await schedule(at, acme, 3600.0)
    at.pass_later(3600.0 + STALE + 5.0)
    at.start()
    await at.settle()
    row = await at.row(post)
    assert row.state is PostState.HELD
    assert row.question_id is not None
    (words,) = await at.texts(post)
    assert "was to go out 10 min ago" in words
    assert "not posted" in words
    await at.send(post)
    await at.settle()
    assert at.x.texts("acme") == ["later"]


async def test_a_thread_goes_out_at_its_time_in_order(at: Stage) -> None:
    acme = await at.link("acme")
    parts = [await schedule(at, acme, 60.0, text) for text in ("one", "two", "three")]
    for number, part in enumerate(parts, 1):
        chained = replace(part, thread_root=parts[0].id, part=number)
        await at.store.transact(lambda tx, part=chained: tx.posts.extend(part))  # type: ignore[misc]  # bound now
    at.start()
    await at.pass_(61.0)
    assert at.x.texts("acme") == ["one", "two", "three"]
    made = at.x.person("acme").posts
    assert [post.reply_to for post in made] == [None, made[0].id, made[1].id]


async def test_many_of_one_moment_go_out_in_order(at: Stage) -> None:
    acme = await at.link("acme")
    for number in range(20):
        await schedule(at, acme, 10.0, f"number {number}")
    at.start()
    await at.pass_(10.0)
    assert at.x.texts("acme") == [f"number {number}" for number in range(20)]


async def test_a_frozen_account_keeps_it(at: Stage) -> None:
    acme = await at.link("acme")
    post = await schedule(at, acme, 10.0)
    await at.store.transact(lambda tx: tx.accounts.save(replace(acme, frozen="matrix:@ana:example.org")))
    at.start()
    await at.pass_slowly(30.0)
    assert at.posts_taken() == 0
    assert (await at.row(post)).state is PostState.QUEUED
    assert len([words for words in await at.texts() if "frozen" in words]) == 1


# ---------------------------------------------------------------- approvals, at the moment of sending


async def approved(at: Stage, acme: Account) -> Post:
    """A contributor's post that an owner approved, scheduled."""
    post = await schedule(at, acme, 60.0, author=BEN)

    def work(tx: Tx) -> Post:
        tx.accounts.grant(acme.id, BEN, Role.CONTRIBUTOR, at.time.wall)
        tx.accounts.grant(acme.id, BOSS, Role.OWNER, at.time.wall)
        row = tx.posts.get(post.id)
        assert row is not None
        done = replace(row, content=tx.decisions.content(row))
        tx.posts.extend(done)
        tx.decisions.add(row.id, BOSS, Verdict.APPROVE, done.content, "$tick", at.time.wall)
        return done

    return await at.store.transact(work)


async def test_an_approved_post_goes_out(at: Stage) -> None:
    post = await approved(at, await at.link("acme"))
    at.start()
    await at.pass_(61.0)
    assert (await at.row(post)).state is PostState.POSTED


@pytest.mark.parametrize("loss", ["demoted", "withdrawn", "changed", "two"])
async def test_an_approval_that_does_not_hold_at_the_moment_of_sending(at: Stage, loss: str) -> None:
    acme = await at.link("acme")
    post = await approved(at, acme)

    def work(tx: Tx) -> None:
        row = tx.posts.get(post.id)
        assert row is not None
        if loss == "demoted":
            tx.accounts.grant(acme.id, BOSS, Role.POSTER, at.time.wall)
        elif loss == "withdrawn":
            tx.decisions.withdraw("matrix", "$tick", BOSS)
        elif loss == "changed":
            tx.posts.save(replace(row, draft=replace(row.draft, text="other words")))
        else:
            tx.policies.put(acme.id, Policy(approvals=2))

    await at.store.transact(work)
    at.start()
    await at.pass_(61.0)
    row = await at.row(post)
    assert at.posts_taken() == 0
    assert row.state is PostState.DRAFT
    assert row.due_at == ENDLESS
    assert any("approval does not hold any more" in words for words in await at.texts(post))


async def test_a_picture_that_nobody_looked_at_was_not_approved(at: Stage) -> None:
    """As an older Kantter left it: approved by its address."""
    post = await approved(at, await at.link("acme"))

    def work(tx: Tx) -> None:
        row = tx.posts.get(post.id)
        assert row is not None
        tx.posts.save(replace(row, draft=replace(row.draft, media=(Medium("mxc://example.org/cat", "image/jpeg"),))))
        tx.posts.extend(replace(row, content=tx.decisions.content(row)))
        tx.decisions.add(row.id, BOSS, Verdict.APPROVE, tx.decisions.content(row), "$tick", at.time.wall)

    await at.store.transact(work)
    at.store.bell(Topic.PICTURES).clear()
    at.start()
    await at.pass_(61.0)
    assert (await at.row(post)).state is PostState.DRAFT
    assert at.store.bell(Topic.PICTURES).is_set()
    assert (at.posts_taken(), at.x.count("upload"), at.matrix.fetched) == (0, 0, [])


async def test_who_may_not_post_any_more_does_not(at: Stage) -> None:
    acme = await at.link("acme")
    post = await schedule(at, acme, 60.0)
    await at.store.transact(lambda tx: tx.accounts.revoke(acme.id, ANA))
    at.start()
    await at.pass_(61.0)
    assert (await at.row(post)).state is PostState.FAILED
    assert at.posts_taken() == 0


async def test_a_policy_for_everyone_stops_what_nobody_approved(at: Stage) -> None:
    acme = await at.link("acme")
    post = await schedule(at, acme, 60.0)
    await at.store.transact(lambda tx: tx.policies.put(acme.id, Policy(approvals_from="everyone")))
    at.start()
    await at.pass_(61.0)
    assert (await at.row(post)).state is PostState.FAILED
    assert any("approval of every post" in words for words in await at.texts(post))
    assert at.posts_taken() == 0


async def test_the_log_tells_what_went_out_and_what_did_not(at: Stage) -> None:
    acme = await at.link("acme")
    post = await schedule(at, acme, 1.0)
    at.start()
    await at.pass_(2.0)
    undo = await at.undo(post)
    await at.until_state(undo, PostState.POSTED)
    deeds = await at.store.transact(lambda tx: tx.log.of_account(acme.id, 10))
    assert [(deed.verb, deed.actor) for deed in deeds] == [("post", ANA), ("delete", ANA)]
    assert deeds[0].outcome.startswith("https://x.example/acme/status/")
    assert undo.action is Action.DELETE


async def test_whoever_drafted_what_was_approved_deletes_it(at: Stage) -> None:
    post = await approved(at, await at.link("acme"))
    at.start()
    await at.pass_(61.0)
    await at.until_state(post, PostState.POSTED)
    row = await at.undo(post, BEN)
    await at.until_state(row, PostState.POSTED)
    assert (await at.row(post)).deleted


async def test_whoever_may_only_draft_now_does_not_delete_what_nobody_approved(at: Stage) -> None:
    acme = await at.link("acme")
    await at.store.transact(lambda tx: tx.accounts.grant(acme.id, BEN, Role.POSTER, at.time.wall))
    post = await at.queue(acme, author=BEN)
    at.start()
    await at.until_state(post, PostState.POSTED)
    await at.store.transact(lambda tx: tx.accounts.grant(acme.id, BEN, Role.CONTRIBUTOR, at.time.wall))
    row = await at.undo(post, BEN)
    await at.until_state(row, PostState.FAILED)
    assert not (await at.row(post)).deleted
    assert "Not deleted as @acme: you may not delete posts of @acme any more." in (await at.texts())[-1]


# ---------------------------------------------------------------- a draft whose time comes


DESK = Room("matrix", "!desk")


async def test_a_draft_whose_time_comes_is_told_of_once_and_not_posted(at: Stage) -> None:
    acme = await at.link("acme")
    await at.store.transact(lambda tx: tx.policies.put(acme.id, Policy(room=DESK)))
    draft = replace(await schedule(at, acme, 60.0, "for the morning"), state=PostState.DRAFT)
    await at.store.transact(lambda tx: tx.posts.save(draft))
    at.start()
    await at.pass_(59.0)
    assert await at.texts(draft) == []
    await at.pass_(1.0)
    await at.crash()
    at.start()
    await at.pass_(120.0)
    said = (
        f"“for the morning” of {ANA.name} was to go out now, and is not approved yet: not posted. An approver"
        " lets it go out late: !approve k1 · another time: !edit k1 WHEN · forget it: !drop k1"
    )
    assert [(one.room, one.body) for one in await at.answers(draft) if one.speech is Speech.TEXT] == [
        (draft.room, said),
        (DESK, said),
    ]
    assert (await at.row(draft)).state is PostState.DRAFT
    assert at.posts_taken() == 0


async def test_a_draft_without_a_time_is_not_told_of(at: Stage) -> None:
    acme = await at.link("acme")
    draft = await at.queue(acme, "some time", state=PostState.DRAFT)  # as one was kept by an earlier version
    at.start()
    await at.pass_(60.0)
    assert await at.texts(draft) == []
    assert (await at.row(draft)).due_at == ENDLESS


async def test_what_is_late_says_so(at: Stage) -> None:
    acme = await at.link("acme")
    post = await schedule(at, acme, 60.0)
    at.pass_later(60.0 + 180.0)
    at.start()
    await at.settle()
    assert (await at.texts(post))[0].endswith(" · 3 min late · undo: !undo k1")
