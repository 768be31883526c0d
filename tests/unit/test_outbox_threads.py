"""Threads in the outbox: order, what a part replies to, what stops one, going on and rolling back."""

from dataclasses import replace

import pytest

from bridge.errors import OutcomeUnknown, PublishError, Rejected, Throttled, Unreachable
from bridge.interfaces import Tx
from bridge.model import Account, Post, PostState, Role, Speech, Verdict
from tests.unit.outbox_stage import ANA, BEN, BOSS, ENDLESS, STALE, Stage
from tests.unit.thread_stage import TEXTS, check_chain, roll_back, rows, send_all, thread


async def test_parts_go_out_in_order_each_a_reply_to_the_one_before_with_one_answer(at: Stage) -> None:
    acme = await at.link("acme")
    parts = await thread(at, acme)
    other = await at.queue(acme, "later")
    at.start()
    await at.settle()
    check_chain(at)
    assert at.x.texts("acme") == [*TEXTS, "later"]
    first = (await at.row(parts[0])).remote_id
    (words,) = await at.texts(parts[0])
    assert words == f"Posted as @acme in 5 parts: https://x.example/acme/status/{first} · undo: !undo k1"
    for part in parts[1:]:
        assert not await at.texts(part)
    assert await at.signs(parts[0]) == ["✅"]
    assert [sign for part in parts[1:] for sign in await at.signs(part)] == []
    assert (await at.row(other)).state is PostState.POSTED


async def test_nothing_of_the_account_goes_out_between_the_parts(at: Stage) -> None:
    acme = await at.link("acme")
    gate = at.x.hold("post")
    parts = await thread(at, acme)
    at.start()
    await gate.entered.wait()
    await at.queue_all(acme, ["one", "two"])
    gate.release()
    await at.settle()
    assert at.x.texts("acme") == [*TEXTS, "one", "two"]
    assert len(parts) == 5


async def test_a_first_part_that_is_refused_ends_the_thread(at: Stage) -> None:
    acme = await at.link("acme")
    at.x.fail("post", Rejected("X refuses this text"))
    parts = await thread(at, acme)
    at.start()
    await at.settle()
    assert {row.state for row in await rows(at, parts)} == {PostState.FAILED}
    (words,) = await at.texts()
    assert "not posted" in words
    assert "Nothing of it is out" in words
    assert await at.signs(parts[0]) == ["❌"]
    assert at.x.count("post") == 1


async def stopped(at: Stage, error: PublishError) -> tuple[Account, list[Post]]:
    """A thread whose third part ran into ``error``."""
    acme = await at.link("acme")
    parts = await thread(at, acme)
    at.x.succeed("post", 2)
    at.x.fail("post", error)
    at.start()
    await at.settle()
    return acme, parts


async def test_a_part_that_is_refused_stops_the_rest_and_says_where_it_stands(at: Stage) -> None:
    acme, parts = await stopped(at, Rejected("X refuses this text"))
    states = [row.state for row in await rows(at, parts)]
    assert states == [PostState.POSTED] * 2 + [PostState.HELD] * 3
    (words,) = await at.texts()
    first, second = [(await at.row(part)).remote_id for part in parts[:2]]
    assert "part 3 of 5" in words
    assert (
        f"2 of 5 parts are out: https://x.example/acme/status/{first} https://x.example/acme/status/{second}" in words
    )
    for way in ("!send q1", "!drop q1", "!undo k1", "!edit k3 TEXT"):
        assert way in words
    assert await at.signs(parts[0]) == ["❌"]
    # others of the account are not held up
    assert (await at.until_state(await at.queue(acme, "other"), PostState.POSTED)).remote_id
    # and it goes on where it stopped
    await send_all(at, parts)
    await at.settle()
    assert {row.state for row in await rows(at, parts)} == {PostState.POSTED}
    check_chain(at)
    assert await at.signs(parts[0]) == ["✅"]
    assert (await at.texts())[-1].startswith("Posted as @acme in 5 parts: ")


async def test_an_unknown_part_holds_its_thread_but_not_the_account(at: Stage) -> None:
    acme, parts = await stopped(at, OutcomeUnknown("no answer"))
    other = await at.queue(acme, "other")
    await at.pass_slowly(20.0)
    assert (await at.row(other)).state is PostState.POSTED
    assert (await at.row(parts[3])).state is PostState.QUEUED
    await at.pass_slowly(55.0)
    states = [row.state for row in await rows(at, parts)]
    assert states == [PostState.POSTED] * 2 + [PostState.UNKNOWN] + [PostState.HELD] * 2
    words = (await at.texts())[-1]
    assert words.startswith("unknown: part 3 of 5")
    assert "2 of 5 parts are out" in words
    assert len({row.question_id for row in (await rows(at, parts))[2:]}) == 1
    await send_all(at, parts)
    await at.settle()
    check_chain(at)
    assert {row.state for row in await rows(at, parts)} == {PostState.POSTED}
    assert await at.signs(parts[0]) == ["✅"]
    assert [sign for part in parts[1:] for sign in await at.signs(part)] == []


async def test_an_unknown_part_that_is_found_lets_the_rest_go(at: Stage) -> None:
    acme = await at.link("acme")
    parts = await thread(at, acme)
    at.x.succeed("post")
    at.x.fail("post", OutcomeUnknown("no answer"), taken=True)
    at.start()
    await at.pass_slowly(20.0)
    assert {row.state for row in await rows(at, parts)} == {PostState.POSTED}
    check_chain(at)
    assert at.x.repeated == 0


@pytest.mark.parametrize("error", [Throttled("wait", retry_at=1_800_000_020.0), Unreachable("no way")])
async def test_a_part_that_must_wait_keeps_its_place(at: Stage, error: PublishError) -> None:
    acme, parts = await stopped(at, error)
    await at.queue(acme, "other")
    await at.pass_slowly(30.0)
    assert at.x.texts("acme") == [*TEXTS, "other"]
    check_chain(at)
    assert len(parts) == 5


async def test_a_thread_that_grew_old_is_one_question(at: Stage) -> None:
    acme = await at.link("acme")
    parts = await thread(at, acme)
    at.pass_later(STALE + 5.0)
    at.start()
    await at.settle()
    assert {row.state for row in await rows(at, parts)} == {PostState.HELD}
    (words,) = await at.texts()
    assert "of 5 parts" in words
    await send_all(at, parts)
    await at.settle()
    check_chain(at)
    assert len(at.x.texts("acme")) == 5


async def test_a_rollback_deletes_what_is_out_newest_first_with_one_answer(at: Stage) -> None:
    _, parts = await stopped(at, Rejected("X refuses this text"))
    made = await roll_back(at, parts)
    await at.settle()
    assert at.x.texts("acme") == []
    deleted = [call.subject for call in at.x.calls if call.method == "delete"]
    ids = [(await at.row(part)).remote_id for part in parts[:2]]
    assert deleted == ids[::-1]
    texts = [text for row in made for text in await at.texts(row)]
    assert texts == [f"Deleted @acme's thread, “{TEXTS[0]}”: 2 posts ({ids[0]}, {ids[1]})."]
    assert [sign for row in made for sign in await at.signs(row)] == ["✅"]


async def test_a_rollback_while_a_part_is_on_its_way(at: Stage) -> None:
    acme = await at.link("acme")
    parts = await thread(at, acme)
    at.x.succeed("post")
    gate = at.x.hold("post")
    at.start()
    await gate.entered.wait()
    made = await roll_back(at, parts)
    assert any(row.due_at == ENDLESS for row in made)
    gate.release()
    await at.settle()
    assert at.x.texts("acme") == []
    assert at.x.count("post") == 2
    assert not await at.texts(parts[0])


async def test_a_rollback_that_fails_in_part_leaves_the_preview_at_what_is_gone(at: Stage) -> None:
    acme = await at.link("acme")
    parts = await thread(at, acme, TEXTS[:2])

    def show(tx: Tx) -> int:
        tx.accounts.grant(acme.id, BEN, Role.APPROVER, at.time.wall)
        content = tx.decisions.content(parts[0])
        for post in tx.posts.thread(parts[0].id):
            tx.posts.extend(replace(post, content=content))
        tx.decisions.add(parts[0].id, BEN, Verdict.APPROVE, content, "$tick", at.time.wall)
        answer = tx.answers.add(parts[0].room, Speech.TEXT, "a preview", post_id=parts[0].id)
        tx.decisions.show(answer, parts[0].id, 1, content)
        return answer

    preview = await at.store.transact(show)
    at.start()
    await at.settle()
    assert [row.state for row in await rows(at, parts)] == [PostState.POSTED] * 2
    at.x.fail("delete", Rejected("not yours"))
    made = await roll_back(at, parts)
    await at.settle()
    assert [row.deleted for row in await rows(at, parts)] == [True, False]  # the newest is deleted first, and refused
    said = f"Deleted @acme's post “{TEXTS[0]}” ({(await at.row(parts[0])).remote_id})."
    assert [words for row in made for words in await at.texts(row)][-1] == said
    edits = [one for one in await at.answers() if one.speech is Speech.EDIT and one.target_answer == preview]
    assert edits[-1].body == f"k1 by {ANA.name}, “{TEXTS[0]}”: {said}"


async def test_with_a_dropped_part_the_rest_ends(at: Stage) -> None:
    acme = await at.link("acme")
    parts = await thread(at, acme)
    await at.store.transact(lambda tx: tx.posts.save(replace(parts[0], state=PostState.FAILED, reason="dropped")))
    other = await at.queue(acme, "other")
    at.start()
    await at.settle()
    assert at.x.texts("acme") == ["other"]
    assert {row.state for row in await rows(at, parts)} == {PostState.FAILED}
    assert len([words for words in await at.texts() if "Not posted either: the 4 parts" in words]) == 1
    assert (await at.row(other)).state is PostState.POSTED


async def test_what_should_be_looked_at_is_asked_once_for_the_whole_thread(at: Stage) -> None:
    acme = await at.link("acme")
    parts = await thread(at, acme)

    def work(tx: Tx) -> None:
        for part in parts:
            tx.posts.save(replace(part, state=PostState.HELD, reason="There is a link in it"))

    await at.store.transact(work)
    at.start()
    await at.settle()
    (words,) = await at.texts()
    assert words.startswith("Look twice before the thread “part number 1” of 5 parts goes out: There is a link in it.")
    assert "!send q1" in words
    await send_all(at, parts)
    await at.settle()
    check_chain(at)
    assert len(at.x.texts("acme")) == 5


async def test_an_approval_that_lapses_in_the_middle_says_who_can_go_on(at: Stage) -> None:
    acme = await at.link("acme", BOSS)
    posts = await thread(at, acme)

    def approve(tx: Tx) -> None:
        tx.accounts.grant(acme.id, ANA, Role.CONTRIBUTOR, at.time.wall)
        tx.accounts.grant(acme.id, BEN, Role.APPROVER, at.time.wall)
        content = tx.decisions.content(posts[0])
        for post in tx.posts.thread(posts[0].id):
            tx.posts.extend(replace(post, content=content))
        tx.decisions.add(posts[0].id, BEN, Verdict.APPROVE, content, "$tick", at.time.wall)

    await at.store.transact(approve)
    gate = at.x.hold("post")
    at.start()
    await gate.entered.wait()
    await at.store.transact(lambda tx: tx.accounts.grant(acme.id, BEN, Role.POSTER, at.time.wall))
    gate.release()
    await at.until_state(posts[1], PostState.HELD)
    await at.settle()
    assert at.x.texts("acme") == TEXTS[:1]
    [words] = [text for text in await at.texts() if "The thread stopped" in text]
    how = f"an approver or owner can let it go on: !send {posts[1].label}"
    assert f"its approval does not hold any more; {how}." in words
    assert f"1 of {len(TEXTS)} parts is out" in words
