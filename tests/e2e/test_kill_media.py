"""Kill -9 in the middle of a five-part thread with two pictures, and of a video's upload: nothing twice, none lost,
order kept, and the pictures where they belong.
"""

import io
import itertools
import random
from typing import Any

import pytest
from nio import UploadResponse
from nio.crypto.attachments import encrypt_attachment
from PIL import Image

from bridge.sandbox.faults import Kind
from bridge.sandbox.world import Medium
from tests.e2e.chatter import Chatter
from tests.e2e.conftest import SetUp
from tests.e2e.stage import TWEETS, Stage, parts, thread
from tests.film import SECRET, film
from tests.patience import until

pytestmark = pytest.mark.homeserver

UPLOAD, ALT = "/2/media/upload", "/2/media/metadata"


async def put(person: Chatter, content: bytes) -> dict[str, object]:
    """Upload an encrypted file; the ``file`` block of its message."""
    stored, keys = encrypt_attachment(content)
    answer, _ = await person.person.client.upload(io.BytesIO(stored), "application/octet-stream", filesize=len(stored))
    assert isinstance(answer, UploadResponse), answer
    return {**keys, "url": answer.content_uri}


async def say_with_two(person: Chatter, room: str, text: str) -> str:
    items = []
    for name in ("a.jpg", "b.jpg"):
        made = io.BytesIO()
        Image.new("RGB", (64, 48), "teal").save(made, "JPEG")
        item: dict[str, Any] = {"itemtype": "m.image", "body": name, "info": {"mimetype": "image/jpeg"}}
        items.append(item | {"file": await put(person, made.getvalue())})
    return await person.say(room, text, msgtype="dm.filament.gallery", itemtypes=items)


def shown(stage: Stage) -> list[list[str]]:
    """The alt texts of each post's pictures, oldest post first."""
    posts = stage.x.world.user("ana").posts.values()
    return [[stage.x.world.media[media_id].alt for media_id in post.media] for post in posts]


@pytest.mark.timeout(300)
async def test_killed_in_a_thread_with_two_pictures(set_up: SetUp, subtests: pytest.Subtests) -> None:
    """One Kantter lives through all of it, which is much faster than one for each."""
    stage = await set_up("posts_per_day = 1000")
    await stage.kantter.start()
    ana, dm = await stage.linked()
    await stage.at_any_price(ana, dm)
    moments = [(UPLOAD, 1), (UPLOAD, 2), (ALT, 1), (ALT, 2), (TWEETS, 1), (TWEETS, 3), (TWEETS, 5)]
    for (path, number), taken in itertools.product(moments, (False, True)):
        story = f"{number}. {path}, {'after' if taken else 'before'} X took it"
        with subtests.test(story):
            stage.begin_anew()
            await killed_in_a_thread(stage, ana, dm, story, path, number, taken=taken)


async def killed_in_a_thread(
    stage: Stage, ana: Chatter, dm: str, story: str, path: str, number: int, *, taken: bool
) -> None:
    stage.hang(number, taken=taken, path=path)
    command = await say_with_two(ana, dm, f"{thread(story)}\nalt: One\nalt: Two")
    await until(lambda: len(stage.x.log.find("POST", path)) == number, within=15.0)
    if path == TWEETS:
        await until(lambda: len(stage.texts()) == number - (not taken))
    await stage.kantter.kill()
    await stage.kantter.start()

    await stage.until_on_x(*parts(story), within=40.0)
    await ana.until_signed(command, "✅")
    await stage.until_told(ana, parts(story)[0])
    assert stage.chained()
    assert shown(stage) == [["One", "Two"], [], [], [], []]
    assert len(stage.sent()) == 5
    assert stage.refused_as_twice() == []
    assert ana.said_twice() == []
    assert not list((stage.kantter.data / "passing").rglob("*"))


async def test_a_thread_with_two_pictures_killed_again_and_again(stage: Stage) -> None:
    ana, dm = await stage.linked()
    await stage.at_any_price(ana, dm)
    chance = random.Random(7)
    for path in [UPLOAD, ALT] * 8 + [TWEETS] * 20:
        stage.fault(Kind.DELAY, path=path, taken=chance.random() < 0.5, seconds=chance.random())
    command = await say_with_two(ana, dm, f"{thread(1)}\nalt: One\nalt: Two")
    for path, number in ((UPLOAD, 1), (ALT, 1), (TWEETS, 1), (TWEETS, 2), (TWEETS, 4)):
        await until(lambda path=path, number=number: len(stage.x.log.find("POST", path)) >= number, within=30.0)  # type: ignore[misc]  # bound at once
        await stage.kantter.kill()
        await stage.kantter.start()
    await stage.until_on_x(*parts(1), within=60.0)
    await ana.until_signed(command, "✅")
    assert stage.chained()
    assert shown(stage) == [["One", "Two"], [], [], [], []]
    assert stage.refused_as_twice() == []


FILM = film(samples=bytes(9 << 20))


async def say_with_film(person: Chatter, room: str, text: str, **info: object) -> str:
    about: dict[str, object] = {"mimetype": "video/mp4", "size": len(FILM), "duration": 5000} | info
    return await person.say(
        room, text, msgtype="m.video", filename="film.mp4", info=about, file=await put(person, FILM)
    )


def films(stage: Stage) -> list[Medium]:
    """The videos of all posts, oldest first."""
    posts = stage.x.world.user("ana").posts.values()
    return [stage.x.world.media[media_id] for post in posts for media_id in post.media]


@pytest.mark.timeout(300)
async def test_killed_with_a_video_on_its_way(stage: Stage, subtests: pytest.Subtests) -> None:
    ana, dm = await stage.linked()
    await stage.at_any_price(ana, dm)
    moments = [
        ("POST", f"{UPLOAD}/initialize", 1),
        ("POST", f"{UPLOAD}/*/append", 2),
        ("POST", f"{UPLOAD}/*/finalize", 1),
        ("GET", UPLOAD, 1),
        ("POST", TWEETS, 1),
    ]
    for (method, path, number), taken in itertools.product(moments, (False, True)):
        story = f"{number}. {method} {path}, {'after' if taken else 'before'} X took it"
        with subtests.test(story):
            stage.begin_anew()
            await killed_with_a_video(stage, ana, dm, story, method, path, number, taken=taken)


async def killed_with_a_video(
    stage: Stage, ana: Chatter, dm: str, story: str, method: str, path: str, number: int, *, taken: bool
) -> None:
    stage.hang(number, taken=taken, method=method, path=path)
    command = await say_with_film(ana, dm, f"!tweet {story}")
    last = path.rpartition("/")[2]
    await until(
        lambda: sum(seen.method == method and seen.path.endswith(last) for seen in stage.x.log) >= number, within=15.0
    )
    await stage.kantter.kill()
    await stage.kantter.start()
    await stage.until_on_x(story, within=40.0)
    await ana.until_signed(command, "✅")
    [made] = films(stage)
    assert (made.size, made.segments) == (len(FILM), {0: 4 << 20, 1: 4 << 20, 2: len(FILM) - (8 << 20)})
    assert len(stage.sent()) == 1
    assert not list((stage.kantter.data / "passing").rglob("*"))


async def test_a_video_goes_out_and_what_cannot_be_used_is_said(stage: Stage) -> None:
    ana, dm = await stage.linked()
    assert SECRET in FILM
    command = await say_with_film(ana, dm, "!tweet The film")
    await ana.until_heard("Posted as @ana with the video “film.mp4”: ", reply_to=command)
    assert [made.category for made in films(stage)] == ["tweet_video"]
    stage.x.world.unfit = "The codec is not supported"
    command = await say_with_film(ana, dm, "!tweet Another")
    await ana.until_heard(
        "“Another” was not posted as @ana: X cannot use the file, saying: “The codec is not supported”",
        reply_to=command,
    )
    command = await say_with_film(ana, dm, "!tweet Too long", duration=200_000)
    await ana.until_heard(
        "Not posted: “Too long”. The video is too long: X takes 2:20, and it has 3:20", reply_to=command
    )
    assert stage.texts() == ["The film"]


async def test_a_stop_does_not_wait_for_a_video(stage: Stage) -> None:
    ana, dm = await stage.linked()
    stage.fault(Kind.DELAY, path=f"{UPLOAD}/*/append", seconds=25.0)
    command = await say_with_film(ana, dm, "!tweet The film")
    await until(lambda: any(seen.path.endswith("/append") for seen in stage.x.log), within=15.0)
    assert await stage.kantter.stop(within=10.0) == 0
    await stage.kantter.start()
    await stage.until_on_x("The film", within=40.0)
    await ana.until_signed(command, "✅")
