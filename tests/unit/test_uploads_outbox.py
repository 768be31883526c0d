"""Uploads that take long or fail: how long the account's other posts wait for them, and what people hear. Pictures that
are too large: scaled down only when their sender says so.
"""

import asyncio
import io
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bridge import fetching, pictures
from bridge.errors import OutcomeUnknown, Throttled
from bridge.model import Account, Action, Draft, Medium, Post, PostState
from tests.film import film
from tests.unit.outbox_stage import STALE, Stage, stage

FILM = Medium("mxc://example.org/film", "video/mp4", 0, "film.mp4")
CAT = Medium("mxc://example.org/cat", "image/jpeg", 0, "cat.jpg", alt="A cat")


def noise() -> bytes:
    made = io.BytesIO()
    Image.effect_noise((200, 200), 90).save(made, "JPEG", quality=95)
    return made.getvalue()


LARGE = noise()


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as made:
        made.matrix.files = {FILM.source: film(), CAT.source: LARGE}
        yield made


async def queue(at: Stage, account: Account, *media: Medium, text: str = "the film") -> Post:
    return await at.queue_media(account, *(media or (FILM,)), text=text)


# ---------------------------------------------------------------- who waits for whom


async def test_a_slow_upload_holds_the_others_for_a_while_only(at: Stage) -> None:
    acme = await at.link("acme")
    post, gate = await queue(at, acme), at.x.hold("upload")
    at.start()
    await gate.entered.wait()
    await at.queue_all(acme, ["second", "third"])
    await at.pass_slowly(14)
    assert at.x.texts("acme") == []
    await at.pass_slowly(2)
    assert at.x.texts("acme") == ["second", "third"]
    gate.release()
    await at.until_state(post, PostState.POSTED)
    assert at.x.texts("acme") == ["second", "third", "the film"]
    assert (at.x.overlaps, at.x.count("upload")) == (0, 1)


async def test_what_rests_behind_a_slow_upload_is_no_reason_for_turn_after_turn(at: Stage) -> None:
    acme = await at.link("acme")
    _, gate = await queue(at, acme), at.x.hold("upload")
    at.start()
    await gate.entered.wait()
    await at.pass_slowly(16)
    until = at.time.wall + 500
    await at.store.transact(lambda tx: tx.accounts.rest(acme.id, Action.REPOST, until))
    repost = await at.queue(acme, "", action=Action.REPOST, target="123")
    await at.settle()
    assert at.outbox._wake > at.time.mono
    await at.pass_slowly(4)
    assert "The publisher lets @acme do this again at" in (await at.texts(repost))[0]
    await at.pass_slowly(500, 50)
    assert (await at.row(repost)).state is PostState.POSTED
    gate.release()


async def test_a_quick_upload_keeps_the_order(at: Stage) -> None:
    acme = await at.link("acme")
    post, gate = await queue(at, acme), at.x.hold("upload")
    at.start()
    await gate.entered.wait()
    later = await at.queue(acme, "second")
    await at.pass_slowly(10)
    gate.release()
    await at.until_state(post, PostState.POSTED)
    await at.until_state(later, PostState.POSTED)
    assert at.x.texts("acme") == ["the film", "second"]


async def test_its_thread_waits_however_long(at: Stage) -> None:
    acme = await at.link("acme")
    first, gate = await queue(at, acme, text="one"), at.x.hold("upload")
    second = await at.queue(acme, "two")
    for part, row in enumerate((first, second), 1):
        thread = replace(row, thread_root=first.id, part=part)
        await at.store.transact(lambda tx, thread=thread: tx.posts.extend(thread))  # type: ignore[misc]  # bound at once
    at.start()
    await gate.entered.wait()
    await at.queue(acme, "another")
    await at.pass_slowly(120)
    assert at.x.texts("acme") == ["another"]
    gate.release()
    await at.until_state(second, PostState.POSTED)
    assert at.x.texts("acme") == ["another", "one", "two"]


async def test_other_accounts_wait_for_nothing(at: Stage) -> None:
    acme, other = await at.link("acme"), await at.link("other")
    await queue(at, acme)
    gate = at.x.hold("upload")
    at.start()
    await gate.entered.wait()
    await at.until_state(await at.queue(other, "mine"), PostState.POSTED)


async def test_an_upload_that_fails_for_long_holds_nobody_either(at: Stage) -> None:
    acme = await at.link("acme")
    post = await queue(at, acme)
    at.x.always_fail("upload", lambda: OutcomeUnknown("cut"))
    at.start()
    await at.settle()
    await at.queue(acme, "second")
    await at.pass_slowly(14)
    assert at.x.texts("acme") == []
    await at.pass_slowly(3)
    assert at.x.texts("acme") == ["second"]
    at.x.always_fail("upload", None)
    await at.pass_slowly(60)
    assert at.x.texts("acme") == ["second", "the film"]
    assert (await at.row(post)).state is PostState.POSTED


async def test_what_rests_is_the_post_with_the_picture_only(at: Stage) -> None:
    acme = await at.link("acme")
    post = await queue(at, acme)
    at.x.fail("upload", Throttled("too many files", retry_at=at.time.wall + 300.0))
    at.start()
    await at.settle()
    await at.queue(acme, "second")
    await at.pass_slowly(16)
    assert at.x.texts("acme") == ["second"]
    await at.pass_slowly(290)
    assert at.x.texts("acme") == ["second", "the film"]
    assert (await at.row(post)).state is PostState.POSTED


async def test_an_undo_sets_the_others_free(at: Stage) -> None:
    acme = await at.link("acme")
    post, gate = await queue(at, acme), at.x.hold("upload")
    at.start()
    await gate.entered.wait()
    later = await at.queue(acme, "second")
    row = await at.row(post)
    await at.store.transact(lambda tx: tx.posts.save(replace(row, state=PostState.FAILED, reason="undone")))
    await at.until_state(later, PostState.POSTED)
    await at.settle()
    assert (at.x.uploading, at.outbox.in_flight, at.x.texts("acme")) == (0, 0, ["second"])  # nobody waits for it


async def test_an_account_has_so_many_uploads_at_once(at: Stage) -> None:
    acme = await at.link("acme")
    films = [replace(FILM, source=f"{FILM.source}{number}") for number in range(3)]
    at.matrix.files |= {one.source: film() for one in films}
    posts = [await queue(at, acme, one, text=one.source) for one in films]
    gates = [at.x.hold("upload") for _ in films]
    await at.queue(acme, "words")
    at.start()
    await gates[0].entered.wait()
    assert at.x.uploading == 1
    await at.pass_slowly(16)
    assert at.x.uploading == 2
    await at.pass_slowly(16)
    assert (at.x.uploading, at.x.texts("acme")) == (2, [])
    await at.pass_slowly(16)
    assert at.x.texts("acme") == ["words"]
    gates[0].release()
    await gates[2].entered.wait()
    for gate in gates:
        gate.release()
    await at.until_state(posts[2], PostState.POSTED)
    assert sorted(at.x.texts("acme")) == sorted(["words", *(one.source for one in films)])
    assert (at.x.overlaps, at.x.count("upload")) == (0, 3)


async def test_a_long_upload_makes_no_command_old(at: Stage) -> None:
    post, gate = await queue(at, await at.link("acme")), at.x.hold("upload")
    at.start()
    await gate.entered.wait()
    await at.pass_slowly(STALE + 100, 50.0)
    assert (await at.row(post)).state is PostState.QUEUED
    gate.release()
    await at.until_state(post, PostState.POSTED)


async def test_its_author_hears_once_that_it_takes_long(at: Stage) -> None:
    post, gate = await queue(at, await at.link("acme")), at.x.hold("upload")
    at.start()
    await gate.entered.wait()
    await at.pass_slowly(8)
    assert await at.texts(post) == []
    await at.pass_slowly(30)
    assert await at.texts(post) == [
        "The video for @acme is still being uploaded. “the film” waits: not posted yet. To stop it: !undo k1"
    ]
    gate.release()
    await at.until_state(post, PostState.POSTED)
    assert (await at.texts(post))[-1].startswith("Posted as @acme with the video “film.mp4”: ")


async def test_a_stop_gives_uploads_up_at_once(at: Stage) -> None:
    post, gate = await queue(at, await at.link("acme")), at.x.hold("upload")
    at.start()
    await gate.entered.wait()
    began = time.monotonic()
    await at.outbox.drain()
    assert time.monotonic() - began < 1.0
    await at.crash()
    assert at.x.uploading == 0
    assert ((await at.row(post)).state, (await at.row(post)).claimed_at) == (PostState.QUEUED, None)
    at.start()
    await at.until_state(post, PostState.POSTED)
    assert at.x.texts("acme") == ["the film"]


# ---------------------------------------------------------------- what the file turns out to be


async def test_a_video_that_is_longer_than_said_is_refused(at: Stage) -> None:
    at.matrix.files[FILM.source] = film(head=b"\0\0\0\x6cmvhd" + bytes(12) + b"\0\0\0\x01\0\0\0\xb4" + bytes(80))
    post = await queue(at, await at.link("acme"), replace(FILM, duration=5.0))
    at.start()
    await at.until_state(post, PostState.FAILED)
    assert (await at.texts(post)) == ["“the film” was not posted as @acme: The video is too long."]
    assert at.x.count("upload") == 0


async def test_a_full_disk_is_said_and_nothing_is_lost(at: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_SPARE", 1 << 60)
    post = await queue(at, await at.link("acme"))
    at.start()
    await at.settle()
    assert (await at.row(post)).state is PostState.QUEUED
    await at.pass_slowly(400, 2.0)
    [*_, said] = await at.texts(post)
    assert "“the film” was not posted as @acme: its picture did not get there: there is no room for it" in said
    assert at.matrix.fetched == []


async def test_a_disk_that_fills_up_on_the_way_is_said(at: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fetch(medium: Medium, into: Path, *, most: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(at.matrix, "fetch", fetch)
    post = await queue(at, await at.link("acme"))
    at.start()
    await at.settle()
    assert (await at.row(post)).state is PostState.QUEUED
    monkeypatch.undo()
    await at.pass_slowly(60)
    assert (await at.row(post)).state is PostState.POSTED


# ---------------------------------------------------------------- too large a picture


@pytest.fixture
def small(at: Stage, monkeypatch: pytest.MonkeyPatch) -> int:
    """What the publisher takes now, in bytes: a part of the picture."""
    most = len(LARGE) // 2
    monkeypatch.setattr(at.x, "largest", lambda _mime: most)
    return most


@pytest.mark.parametrize("size", [0, 10, 40 << 20])
async def test_a_picture_that_is_too_large_is_asked_about(at: Stage, small: int, size: int) -> None:
    post = await queue(at, await at.link("acme"), replace(CAT, size=size))
    at.start()
    await at.until_state(post, PostState.HELD)
    await at.settle()
    [asked] = await at.texts(post)
    shown = "40" if size > small else "0"
    assert asked == (
        f"Look twice before “the film” goes out: The picture has {shown} MB, and X takes 0: it would be scaled down. "
        "It waits: not posted. Post it all the same: !send k1 or ✅ here · forget it: !drop k1 "
        "or ❌ here"
    )
    assert at.x.count("upload") == 0
    assert at.matrix.fetched == ([] if size > small else [CAT.source])
    row = await at.row(post)
    assert row.draft.media[0].size == (size if size > small else len(LARGE))
    assert await at.signs(post) == []

    permitted = replace(row, draft=replace(row.draft, media=(replace(row.draft.media[0], scaled=True),)))
    await at.store.transact(lambda tx: tx.posts.save(permitted))
    await at.send(post)
    await at.until_state(post, PostState.POSTED)
    [(content, _, alt)] = at.x.uploads.values()
    assert (len(content) <= small, alt) == (True, "A cat")


async def test_it_is_not_scaled_because_it_was_sent_for_another_reason(at: Stage, small: int) -> None:
    post = await queue(at, await at.link("acme"))
    await at.send(post)
    old = replace(await at.row(post), draft=Draft("x", media=(CAT,)))
    await at.store.transact(lambda tx: tx.posts.save(old))
    at.start()
    await at.until_state(post, PostState.HELD)
    assert at.x.count("upload") == 0


async def test_of_a_thread_one_question_is_asked(at: Stage, small: int) -> None:
    acme = await at.link("acme")
    first, second = await queue(at, acme, CAT, text="one"), await at.queue(acme, "two")
    for part, row in enumerate((first, second), 1):
        thread = replace(row, thread_root=first.id, part=part)
        await at.store.transact(lambda tx, thread=thread: tx.posts.extend(thread))  # type: ignore[misc]  # bound at once
    at.start()
    await at.until_state(second, PostState.HELD)
    await at.settle()
    [asked] = await at.texts()
    assert asked.startswith("Look twice before the thread “one” of 2 parts goes out: The picture has 0 MB")
    assert at.x.texts("acme") == []


async def test_pictures_are_opened_one_at_a_time(at: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = [await at.link(f"a{number}") for number in range(4)]
    posts = [await queue(at, account, CAT) for account in accounts]
    at_once: list[int] = []
    real = pictures.clean

    def clean(source: Path, into: Path, mime: str, **more: Any) -> float:
        at_once.append(1)
        try:
            assert len(at_once) == 1
            return real(source, into, mime, **more)
        finally:
            at_once.pop()

    monkeypatch.setattr(pictures, "clean", clean)
    at.start()
    await asyncio.gather(*(at.until_state(post, PostState.POSTED) for post in posts))
