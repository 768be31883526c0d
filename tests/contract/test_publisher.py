"""What every Publisher promises; see ``bridge.interfaces``."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import LinkBroken, LinkRefused, OutcomeUnknown, OutOfCredit, Rejected, Throttled, UsageError
from bridge.model import Draft, Linked, Medium
from tests.contract.publishers import FakeStand, SandboxStand, Stand, account, linked


@pytest.fixture(params=["x", "fake"])
async def stand(request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    made: Stand = await SandboxStand.start() if request.param == "x" else FakeStand()
    yield made
    await made.close()


async def until(stand: Stand, method: str) -> None:
    async with asyncio.timeout(5):
        while not stand.known_to_hang(method):  # noqa: ASYNC110 - what is waited for happens in the sandbox
            await asyncio.sleep(0.005)


# ---------------------------------------------------------------- linking


async def test_a_pin_links_the_account_of_who_approved(stand: Stand) -> None:
    link = await stand.publisher.begin_link()
    assert link.authorize_url.startswith("http")
    account = await stand.publisher.finish_link(link.request, stand.approve(link, "ana"))
    assert account.handle == "ana"
    assert account.remote_id.isdigit()
    await stand.publisher.post(account.credentials, Draft("hello"))
    assert stand.texts("ana") == ["hello"]


async def test_two_who_link_at_once_do_not_mix(stand: Stand) -> None:
    first, second = await stand.publisher.begin_link(), await stand.publisher.begin_link()
    pin_of_second, pin_of_first = stand.approve(second, "acme"), stand.approve(first, "ana")
    assert (await stand.publisher.finish_link(first.request, pin_of_first)).handle == "ana"
    assert (await stand.publisher.finish_link(second.request, pin_of_second)).handle == "acme"


async def test_a_wrong_pin_is_refused_and_burns_the_attempt(stand: Stand) -> None:
    link = await stand.publisher.begin_link()
    pin = stand.approve(link, "ana")
    wrong = "0000000" if pin != "0000000" else "1111111"
    with pytest.raises(LinkRefused) as caught:
        await stand.publisher.finish_link(link.request, wrong)
    assert wrong not in str(caught.value)
    with pytest.raises(LinkRefused):
        await stand.publisher.finish_link(link.request, pin)


async def test_a_pin_works_once(stand: Stand) -> None:
    link = await stand.publisher.begin_link()
    pin = stand.approve(link, "ana")
    await stand.publisher.finish_link(link.request, pin)
    with pytest.raises(LinkRefused):
        await stand.publisher.finish_link(link.request, pin)


async def test_linking_again_gives_a_pair_that_works(stand: Stand) -> None:
    await linked(stand, "ana")
    again = await linked(stand, "ana")
    await stand.publisher.post(again.credentials, Draft("hello"))
    assert stand.texts("ana") == ["hello"]


async def test_a_revoked_pair_is_dead_everywhere(stand: Stand) -> None:
    ana = await linked(stand, "ana")
    await stand.publisher.revoke(ana.credentials)
    await stand.publisher.revoke(ana.credentials)
    publisher, it = stand.publisher, account(ana)
    with pytest.raises(LinkBroken):
        await publisher.post(ana.credentials, Draft("hello"))
    with pytest.raises(LinkBroken):
        await publisher.delete(ana.credentials, "12")
    with pytest.raises(LinkBroken):
        await publisher.repost(ana.credentials, it, "12")
    with pytest.raises(LinkBroken):
        await publisher.unrepost(ana.credentials, it, "12")
    with pytest.raises(LinkBroken):
        await publisher.find(ana.credentials, it, Draft("hello"), since=0.0, known=())
    assert stand.texts("ana") == []
    again = await linked(stand, "ana")
    await publisher.post(again.credentials, Draft("hello"))


# ---------------------------------------------------------------- posting


async def test_a_post_is_sent_once_and_has_an_address(stand: Stand) -> None:
    ana = await linked(stand, "ana")
    receipt = await stand.publisher.post(ana.credentials, Draft("hello"))
    assert receipt.rest is None
    assert stand.count("post") == 1
    url = stand.publisher.post_url("ana", receipt.remote_id)
    assert url.endswith(f"/ana/status/{receipt.remote_id}")
    assert stand.publisher.find_id(url) == receipt.remote_id
    assert stand.publisher.find_id(receipt.remote_id) == receipt.remote_id
    assert stand.publisher.find_id("hello") is None


async def test_the_same_text_again_is_refused_as_a_duplicate(stand: Stand) -> None:
    ana = await linked(stand, "ana")
    await stand.publisher.post(ana.credentials, Draft("hello"))
    with pytest.raises(Rejected) as caught:
        await stand.publisher.post(ana.credentials, Draft("hello"))
    assert caught.value.duplicate
    assert caught.value.certain
    assert stand.texts("ana") == ["hello"]


async def test_replying_to_an_own_post(stand: Stand) -> None:
    ana = await linked(stand, "ana")
    first = await stand.publisher.post(ana.credentials, Draft("hello"))
    await stand.publisher.post(ana.credentials, Draft("and more", reply_to=first.remote_id))
    assert stand.texts("ana") == ["hello", "and more"]


async def test_deleting_what_is_gone_is_no_error(stand: Stand) -> None:
    ana = await linked(stand, "ana")
    receipt = await stand.publisher.post(ana.credentials, Draft("hello"))
    await stand.publisher.delete(ana.credentials, receipt.remote_id)
    await stand.publisher.delete(ana.credentials, receipt.remote_id)
    assert stand.texts("ana") == []


async def test_reposting_and_taking_it_back_may_be_repeated(stand: Stand) -> None:
    ana, acme = await linked(stand, "ana"), await linked(stand, "acme")
    post = await stand.publisher.post(acme.credentials, Draft("hello"))
    for _ in range(2):
        receipt = await stand.publisher.repost(ana.credentials, account(ana), post.remote_id)
        assert receipt.remote_id == post.remote_id
    assert stand.reposts("ana") == [post.remote_id]
    for _ in range(2):
        await stand.publisher.unrepost(ana.credentials, account(ana), post.remote_id)
    assert stand.reposts("ana") == []


async def test_check_holds_the_draft_against_the_rules(stand: Stand) -> None:
    for text in ("", " \n ", "x" * 281):
        with pytest.raises(UsageError):
            stand.publisher.check(Draft(text), premium=False)
    stand.publisher.check(Draft("x" * 280), premium=False)
    stand.publisher.check(Draft("x" * 281), premium=True)
    with pytest.raises(UsageError):
        stand.publisher.check(Draft("x" * 25_001), premium=True)


# ---------------------------------------------------------------- when things go wrong


@pytest.mark.parametrize("taken", [True, False])
async def test_a_lost_answer_is_unknown_and_the_post_can_be_looked_for(stand: Stand, taken: bool) -> None:
    ana = await linked(stand, "ana")
    began = time.time()
    stand.lose("post", taken=taken)
    with pytest.raises(OutcomeUnknown) as caught:
        await stand.publisher.post(ana.credentials, Draft("hello & <you> example.com"))
    assert not caught.value.certain
    assert stand.count("post") == 1
    found = await stand.publisher.find(
        ana.credentials, account(ana), Draft("hello & <you> example.com"), since=began, known=()
    )
    assert (found is not None) == taken == bool(stand.texts("ana"))


@pytest.mark.parametrize("method", ["delete", "repost", "unrepost"])
async def test_nothing_is_sent_a_second_time(stand: Stand, method: str) -> None:
    ana = await linked(stand, "ana")
    post = await stand.publisher.post(ana.credentials, Draft("hello"))
    stand.lose(method, taken=True)
    pair, it, publisher = ana.credentials, account(ana), stand.publisher
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "delete": lambda: publisher.delete(pair, post.remote_id),
        "repost": lambda: publisher.repost(pair, it, post.remote_id),
        "unrepost": lambda: publisher.unrepost(pair, it, post.remote_id),
    }
    with pytest.raises(OutcomeUnknown):
        await calls[method]()
    assert stand.count(method) == 1


async def test_find_knows_what_it_must_not_find(stand: Stand) -> None:
    ana = await linked(stand, "ana")
    began = time.time()
    mine = await stand.publisher.post(ana.credentials, Draft("hello"))
    find, it = stand.publisher.find, account(ana)
    assert await find(ana.credentials, it, Draft("hello"), since=began, known=()) == mine
    assert await find(ana.credentials, it, Draft("hello"), since=began, known={mine.remote_id}) is None
    assert await find(ana.credentials, it, Draft("hello"), since=began + 30, known=()) is None
    assert await find(ana.credentials, it, Draft("hello!"), since=began, known=()) is None
    assert await find(ana.credentials, it, Draft("hello"), since=0.0, known=()) == mine


async def test_out_of_credit_is_certain(stand: Stand) -> None:
    ana = await linked(stand, "ana")
    stand.out_of_credit("post")
    with pytest.raises(OutOfCredit) as caught:
        await stand.publisher.post(ana.credentials, Draft("hello"))
    assert caught.value.certain
    assert stand.texts("ana") == []


async def test_throttled_says_until_when(stand: Stand) -> None:
    ana = await linked(stand, "ana")
    began = time.time()
    stand.throttle("post", 120.0)
    with pytest.raises(Throttled) as caught:
        await stand.publisher.post(ana.credentials, Draft("hello"))
    assert began + 115 < caught.value.retry_at < time.time() + 125
    await stand.publisher.post(ana.credentials, Draft("hello"))


async def test_cancelling_a_call_in_flight_passes_through(stand: Stand) -> None:
    ana = await linked(stand, "ana")
    stand.hang("post")
    call = asyncio.create_task(stand.publisher.post(ana.credentials, Draft("hello")))
    await until(stand, "post")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await stand.publisher.post(ana.credentials, Draft("hello again"))
    assert stand.texts("ana") == ["hello again"]


async def test_accounts_post_at_the_same_time(stand: Stand) -> None:
    people = [await linked(stand, f"person_{number}") for number in range(8)]
    await asyncio.gather(*(stand.publisher.post(one.credentials, Draft("hello")) for one in people))
    assert all(stand.texts(one.handle) == ["hello"] for one in people)


# ---------------------------------------------------------------- pictures


PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


async def test_a_picture_that_was_uploaded_can_be_posted(stand: Stand, tmp_path: Path) -> None:
    ana = await linked(stand, "ana")
    (tmp_path / "cat").write_bytes(PIXEL)
    stand.lose("upload", taken=True)
    with pytest.raises(OutcomeUnknown):
        await stand.publisher.upload(ana.credentials, tmp_path / "cat", "image/png", "A cat")
    media_id = await stand.publisher.upload(ana.credentials, tmp_path / "cat", "image/png", "A cat")
    assert stand.texts("ana") == []
    media = (Medium("mxc://example.org/cat", "image/png", alt="A cat", remote_id=media_id),)
    draft = Draft("With a picture", media=media)
    stand.publisher.check(draft, premium=False)
    receipt = await stand.publisher.post(ana.credentials, draft)
    assert stand.texts("ana") == ["With a picture"]
    found = await stand.publisher.find(ana.credentials, account(ana), draft, since=time.time() - 60.0, known=())
    assert found is not None
    assert found.remote_id == receipt.remote_id


async def test_a_picture_that_nobody_uploaded_cannot_be_posted(stand: Stand) -> None:
    ana = await linked(stand, "ana")
    media = (Medium("mxc://example.org/cat", "image/png", remote_id="1234"),)
    with pytest.raises(Rejected):
        await stand.publisher.post(ana.credentials, Draft("With a picture", media=media))
    assert stand.texts("ana") == []


def test_only_files_of_some_size_and_length_are_taken(stand: Stand) -> None:
    x = stand.publisher
    assert x.largest("image/png") > 1 << 20
    assert x.largest("video/mp4") > x.largest("image/gif") > x.largest("image/png")
    assert x.largest("text/html") == x.largest("") == 0
    picture = Medium("mxc://a/b", "image/png")
    refused = [
        replace(picture, mime="text/html", size=10),
        replace(picture, mime=""),
        replace(picture, size=60 << 20),
        replace(picture, mime="image/gif", size=x.largest("image/gif") + 1),
        replace(picture, mime="video/mp4", size=x.largest("video/mp4") + 1),
        replace(picture, mime="video/mp4", duration=180.0),
    ]
    for medium in refused:
        with pytest.raises(UsageError):
            x.check(Draft("hello", media=(medium,)), premium=False)
        with pytest.raises(UsageError):
            x.check_medium(medium)
    # A picture that is only somewhat too large can be scaled down.
    for medium in (
        replace(picture, size=x.largest("image/png") + 1),
        replace(picture, mime="video/mp4", duration=140.0),
    ):
        x.check(Draft("hello", media=(medium,)), premium=False)


async def picture(stand: Stand, who: Linked, folder: Path) -> Draft:
    """A picture without text, uploaded."""
    (folder / "cat").write_bytes(PIXEL)
    media_id = await stand.publisher.upload(who.credentials, folder / "cat", "image/png", "")
    return Draft("", media=(Medium("mxc://example.org/cat", "image/png", remote_id=media_id),))


async def test_pictures_without_text_can_be_posted_and_found_again(stand: Stand, tmp_path: Path) -> None:
    ana = await linked(stand, "ana")
    for draft in (Draft(""), Draft(" \n")):
        with pytest.raises(UsageError):
            stand.publisher.check(draft, premium=False)
    first, second, never = [await picture(stand, ana, tmp_path) for _ in range(3)]
    stand.publisher.check(first, premium=False)
    receipts = [await stand.publisher.post(ana.credentials, draft) for draft in (first, second)]
    assert stand.texts("ana") == ["", ""]  # the second is no repetition of the first
    for draft, receipt in zip((second, first), reversed(receipts), strict=True):
        found = await stand.publisher.find(ana.credentials, account(ana), draft, since=time.time() - 60.0, known=())
        assert found is not None
        assert found.remote_id == receipt.remote_id
    for draft, known in ((never, []), (first, [receipts[0].remote_id])):
        look = stand.publisher.find(ana.credentials, account(ana), draft, since=time.time() - 60.0, known=known)
        assert await look is None


def test_what_no_post_can_have_is_refused(stand: Stand) -> None:
    one = Medium("mxc://a/b", "image/png")
    for media in ((one,) * 5, (replace(one, alt="x" * 1001),)):
        with pytest.raises(UsageError):
            stand.publisher.check(Draft("hello", media=media), premium=False)
    stand.publisher.check(Draft("hello", media=(replace(one, alt="x" * 1000),) * 4), premium=False)
