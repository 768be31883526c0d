"""Pictures of drafts: looked at before the draft is shown, shown where their approvers are, and taken away again."""

import asyncio
import base64
import hashlib
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from PIL import Image

from bridge.errors import ChatRefused, ChatUnreachable
from bridge.interfaces import Topic, Tx
from bridge.model import Account, Medium, Outgoing, Post, PostState, Room, Speech
from tests.patience import until
from tests.unit.bot_scene import ANA, BEN, DM, PRESS, Scene
from tests.unit.drafting_scene import ADA, DESK, OWEN, set_policy, team

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


@pytest.fixture
async def acme(scene: Scene) -> AsyncIterator[Account]:
    """@acme, whose drafts are shown at the desk; PRESS is plain, what is private and the desk are encrypted."""
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


# ---------------------------------------------------------------- what is shown where


async def test_a_picture_from_elsewhere_is_shown_before_the_preview_as_it_would_be_published(
    scene: Scene, acme: Account
) -> None:
    await scene.say(ANA, "!draft@acme Look", media=(PLAIN,))
    await until_said(scene, DESK, "Draft k1")
    await until_said(scene, PRESS, "Draft k1")
    assert kinds(scene, DESK) == [Speech.MEDIA, Speech.TEXT]
    assert kinds(scene, PRESS) == [Speech.TEXT]  # it stands there
    shown = said(scene, DESK)[0]
    assert shown.medium is not None
    assert (shown.body, shown.medium.mime, shown.medium.width, shown.medium.height) == ("cat.jpg", "image/jpeg", 8, 8)
    copy = scene.network.uploads[shown.medium.source]
    assert shown.medium.size == len(copy)
    assert b"taken at home" in scene.network.files[PLAIN.source]
    assert b"taken at home" not in copy
    assert (await reload(scene)).draft.media[0].sha256 == sha256(scene.network.files[PLAIN.source])
    assert scene.network.fetched == [PLAIN.source]


async def test_an_encrypted_picture_is_not_shown_in_a_room_that_is_not(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!draft@acme Look", DM, media=(SECRET,))
    await until_said(scene, DESK, "Draft k1")
    first, preview = said(scene, DESK)
    assert first.medium is not None
    assert first.medium.key
    assert "not shown" not in preview.body
    await set_policy(scene, acme, room=PRESS)
    await scene.say(ANA, "!draft@acme Look again", DM, media=(replace(SECRET, source="mxc://example.org/dog"),))
    scene.network.files["mxc://example.org/dog"] = picture()
    await until(lambda: "Draft k2" in "".join(scene.network.texts(PRESS)))
    [words] = [text for text in scene.network.texts(PRESS) if "Draft k2" in text]
    assert (
        "Picture: cat.jpg (image/jpeg)\nIt is not shown here: it comes from an encrypted room, and this one is not "
        "encrypted.\n" in words
    )
    assert "Approve: ✅ here" in words
    assert Speech.MEDIA not in kinds(scene, PRESS)


async def test_a_plain_picture_is_shown_in_any_room(scene: Scene, acme: Account) -> None:
    lobby = Room("matrix", "!plain")
    await set_policy(scene, acme, room=lobby)
    await scene.say(ANA, "!draft@acme Look", media=(PLAIN,))
    await until_said(scene, lobby, "Draft k1")
    [shown, _] = said(scene, lobby)
    assert shown.medium is not None
    assert not shown.medium.key


async def test_who_has_it_shown_in_private_sees_its_pictures(scene: Scene, acme: Account) -> None:
    await set_policy(scene, acme, room=None)
    await scene.say(ANA, "!draft@acme Look", DM, media=(SECRET,))
    await until_said(scene, DM, "Draft k1")
    await scene.say(BEN, "!show k1", BENS)
    await until_said(scene, BENS, "Draft k1")
    assert kinds(scene, BENS) == [Speech.MEDIA, Speech.TEXT]
    await scene.say(BEN, "!show k1", PRESS)
    assert "It is not shown here: it comes from an encrypted room" in await until_said(scene, PRESS, "Draft k1")
    assert Speech.MEDIA not in kinds(scene, PRESS)
    await scene.say(BEN, "!approve k1", BENS)
    assert (await reload(scene)).state is PostState.QUEUED


async def test_a_room_that_becomes_the_approval_room_gets_them_too(scene: Scene, acme: Account) -> None:
    await set_policy(scene, acme, room=None)
    await scene.say(ANA, "!draft@acme Look", DM, media=(SECRET,))
    await until_said(scene, DM, "Draft k1")
    await scene.say(OWEN, "!policy @acme room=here", DESK)
    await until_said(scene, DESK, "Draft k1")
    assert kinds(scene, DESK)[:2] == [Speech.MEDIA, Speech.TEXT]
    await scene.say(OWEN, "!policy @acme room=none", DESK)
    await until(lambda: Speech.MEDIA not in kinds(scene, DESK))
    await scene.say(OWEN, "!policy @acme room=here", DESK)
    await until(lambda: Speech.MEDIA in kinds(scene, DESK))
    assert not any("It is not shown here" in text for text in scene.network.shown())


async def test_a_picture_that_the_network_does_not_take_is_told(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!draft@acme Look", DM, media=(SECRET,))
    await until_said(scene, DESK, "Draft k1")
    await until_said(scene, DM, "Draft k1")
    await until(lambda: len(scene.network.sent) == 4)  # two previews, a picture and 👀
    scene.network.failures.append(ChatRefused("no pictures here"))
    await scene.say(BEN, "!show k1", BENS)
    assert "The picture cat.jpg cannot be shown here." in await until_said(scene, BENS, "Draft k1")
    assert kinds(scene, BENS) == [Speech.TEXT]


async def test_a_picture_that_came_with_an_edit_in_another_room_is_shown_in_the_first(
    scene: Scene, acme: Account
) -> None:
    await scene.say(ANA, "!draft@acme Look", media=(PLAIN,))
    await until_said(scene, DESK, "Draft k1")
    dog = replace(SECRET, source="mxc://example.org/dog", name="dog.jpg", room=DESK.id)
    scene.network.files[dog.source] = picture(colour="red")
    await scene.say(BEN, "!edit k1", DESK, media=(dog,))
    await until_said(scene, DESK, "Draft k1.2")
    assert "It is not shown here: it comes from an encrypted room" in await until_said(scene, PRESS, "Draft k1.2")
    assert Speech.MEDIA not in kinds(scene, DESK)


async def test_all_pictures_of_a_thread_are_shown(scene: Scene, acme: Account) -> None:
    dog = replace(PLAIN, source="mxc://example.org/dog", name="dog.jpg")
    scene.network.files[dog.source] = picture(colour="red")
    await scene.say(ANA, "!thread@acme One\n---\nTwo", media=(PLAIN,))
    await until_said(scene, DESK, "Draft k1")
    await scene.say(ANA, "!edit k2 Two", media=(dog,))
    await until_said(scene, DESK, "Draft k1.2")
    shown = [one.body for one in said(scene, DESK) if one.speech is Speech.MEDIA]
    assert shown == ["cat.jpg", "dog.jpg"]


# ---------------------------------------------------------------- taken away again


async def test_of_a_changed_draft_the_pictures_are_shown_anew(scene: Scene, acme: Account) -> None:
    command = await scene.say(ANA, "!draft@acme Look", media=(PLAIN,))
    await until_said(scene, DESK, "Draft k1")
    await scene.edit(ANA, command, "!draft@acme Look here")
    await until_said(scene, DESK, "Draft k1.2")
    await until(lambda: kinds(scene, DESK).count(Speech.MEDIA) == 1)
    shown = [one for one in said(scene, DESK) if one.speech in (Speech.MEDIA, Speech.TEXT)]
    assert [one.speech for one in shown] == [Speech.TEXT, Speech.MEDIA, Speech.TEXT]
    assert scene.network.fetched == [PLAIN.source]  # once is enough


@pytest.mark.parametrize("said_", ["!reject k1", "!drop k1"])
async def test_when_a_draft_ends_its_pictures_go(scene: Scene, acme: Account, said_: str) -> None:
    await scene.say(ANA, "!draft@acme Look", DM, media=(SECRET,))
    await until_said(scene, DESK, "Draft k1")
    await scene.say(BEN, "!show k1", BENS)
    await until_said(scene, BENS, "Draft k1")
    await scene.say(BEN, said_, DESK)
    await until(lambda: Speech.MEDIA not in kinds(scene, DESK) + kinds(scene, BENS))


# ---------------------------------------------------------------- before it is approved


async def test_nothing_is_approved_before_it_was_looked_at(scene: Scene, acme: Account) -> None:
    scene.network.errors["fetch"] = ChatUnreachable("away")
    await scene.say(ANA, "!draft@acme Look", media=(PLAIN,))
    words = await scene.ask(BEN, "!approve k1", DESK)
    assert words == "k1 cannot be approved yet: I am looking at its pictures, and show it then."
    assert (await reload(scene)).state is PostState.DRAFT
    await late(scene)
    words = await until_said(scene, DESK, "Draft k1")
    assert "It is not shown here: I could not get it yet." in words
    assert "It cannot be approved: I have not seen its picture yet, so nobody knows what would go out." in words
    words = await scene.ask(BEN, "!approve k1", DESK)
    assert words.startswith("k1 cannot be approved: I have not seen its picture yet")
    del scene.network.errors["fetch"]
    await late(scene)
    await until_said(scene, DESK, "Draft k1.2")
    assert kinds(scene, DESK)[-2:] == [Speech.MEDIA, Speech.TEXT]
    await scene.say(BEN, "!approve k1", DESK)
    assert (await reload(scene)).state is PostState.DRAFT
    await scene.say(BEN, "!approve k1.2", DESK)
    assert (await reload(scene)).state is PostState.QUEUED


async def test_an_encrypted_picture_that_does_not_come_is_named_and_may_be_approved(
    scene: Scene, acme: Account
) -> None:
    scene.network.errors["fetch"] = ChatUnreachable("away")
    await scene.say(ANA, "!draft@acme Look", DM, media=(SECRET,))
    await late(scene)
    assert "It is not shown here: I could not get it yet." in await until_said(scene, DESK, "Draft k1")
    await scene.say(BEN, "!approve k1", DESK)
    assert (await reload(scene)).state is PostState.QUEUED


@pytest.mark.parametrize(
    ("medium", "content", "said_"),
    [
        (PLAIN, None, "It cannot be shown: cannot be had: the picture is gone, or too large."),
        (SECRET, b"no picture", "It cannot be shown: cannot be used: it is no JPEG, or damaged."),
    ],
)
async def test_a_picture_that_is_of_no_use_is_said_to_be(
    scene: Scene, acme: Account, medium: Medium, content: bytes | None, said_: str
) -> None:
    del scene.network.files[medium.source]
    if content is not None:
        scene.network.files[medium.source] = content
    await scene.say(ANA, "!draft@acme Look", media=(medium,))
    words = await until_said(scene, DESK, "Draft k1")
    assert said_ in words
    assert said_ in await until_said(scene, PRESS, "Draft k1")
    problem = await scene.ask(BEN, "!approve k1", DESK)
    if medium is PLAIN:
        assert problem.startswith("k1 cannot be approved: A picture of it could not be had")
        scene.network.files["mxc://example.org/dog"] = picture()
        await scene.say(ANA, "!edit k1", media=(replace(PLAIN, source="mxc://example.org/dog"),))
        await until_said(scene, DESK, "Draft k1.2")
        await scene.say(BEN, "!approve k1.2", DESK)
    assert (await reload(scene)).state is PostState.QUEUED


async def test_a_picture_that_is_too_large_for_the_rooms_is_named(scene: Scene, acme: Account) -> None:
    scene.network.errors["upload"] = ChatRefused("the homeserver takes no file that large")
    await scene.say(ANA, "!draft@acme Look", media=(PLAIN,))
    words = await until_said(scene, DESK, "Draft k1")
    assert "It cannot be shown: the homeserver takes no file that large." in words
    await scene.say(BEN, "!approve k1", DESK)
    assert (await reload(scene)).state is PostState.QUEUED


async def test_a_picture_that_is_larger_than_was_said_is_shown_scaled(scene: Scene, acme: Account) -> None:
    made = io.BytesIO()
    Image.effect_noise((2600, 2600), 100).save(made, "JPEG", quality=100)
    assert made.tell() > 5 << 20
    scene.network.files[PLAIN.source] = made.getvalue()
    await scene.say(ANA, "!draft@acme Look", media=(PLAIN,))
    assert "scaled down" in await until_said(scene, DESK, "Draft k1")
    [shown, _] = said(scene, DESK)
    assert shown.medium is not None
    assert shown.medium.size <= 5 << 20
    await scene.say(BEN, "!approve k1", DESK)
    assert (await reload(scene)).state is PostState.QUEUED


async def test_who_wrote_it_may_not_approve_it_once_it_was_looked_at(scene: Scene, acme: Account) -> None:
    scene.network.hold.clear()
    await scene.say(ANA, "!draft@acme Look", media=(PLAIN,))
    await scene.say(BEN, "!edit k1 Look here", DESK)
    scene.network.hold.set()
    await until_said(scene, DESK, "Draft k1")
    await until(lambda: bool(scene.network.fetched))
    number = "k1.2" if "Draft k1.2" in "".join(scene.network.texts(DESK)) else "k1"
    words = await scene.ask(BEN, f"!approve {number}", DESK)
    assert words.startswith("You changed k1 to what it says now")
    await scene.say(ADA, f"!approve {number}", DESK)
    assert (await reload(scene)).state is PostState.QUEUED


async def test_a_crash_while_it_is_looked_at_costs_one_more_look(scene: Scene) -> None:
    scene.network.files[PLAIN.source] = picture()
    await team(scene, room=DESK)
    await know(scene, encrypted=(DESK,), plain=(PRESS,))
    scene.network.errors["upload"] = ChatUnreachable("away")
    async with running(scene):
        await scene.say(ANA, "!draft@acme Look", media=(PLAIN,))
        await until(lambda: bool(scene.network.fetched))
    assert said(scene, DESK) == []
    scene.network.errors.clear()
    scene.later(2.0)
    async with running(scene):
        await until_said(scene, DESK, "Draft k1")
    assert kinds(scene, DESK) == [Speech.MEDIA, Speech.TEXT]
    async with running(scene):
        await scene.say(ANA, "!accounts", PRESS)
        await until(lambda: "@acme" in "".join(scene.network.texts(PRESS)))
    assert kinds(scene, DESK) == [Speech.MEDIA, Speech.TEXT]
