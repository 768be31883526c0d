"""The outbox: deleting what is out, and undoing what is on its way."""

import pytest

from bridge.errors import OutcomeUnknown, Rejected, Throttled, Unreachable
from bridge.model import Action, PostState, Role
from tests.unit.outbox_stage import BEN, START, Stage


async def test_a_post_that_is_out_is_deleted(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    at.start()
    out = await at.until_state(post, PostState.POSTED)
    wish = await at.undo(post)
    await at.until_state(wish, PostState.POSTED)
    assert at.x.texts("acme") == []
    assert (await at.row(post)).deleted
    assert await at.texts(wish) == [f"Deleted @acme's post “hello” ({out.remote_id})."]
    assert await at.signs(wish) == ["✅"]


async def test_a_repost_is_made_and_taken_back(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme, "", action=Action.REPOST, target="77")
    at.start()
    await at.until_state(post, PostState.POSTED)
    assert at.x.reposts("acme") == ["77"]
    assert (await at.texts(post))[0].startswith("Reposted as @acme: ")
    wish = await at.undo(post)
    await at.until_state(wish, PostState.POSTED)
    assert at.x.reposts("acme") == []
    assert await at.texts(wish) == ["Took back @acme's repost of 77."]


async def test_an_undo_meanwhile_deletes_what_went_out(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    gate = at.x.hold("post")
    at.start()
    await gate.entered.wait()
    wish = await at.undo(post)
    gate.release()
    await at.until_state(wish, PostState.POSTED)
    assert at.x.texts("acme") == []


async def test_an_undo_meanwhile_of_a_post_that_failed_has_nothing_to_do(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    gate = at.x.hold("post", Rejected("no"))
    at.start()
    await gate.entered.wait()
    wish = await at.undo(post)
    gate.release()
    await at.until_state(wish, PostState.FAILED)
    assert (await at.row(post)).state is PostState.FAILED
    assert "nothing to delete" in (await at.texts(wish))[0]
    assert at.x.count("delete") == 0


@pytest.mark.parametrize("error", [Throttled("slow down", retry_at=START + 300), Unreachable("no route")])
async def test_an_undo_meanwhile_stops_a_post_that_came_back(at: Stage, error: Exception) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    gate = at.x.hold("post", error)
    at.start()
    await gate.entered.wait()
    wish = await at.undo(post)
    gate.release()
    await at.until_state(wish, PostState.FAILED)
    assert (await at.row(post)).state is PostState.FAILED
    await at.pass_(400.0)
    assert at.x.count("post") == 1
    assert "Undone before it went out" in (await at.texts(wish))[0]


async def test_a_delete_does_not_wait_behind_a_queue_that_rests(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme, "first")
    at.start()
    await at.until_state(post, PostState.POSTED)
    await at.store.transact(lambda tx: tx.accounts.rest(acme.id, Action.POST, START + 500))
    waiting = await at.queue(acme, "second")
    wish = await at.undo(post)
    await at.until_state(wish, PostState.POSTED)
    assert (await at.row(waiting)).state is PostState.QUEUED


async def test_an_unclear_delete_is_simply_tried_again(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    at.start()
    await at.until_state(post, PostState.POSTED)
    at.x.fail("delete", OutcomeUnknown("cut"), taken=True)
    wish = await at.undo(post)
    await at.pass_slowly(3.0)
    await at.until_state(wish, PostState.POSTED)
    assert at.x.count("delete") == 2


async def test_a_delete_that_never_gets_a_clear_answer_ends(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    at.start()
    await at.until_state(post, PostState.POSTED)
    at.x.always_fail("delete", lambda: OutcomeUnknown("cut"))
    wish = await at.undo(post)
    await at.pass_slowly(400.0, 20.0)
    await at.until_state(wish, PostState.FAILED)
    assert at.x.count("delete") == 8
    assert (await at.texts(wish))[-1].startswith("unknown: ")


async def test_only_those_with_the_right_delete(at: Stage) -> None:
    acme = await at.link("acme")
    await at.store.transact(lambda tx: tx.accounts.grant(acme.id, BEN, Role.POSTER, START))
    post = await at.queue(acme)
    at.start()
    await at.until_state(post, PostState.POSTED)
    wish = await at.undo(post, BEN)
    await at.until_state(wish, PostState.FAILED)
    assert at.x.texts("acme") == ["hello"]
