"""A desk at which drafts with pictures are shown, and a bot that runs: what the tests of shown pictures share."""

import asyncio
import base64
import hashlib
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from PIL import Image

from bridge.interfaces import Topic, Tx
from bridge.model import Account, Medium, Outgoing, Post, Room, Speech
from tests.patience import until
from tests.unit.bot_scene import DM, PRESS, Scene
from tests.unit.drafting_scene import DESK, team

PLAIN = Medium("mxc://example.org/cat", "image/jpeg", 0, "cat.jpg")
SECRET = replace(PLAIN, key="a-sealed-key", iv="an-iv", sha256="a-hash")
BENS = Room("matrix", "!dm-ben")


def picture(side: int = 8, colour: str = "teal") -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    made = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(made, "JPEG", exif=exif)
    return made.getvalue()


def sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


@asynccontextmanager
async def running(scene: Scene) -> AsyncIterator[None]:
    task = asyncio.create_task(scene.bot.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def desk(scene: Scene) -> AsyncIterator[Account]:
    """@acme, whose drafts are shown at the desk; PRESS is plain, what is private and the desk are encrypted. The bot
    runs.
    """
    scene.network.files[PLAIN.source] = picture()
    account = await team(scene, room=DESK)
    await know(scene, encrypted=(DESK, DM, BENS), plain=(PRESS,))
    async with running(scene):
        yield account


async def know(scene: Scene, *, encrypted: tuple[Room, ...] = (), plain: tuple[Room, ...] = ()) -> None:
    def work(tx: Tx) -> None:
        for room in (*encrypted, *plain):
            tx.shares.gather(room, (), closed=True, encrypted=room in encrypted)

    await scene.store.transact(work)


def said(scene: Scene, room: Room) -> list[Outgoing]:
    """The pictures and previews there, in order, as far as they stand."""
    gone = set(scene.network.redacted())
    return [one.outgoing for one in scene.network.sent
            if one.outgoing.room == room and one.event_id not in gone
            and (one.outgoing.speech is Speech.MEDIA or "k1" in one.outgoing.body)]  # fmt: skip


def kinds(scene: Scene, room: Room) -> list[Speech]:
    return [one.speech for one in said(scene, room)]


async def until_said(scene: Scene, room: Room, words: str) -> str:
    """Wait for words of the bot in that room; the whole of the newest that hold them."""
    found: Callable[[], list[str]] = lambda: [one.body for one in said(scene, room) if words in one.body]  # noqa: E731 - two uses
    await until(lambda: bool(found()))
    return found()[-1]


async def late(scene: Scene) -> None:
    """So long that the draft is shown without its pictures."""
    await until(lambda: bool(scene.network.fetched))
    scene.later(10.0)
    scene.store.bell(Topic.PICTURES).set()


async def reload(scene: Scene) -> Post:
    found = await scene.store.transact(lambda tx: tx.posts.get(1))
    assert found is not None
    return found
