"""The outbox when nobody knows whether a post went out: it looks, tells, asks, and never sends again by itself."""

import pytest

from bridge.errors import LinkBroken, OutcomeUnknown, Rejected, Throttled, Unreachable
from bridge.model import Action, Draft, Post, PostState, Speech
from tests.unit.outbox_stage import ANA, PRESS, START, Stage


async def unknown(at: Stage, *, taken: bool, text: str = "hello") -> Post:
    """A post of @acme whose answer was lost."""
    acme = await at.link("acme")
    at.x.fail("post", OutcomeUnknown("the connection was cut"), taken=taken)
    post = await at.queue(acme, text)
    at.start()
    return await at.until_state(post, PostState.UNKNOWN)


async def test_it_is_said_at_once_and_found(at: Stage) -> None:
    post = await unknown(at, taken=True)
    (said,) = await at.texts(post)
    assert said.startswith("unknown: ")
    assert "“hello”" in said
    assert await at.signs(post) == ["❓"]
    await at.pass_(1.0)
    row = await at.until_state(post, PostState.POSTED)
    assert row.remote_id == at.x.person("acme").posts[0].id
    assert (await at.texts(post))[-1].startswith("Posted as @acme: ")
    assert await at.signs(post) == ["✅"]
    assert at.x.count("post") == 1


async def test_what_is_not_seen_for_a_minute_is_asked_about_and_not_sent(at: Stage) -> None:
    post = await unknown(at, taken=False)
    await at.pass_slowly(59.0)
    assert (await at.row(post)).question_id is None
    await at.pass_slowly(3.0)
    row = await at.row(post)
    assert row.state is PostState.UNKNOWN
    assert row.question_id is not None
    said = (await at.texts(post))[-1]
    assert "probably not posted, which nobody can prove" in said
    assert f"!send {post.label}" in said
    assert f"!drop {post.label}" in said
    await at.pass_slowly(600.0, 30.0)
    assert at.x.count("post") == 1
    assert 5 <= at.x.count("find") <= 7
    assert len(await at.texts(post)) == 2


async def test_it_holds_its_account_for_fifteen_seconds_at_most(at: Stage) -> None:
    post = await unknown(at, taken=False)
    acme = await at.link("acme")
    after = await at.queue(acme, "after")
    await at.pass_slowly(14.0)
    assert (await at.row(after)).state is PostState.QUEUED
    await at.pass_slowly(2.0)
    assert (await at.row(after)).state is PostState.POSTED
    assert (await at.row(post)).state is PostState.UNKNOWN


async def test_the_hold_ends_when_it_is_found(at: Stage) -> None:
    await unknown(at, taken=True)
    acme = await at.link("acme")
    after = await at.queue(acme, "after")
    await at.pass_(1.0)
    assert (await at.row(after)).state is PostState.POSTED
    assert at.x.texts("acme") == ["hello", "after"]


async def test_a_timeline_that_lags_is_looked_at_again(at: Stage) -> None:
    at.x.blind = True
    post = await unknown(at, taken=True)
    await at.pass_slowly(20.0)
    assert (await at.row(post)).state is PostState.UNKNOWN
    at.x.blind = False
    await at.pass_slowly(11.0)
    assert (await at.row(post)).state is PostState.POSTED


async def test_looks_that_fail_are_borne(at: Stage) -> None:
    at.x.fail("find", Throttled("slow down", retry_at=START + 900))
    at.x.fail("find", Unreachable("no route"))
    at.x.fail("find", ValueError("garbage"))
    post = await unknown(at, taken=True)
    await at.pass_slowly(16.0)
    assert (await at.row(post)).state is PostState.POSTED


async def test_looks_that_all_fail_end_in_a_question(at: Stage) -> None:
    at.x.always_fail("find", lambda: LinkBroken("dead"))
    post = await unknown(at, taken=True)
    await at.pass_slowly(64.0)
    assert (await at.row(post)).question_id is not None
    said = (await at.texts(post))[-1]
    assert said.startswith("unknown: whether “hello” is out, nobody can say. I could not look: please look at")
    assert "probably" not in said


async def test_of_several_that_could_not_be_looked_for_none_is_called_probably_not_posted(at: Stage) -> None:
    at.x.always_fail("find", lambda: LinkBroken("dead"))
    at.x.always_fail("post", lambda: OutcomeUnknown("cut"))
    posts = [await at.queue(await at.link(handle), handle) for handle in ("one", "two")]
    at.start()
    await at.until_state(posts[-1], PostState.UNKNOWN)
    await at.pass_slowly(64.0)
    (said,) = [text for text in await at.texts() if text.startswith("unknown: whether")]
    assert "whether 2 of yours are out, nobody can say. I could not look for all of them" in said
    assert "“one”, the account's posts could not be read" in said


async def test_an_undo_of_one_that_could_not_be_looked_for_does_not_say_that_there_is_nothing(at: Stage) -> None:
    at.x.always_fail("find", lambda: LinkBroken("dead"))
    post = await unknown(at, taken=True)
    undo = await at.undo(post)
    await at.pass_slowly(64.0)
    said = (await at.texts(undo))[-1]
    assert "I could not look: please look at @acme yourself. Should it show up: !undo its address" in said
    assert "nothing to delete" not in said


async def test_an_earlier_post_with_the_same_text_is_not_taken_for_it(at: Stage) -> None:
    at.x.put("acme", "hello")
    at.pass_later(60.0)
    post = await unknown(at, taken=False)
    await at.pass_slowly(63.0)
    assert (await at.row(post)).state is PostState.UNKNOWN
    assert (await at.row(post)).question_id is not None


async def test_a_post_that_is_ours_already_is_not_taken_for_it(at: Stage) -> None:
    acme = await at.link("acme")
    first = await at.queue(acme, "hello")
    at.start()
    out = await at.until_state(first, PostState.POSTED)
    at.x.fail("post", OutcomeUnknown("cut"))
    second = await at.queue(acme, "hello")
    await at.until_state(second, PostState.UNKNOWN)
    await at.pass_slowly(63.0)
    assert (await at.row(second)).state is PostState.UNKNOWN
    assert all(out.remote_id in known for _, known in at.x.finds)


async def test_the_word_of_the_author_sends_it_again(at: Stage) -> None:
    post = await unknown(at, taken=False)
    await at.pass_slowly(63.0)
    await at.send(post)
    row = await at.until_state(post, PostState.POSTED)
    assert at.x.count("post") == 2
    assert at.x.texts("acme") == ["hello"]
    assert row.attempts == 2
    assert await at.signs(post) == ["✅"]


async def test_a_duplicate_then_proves_that_the_first_went_out(at: Stage) -> None:
    at.x.blind = True
    post = await unknown(at, taken=True)
    await at.pass_slowly(63.0)
    at.x.blind = False
    await at.send(post)
    row = await at.until_state(post, PostState.POSTED)
    assert row.remote_id == at.x.person("acme").posts[0].id
    assert at.x.texts("acme") == ["hello"]
    assert (await at.texts(post))[-1].startswith("Posted as @acme: ")
    assert at.x.finds[-1][0] <= START  # looked for since the first claim


async def test_a_proven_post_whose_address_is_not_found_is_posted_nevertheless(at: Stage) -> None:
    at.x.blind = True
    post = await unknown(at, taken=True)
    await at.pass_slowly(63.0)
    await at.send(post)
    await at.pass_slowly(63.0)
    row = await at.row(post)
    assert (row.state, row.remote_id) == (PostState.POSTED, None)
    assert "went out as @acme at the first attempt" in (await at.texts(post))[-1]
    wish = await at.undo(post)
    await at.until_state(wish, PostState.FAILED)
    assert "not deleted" in (await at.texts(wish))[0]


async def test_another_refusal_of_the_second_attempt_leaves_the_first_in_doubt(at: Stage) -> None:
    post = await unknown(at, taken=False)
    await at.pass_slowly(63.0)
    at.x.fail("post", Rejected("no"))
    await at.send(post)
    await at.until_state(post, PostState.FAILED)
    assert "earlier attempt went out is still unknown" in (await at.texts(post))[-1]


async def test_a_second_attempt_that_grew_old_is_never_called_not_posted(at: Stage) -> None:
    post = await unknown(at, taken=False)
    await at.pass_slowly(63.0)
    at.x.fail("post", Throttled("slow down", retry_at=at.time.wall + 700))
    await at.send(post)
    await at.settle()
    await at.pass_(701.0)
    row = await at.until_state(post, PostState.UNKNOWN)
    assert row.question_id is not None
    assert (await at.texts(post))[-1].startswith("unknown: ")
    assert at.x.count("post") == 2


async def test_an_undo_meanwhile_deletes_it_when_it_is_found(at: Stage) -> None:
    post = await unknown(at, taken=True)
    wish = await at.undo(post)
    await at.pass_(1.0)
    await at.until_state(wish, PostState.POSTED)
    assert at.x.texts("acme") == []


async def test_an_undo_of_a_post_that_is_not_found_ends_in_words_not_in_a_question(at: Stage) -> None:
    post = await unknown(at, taken=False)
    wish = await at.undo(post)
    await at.pass_slowly(63.0)
    assert (await at.row(wish)).state is PostState.FAILED
    assert (await at.row(post)).state is PostState.FAILED
    assert (await at.texts(wish))[-1].startswith("unknown: ")
    assert at.x.count("post") == 1


async def test_an_undo_after_the_question_looks_once_more(at: Stage) -> None:
    at.x.blind = True
    post = await unknown(at, taken=True)
    await at.pass_slowly(63.0)
    assert (await at.row(post)).question_id is not None
    at.x.blind = False
    wish = await at.undo(post)
    await at.until_state(wish, PostState.POSTED)
    assert at.x.texts("acme") == []


async def test_several_unsure_posts_of_a_person_in_a_room_are_one_question(at: Stage) -> None:
    accounts = [await at.link(f"h{n}") for n in range(12)]
    at.x.always_fail("post", lambda: OutcomeUnknown("cut"))
    posts = [await at.queue(account, f"of {account.handle}") for account in accounts]
    at.start()
    await at.until_state(posts[-1], PostState.UNKNOWN)
    await at.pass_slowly(63.0)
    questions = {(await at.row(post)).question_id for post in posts}
    assert len(questions) == 1
    (said,) = [a.body for a in await at.answers() if a.question_id is not None and a.speech is Speech.TEXT]
    assert "12 of yours were probably not posted" in said
    assert "… and 2 more" in said


async def test_after_a_restart_it_is_looked_for_again_and_asked_about_once(at: Stage) -> None:
    post = await unknown(at, taken=False)
    await at.crash()
    at.pass_later(3600.0)
    at.start()
    await at.settle()
    row = await at.row(post)
    assert row.question_id is not None
    await at.crash()
    at.start()
    await at.settle()
    assert (await at.row(post)).question_id == row.question_id
    assert at.x.count("post") == 1
    assert sum("which nobody can prove" in said for said in await at.texts(post)) == 1


@pytest.mark.parametrize("jump", [-7200.0, 7200.0])
async def test_a_clock_that_jumps_neither_posts_twice_nor_stalls(at: Stage, jump: float) -> None:
    post = await unknown(at, taken=False)
    at.time.wall += jump
    await at.pass_slowly(63.0)
    assert (await at.row(post)).question_id is not None
    assert at.x.count("post") == 1


async def test_a_row_found_sending_at_start_is_unknown_and_said_so(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.store.transact(
        lambda tx: tx.posts.add(
            Action.POST, acme.id, ANA, PRESS, "$m", None, Draft("hi"),
            state=PostState.SENDING, now=START, fresh_at=START, due_at=START,
        )
    )  # fmt: skip
    at.start()
    await at.until_state(post, PostState.UNKNOWN)
    assert (await at.texts(post))[0].startswith("unknown: ")
    assert at.x.count("post") == 0
