"""Pictures in the outbox: uploaded before the post is claimed, cleaned, again after a crash, and never a post twice."""

import base64
import hashlib
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bridge import alttext
from bridge.errors import ChatUnreachable, LinkBroken, OutcomeUnknown, Rejected, Throttled, Unreachable
from bridge.interfaces import Tx
from bridge.model import Account, Draft, Medium, Policy, Post, PostState, Role
from tests.fakes.publisher import Gate
from tests.unit.outbox_stage import ANA, Stage, stage

SECRET = b"taken at home"
CAT = Medium("mxc://example.org/cat", "image/jpeg", 0, "cat.jpg", alt="A cat")
DOG = replace(CAT, source="mxc://example.org/dog", alt="A dog")


def picture() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(made, "JPEG", exif=exif)
    return made.getvalue()


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as made:
        made.matrix.files = {CAT.source: picture(), DOG.source: picture()}
        yield made


async def queue(at: Stage, account: Account, *media: Medium, text: str = "hello") -> Post:
    return await at.queue_media(account, *(media or (CAT,)), text=text)


async def test_a_picture_goes_up_first_without_its_secrets(at: Stage) -> None:
    post = await queue(at, await at.link("acme"), CAT, DOG)
    at.start()
    row = await at.until_state(post, PostState.POSTED)
    [made] = at.x.person("acme").posts
    assert [at.x.uploads[media_id][1:] for media_id in made.media] == [("image/jpeg", "A cat"), ("image/jpeg", "A dog")]
    assert all(SECRET not in content for content, _, _ in at.x.uploads.values())
    assert [call.method for call in at.x.calls] == ["upload", "upload", "post"]
    assert [one.remote_id for one in row.draft.media] == list(made.media)
    [said] = await at.texts(post)
    assert "alt text: “A cat”, “A dog”" in said
    assert row.attempts == 1


async def test_a_file_that_is_not_the_one_that_was_approved_is_not_posted(at: Stage) -> None:
    known = base64.b64encode(hashlib.sha256(picture()).digest()).decode()
    account = await at.link("acme")
    first, second = await queue(at, account, replace(CAT, sha256=known)), await queue(at, account, DOG, text="world")
    at.start()
    assert (await at.until_state(first, PostState.POSTED, PostState.FAILED)).state is PostState.POSTED
    await at.until_state(second, PostState.POSTED)
    assert at.x.texts("acme") == ["hello", "world"]
    at.matrix.files[CAT.source] = picture() + b"another one"
    third = await queue(at, account, replace(CAT, sha256=known), text="swapped")
    row = await at.until_state(third, PostState.POSTED, PostState.FAILED)
    assert row.state is PostState.FAILED
    [said] = await at.texts(third)
    assert "“swapped” was not posted as @acme: its picture is not the one that was there when it was shown" in said
    assert at.x.texts("acme") == ["hello", "world"]
    assert at.x.count("upload") == 2


@pytest.mark.parametrize("said", ["image/jpeg", "image/png", "image/gif"])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
async def test_a_still_picture_is_taken_for_what_it_is(at: Stage, form: str, said: str) -> None:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(made, form)
    at.matrix.files[CAT.source] = made.getvalue()
    post = await queue(at, await at.link("acme"), replace(CAT, mime=said))
    at.start()
    row = await at.until_state(post, PostState.POSTED, PostState.FAILED)
    assert row.state is PostState.POSTED, row.reason
    [(content, mime, _)] = at.x.uploads.values()
    assert mime == f"image/{form.lower()}"
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.format == form


async def test_a_picture_of_a_type_that_is_not_taken_is_refused_whatever_it_is_called(at: Stage) -> None:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(made, "WEBP")
    at.matrix.files[CAT.source] = made.getvalue()
    post = await queue(at, await at.link("acme"))
    at.start()
    row = await at.until_state(post, PostState.POSTED, PostState.FAILED, PostState.HELD)
    assert row.state is PostState.FAILED
    assert "no JPEG" in row.reason


async def test_a_large_still_picture_that_is_no_gif_asks_nothing_that_nobody_can_answer(at: Stage) -> None:
    made = io.BytesIO()
    Image.effect_noise((2600, 2600), 100).save(made, "PNG")
    assert 5 << 20 < made.tell() < 15 << 20
    at.matrix.files[CAT.source] = made.getvalue()
    post = await queue(at, await at.link("acme"), replace(CAT, mime="image/gif"))
    at.start()
    row = await at.until_state(post, PostState.POSTED, PostState.FAILED, PostState.HELD)
    assert row.state is PostState.FAILED
    assert "not of the type that it is said to be" in row.reason


async def test_a_crash_in_an_upload_repeats_the_upload_only(at: Stage) -> None:
    post = await queue(at, await at.link("acme"), CAT, DOG)
    at.x.succeed("upload")
    gate = at.x.hold("upload")
    at.start()
    await gate.entered.wait()
    row = await at.row(post)
    assert (row.state, row.claimed_at) == (PostState.QUEUED, None)
    await at.crash()
    assert at.x.texts("acme") == []
    at.start()
    row = await at.until_state(post, PostState.POSTED)
    assert at.x.texts("acme") == ["hello"]
    assert at.x.count("upload") == 3  # the first one was on disk
    assert at.x.count("post") == 1


async def test_a_crash_in_the_post_does_not_post_twice(at: Stage) -> None:
    post = await queue(at, await at.link("acme"))
    gate = at.x.hold("post", OutcomeUnknown("cut"), taken=True)
    at.start()
    await gate.entered.wait()
    assert (await at.row(post)).state is PostState.SENDING
    gate.release()
    await at.until_state(post, PostState.UNKNOWN)
    await at.crash()
    at.start()
    for _ in range(60):
        await at.pass_(1.0)
    assert (await at.row(post)).state is PostState.POSTED
    assert (at.x.count("upload"), at.x.count("post")) == (1, 1)


@pytest.mark.parametrize(
    "error",
    [
        OutcomeUnknown("cut"),
        Unreachable("no way"),
        Throttled("wait", retry_at=1_800_000_003.0),
        ChatUnreachable("away"),
    ],
)
async def test_what_passes_is_tried_again(at: Stage, error: Exception) -> None:
    post = await queue(at, await at.link("acme"))
    if isinstance(error, ChatUnreachable):
        at.matrix.errors["fetch"] = error
    else:
        at.x.fail("upload", error)
    at.start()
    await at.settle()
    assert (await at.row(post)).state is PostState.QUEUED
    at.matrix.errors.clear()
    await at.pass_slowly(70)
    assert (await at.row(post)).state is PostState.POSTED
    assert at.x.texts("acme") == ["hello"]


@pytest.mark.parametrize("cause", ["rejected", "broken", "gone", "type", "damaged", "other", "large"])
async def test_what_does_not_pass_fails_the_post(at: Stage, cause: str) -> None:
    acme = await at.link("acme")
    post = await queue(at, acme, replace(CAT, mime="image/svg+xml") if cause == "type" else CAT)
    if cause in ("rejected", "broken"):
        at.x.fail("upload", Rejected("it is ugly") if cause == "rejected" else LinkBroken("revoked"))
    elif cause == "gone":
        at.matrix.files.clear()
    elif cause != "type":
        at.matrix.files[CAT.source] = {"damaged": picture()[:300], "other": b"<svg/>", "large": bytes(6 << 20)}[cause]
    at.start()
    await at.until_state(post, PostState.FAILED)
    [said] = await at.texts(post)
    assert "was not posted as @acme" in said
    assert at.x.count("post") == 0
    assert await at.signs(post) == ["❌"]
    account = await at.store.transact(lambda tx: tx.accounts.get(acme.id))
    assert account is not None
    assert bool(account.broken) == (cause == "broken")


async def test_it_is_not_tried_for_ever(at: Stage) -> None:
    post = await queue(at, await at.link("acme"))
    at.x.always_fail("upload", lambda: OutcomeUnknown("cut"))
    at.start()
    await at.pass_slowly(400, 2.0)
    assert (await at.row(post)).state is PostState.FAILED
    assert at.x.count("upload") == 8
    assert "its picture did not get there" in (await at.row(post)).reason


async def going_up(at: Stage) -> tuple[Post, Gate]:
    """A post whose picture is on its way up until the gate lets it go on."""
    post = await queue(at, await at.link("acme"))
    gate = at.x.hold("upload")
    at.start()
    await gate.entered.wait()
    return await at.row(post), gate


async def test_an_undo_while_it_goes_up_is_an_undo(at: Stage) -> None:
    post, gate = await going_up(at)
    await at.store.transact(lambda tx: tx.posts.save(replace(post, state=PostState.FAILED, reason="undone")))
    gate.release()
    await at.settle()
    assert (await at.row(post)).state is PostState.FAILED
    assert at.x.count("post") == 0


async def test_a_picture_changed_while_it_goes_up_goes_up_anew(at: Stage) -> None:
    post, gate = await going_up(at)
    other = replace(post, draft=replace(post.draft, media=(replace(CAT, alt="Another cat"),)))
    await at.store.transact(lambda tx: tx.posts.save(other))
    gate.release()
    await at.until_state(post, PostState.POSTED)
    [made] = at.x.person("acme").posts
    assert [at.x.uploads[media_id][2] for media_id in made.media] == ["Another cat"]


async def test_rights_are_looked_at_after_the_upload(at: Stage) -> None:
    acme = await at.link("acme")
    post = await queue(at, acme)
    gate = at.x.hold("upload")
    at.start()
    await gate.entered.wait()

    def leave(tx: Tx) -> None:
        tx.accounts.grant(acme.id, ANA, Role.CONTRIBUTOR, at.time.wall)

    await at.store.transact(leave)
    gate.release()
    await at.until_state(post, PostState.FAILED)
    assert at.x.count("post") == 0


async def test_an_old_upload_is_not_relied_on(at: Stage) -> None:
    old = replace(CAT, remote_id="77", uploaded_at=at.time.wall - 21 * 3600)
    post = await queue(at, await at.link("acme"), old)
    at.start()
    row = await at.until_state(post, PostState.POSTED)
    assert row.draft.media[0].remote_id != "77"


# ---------------------------------------------------------------- the policy about alt texts, at the moment of sending


async def require(at: Stage, account: Account) -> None:
    await at.store.transact(lambda tx: tx.policies.put(account.id, Policy(alt="require")))


async def test_what_has_no_alt_text_is_held_where_that_is_demanded_by_now(at: Stage) -> None:
    acme = await at.link("acme")
    post = await queue(at, acme, replace(CAT, alt=""))
    await require(at, acme)
    at.start()
    await at.until_state(post, PostState.HELD)
    await at.settle()
    [asked] = await at.texts()
    assert asked == (
        "Look twice before “hello” goes out: The picture has no alt text. The account's policy is to post none without."
        " It waits: not posted. Give it one, and it goes out: !alt k1 WHAT IT SHOWS · forget it: !drop k1 or ❌ here"
    )
    described = replace(await at.row(post), draft=Draft("hello", media=(CAT,)))
    await at.store.transact(lambda tx: tx.posts.save(described))
    await at.send(post)
    await at.settle()
    assert at.x.texts("acme") == ["hello"]


async def test_asked_only_nothing_is_held_again(at: Stage) -> None:
    acme = await at.link("acme")
    await at.store.transact(lambda tx: tx.policies.put(acme.id, Policy(alt="ask")))
    post = await queue(at, acme, replace(CAT, alt=""))
    at.start()
    await at.until_state(post, PostState.POSTED)


async def test_a_thread_without_its_alt_text_is_held_whole(at: Stage) -> None:
    acme = await at.link("acme")
    first, second = await at.queue_all(acme, ["One", "Two"], state=PostState.DRAFT)

    def work(tx: Tx) -> None:
        for part, row in enumerate((first, second), 1):
            media = (replace(CAT, alt=""),) if part == 1 else ()
            row = replace(
                row, thread_root=first.id, part=part, state=PostState.QUEUED, draft=Draft(f"{part}", media=media)
            )
            tx.posts.save(row)
            tx.posts.extend(row)

    await at.store.transact(work)
    await require(at, acme)
    at.start()
    await at.until_state(second, PostState.HELD)
    await at.settle()
    [asked] = await at.texts()
    assert "Give it one, and it goes out: !alt k1 WHAT IT SHOWS\nForget it: !drop q1 or ❌ here" in asked
    assert at.x.count("post") == 0


async def test_what_was_tried_before_fails_without_its_alt_text(at: Stage) -> None:
    acme = await at.link("acme")
    post = await queue(at, acme, replace(CAT, alt=""))
    claimed = replace(await at.row(post), claimed_at=at.time.wall)
    await at.store.transact(lambda tx: tx.posts.save(claimed))
    await require(at, acme)
    at.start()
    await at.settle()
    assert at.x.count("post") == 0
    assert (await at.row(post)).state is not PostState.QUEUED


# ---------------------------------------------------------------- what a tick stands for


async def test_a_tick_on_a_thread_is_no_word_about_its_alt_text(at: Stage) -> None:
    acme = await at.link("acme")
    first, second = await at.queue_all(acme, ["One", "Two alt: A cat"], state=PostState.DRAFT)

    def work(tx: Tx) -> None:
        for part, row in enumerate((first, second), 1):
            row = replace(row, thread_root=first.id, part=part, state=PostState.HELD, reason=alttext.WITHIN)
            tx.posts.save(row)
            tx.posts.extend(row)

    await at.store.transact(work)
    at.start()
    await at.settle()
    [asked] = await at.texts()
    assert asked.splitlines()[-2:] == [
        "Make that the alt text, and it goes out: !alt k1",
        "Post it all the same: !send q1 or ✅ here · forget it: !drop q1 or ❌ here",
    ]


async def test_nor_is_it_one_on_a_list(at: Stage) -> None:
    acme = await at.link("acme")
    first, _ = await at.queue_all(acme, ["One alt: A cat", "Two"], state=PostState.HELD)
    await at.store.transact(lambda tx: tx.posts.save(replace(first, reason=alttext.WITHIN)))
    at.start()
    await at.settle()
    [asked] = await at.texts()
    assert asked.splitlines()[1:] == [
        f"k1: “One alt: A cat”, {alttext.WITHIN} · Make that the alt text, and it goes out: !alt k1",
        "k2: “Two”, 0 s",
        "Post them all the same: !send q1 or ✅ here · forget them: !drop q1 or ❌ here · a single one: !send k1",
    ]
