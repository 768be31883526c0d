"""Videos and GIFs on their way to X, in chunks, against the sandbox; and what X takes with a post."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.errors import OutcomeUnknown, Rejected, UsageError
from bridge.model import Draft, Linked, Medium
from bridge.publish.x import XPublisher, media, uploads
from bridge.publish.x.uploads import Uploads
from bridge.sandbox.faults import Fault, Kind
from tests.contract.publishers import SandboxStand, linked
from tests.patience import until

CONTENT = bytes(range(256)) * 10


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_PAUSE", 0.0)
    monkeypatch.setattr(uploads, "_LONGEST_WAIT", 0.4)


@pytest.fixture
async def x() -> AsyncIterator[SandboxStand]:
    made = await SandboxStand.start()
    made.sandbox.world.processing = 0.0
    publisher = made.publisher
    assert isinstance(publisher, XPublisher)
    publisher._uploads = Uploads(publisher._call, 1000)
    yield made
    await made.close()


@pytest.fixture
async def ana(x: SandboxStand) -> Linked:
    return await linked(x, "ana")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "film").write_bytes(CONTENT)
    return tmp_path / "film"


def paths(x: SandboxStand) -> list[str]:
    """The last parts of the paths that were asked about uploads, in order."""
    return [seen.path.rpartition("/")[2] for seen in x.sandbox.log if seen.path.startswith("/2/media")]


@pytest.mark.parametrize(
    ("mime", "category"),
    [("video/mp4", "tweet_video"), ("video/quicktime", "tweet_video"), ("image/gif", "tweet_gif")],
)
async def test_a_large_file_goes_up_in_chunks(
    x: SandboxStand, ana: Linked, file: Path, mime: str, category: str
) -> None:
    media_id = await x.publisher.upload(ana.credentials, file, mime, "A cat" if mime == "image/gif" else "")
    made = x.sandbox.world.media[media_id]
    assert (made.category, made.size, made.segments) == (category, 2560, {0: 1000, 1: 1000, 2: 560})
    assert made.alt == ("A cat" if mime == "image/gif" else "")
    chunks = ["initialize", "append", "append", "append", "finalize"]
    assert paths(x) == chunks + ["metadata"] * (mime == "image/gif")
    await x.publisher.post(ana.credentials, Draft("look", media=(Medium("mxc://a/b", mime, remote_id=media_id),)))
    assert x.texts("ana") == ["look"]


async def test_it_waits_while_x_works_on_it(x: SandboxStand, ana: Linked, file: Path) -> None:
    x.sandbox.world.processing = 1.5
    began = time.monotonic()
    media_id = await x.publisher.upload(ana.credentials, file, "video/mp4", "")
    assert time.monotonic() - began >= 1.5
    assert 3 <= paths(x)[5:].count("upload") <= 5
    await x.publisher.post(ana.credentials, Draft("", media=(Medium("mxc://a/b", "video/mp4", remote_id=media_id),)))


async def test_what_x_cannot_use_is_refused_with_its_reason(x: SandboxStand, ana: Linked, file: Path) -> None:
    x.sandbox.world.unfit = "The codec is not supported"
    with pytest.raises(Rejected, match="X cannot use the file, saying: “The codec is not supported”"):
        await x.publisher.upload(ana.credentials, file, "video/mp4", "")


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("kind", [Kind.ANSWER, Kind.RESET])
@pytest.mark.parametrize(("method", "path"), [("POST", "/2/media/upload/*/append"), ("GET", "/2/media/upload")])
async def test_a_chunk_or_a_look_that_gets_lost_is_repeated(
    x: SandboxStand, ana: Linked, file: Path, kind: Kind, taken: bool, method: str, path: str
) -> None:
    x.sandbox.world.processing = 0.3
    x.sandbox.faults.add(Fault(kind, taken=taken, method=method, path=path, times=2))
    media_id = await x.publisher.upload(ana.credentials, file, "video/mp4", "")
    assert x.sandbox.world.media[media_id].size == 2560
    assert x.sandbox.world.media[media_id].complete


@pytest.mark.parametrize("path", ["initialize", "*/append", "*/finalize", ""])
async def test_what_stays_away_is_unknown(x: SandboxStand, ana: Linked, file: Path, path: str) -> None:
    x.sandbox.world.processing = 0.3
    method = "POST" if path else "GET"
    x.sandbox.faults.add(Fault(Kind.ANSWER, method=method, path=f"/2/media/upload/{path}".rstrip("/"), times=3))
    with pytest.raises(OutcomeUnknown):
        await x.publisher.upload(ana.credentials, file, "video/mp4", "")


async def test_an_upload_that_x_forgot_may_be_begun_anew(x: SandboxStand, ana: Linked, file: Path) -> None:
    x.sandbox.world.processing = 0.3
    upload = asyncio.create_task(x.publisher.upload(ana.credentials, file, "video/mp4", ""))
    await until(lambda: "finalize" in paths(x))
    x.sandbox.world.media.clear()
    with pytest.raises(OutcomeUnknown, match="does not know the upload"):
        await upload


async def test_work_without_end_ends(x: SandboxStand, ana: Linked, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_PROCESSING", -1.0)
    x.sandbox.world.processing = 60.0
    with pytest.raises(OutcomeUnknown, match="not done"):
        await x.publisher.upload(ana.credentials, file, "video/mp4", "")


async def test_no_more_than_a_chunk_is_read_at_once(x: SandboxStand, ana: Linked, file: Path) -> None:
    sent: list[int] = []

    async def call(method: str, path: str, credentials: Any, body: Any = None, **more: Any) -> Any:
        if path.endswith("/append"):
            sent.append(next(field[2] for field in body._fields if field[0]["name"] == "media").getbuffer().nbytes)
        return SimpleNamespace(status=200, json=lambda: {"data": {"id": "1"}})

    assert await Uploads(call, 600).bring(ana.credentials, file, "video/mp4", "") == "1"
    assert sent == [600, 600, 600, 600, 160]


# ---------------------------------------------------------------- the rules

PICTURE, GIF, FILM = (Medium(f"mxc://a/{n}", mime) for n, mime in enumerate(("image/png", "image/gif", "video/mp4")))


@pytest.mark.parametrize("these", [(PICTURE,) * 4, (GIF,), (FILM,)])
def test_what_x_takes_together(these: tuple[Medium, ...]) -> None:
    media.check(these)


@pytest.mark.parametrize("these", [(PICTURE,) * 5, (GIF, GIF), (FILM, FILM), (FILM, PICTURE), (PICTURE, GIF)])
def test_what_x_does_not_take_together(these: tuple[Medium, ...]) -> None:
    with pytest.raises(UsageError, match="at most 4 pictures in a post, or one GIF, or one video"):
        media.check(these)


@pytest.mark.parametrize(
    ("medium", "said"),
    [
        (Medium("mxc://a/b", "video/mp4", duration=200.4), "The video is too long: X takes 2:20, and it has 3:20."),
        (
            Medium("mxc://a/b", "video/mp4", 600 << 20),
            "The video is too large: X takes 512 MB of it, and it has 600.0.",
        ),
        (Medium("mxc://a/b", "image/gif", 16 << 20), "The GIF is too large: X takes 15 MB of it, and it has 16.0."),
        (
            Medium("mxc://a/b", "image/png", 60 << 20),
            "The picture is too large even to be scaled down: it has 60.0 MB.",
        ),
        (
            Medium("mxc://a/b", "video/webm"),
            "X takes no video/webm: pictures are JPEG, PNG, WebP or GIF, videos MP4 or MOV.",
        ),
        (
            Medium("mxc://a/b", "video/mp4", alt="A cat"),
            "X takes alt texts for pictures and GIFs, and none for a video. Leave it out.",
        ),
    ],
)
def test_the_words_of_a_refusal(medium: Medium, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        media.check([medium])
    assert str(refused.value) == said
