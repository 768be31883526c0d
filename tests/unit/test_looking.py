"""Pictures of drafts are looked at before the draft is shown, and nothing is approved before that."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from PIL import Image

from bridge.errors import ChatRefused, ChatUnreachable
from bridge.model import Account, Medium, PostState, Speech
from tests.patience import until
from tests.unit.bot_scene import ANA, BEN, DM, PRESS, Scene
from tests.unit.drafting_scene import ADA, DESK, team
from tests.unit.looking_scene import (
    PLAIN,
    SECRET,
    desk,
    kinds,
    know,
    late,
    picture,
    reload,
    running,
    said,
    until_said,
)


@pytest.fixture
async def acme(scene: Scene) -> AsyncIterator[Account]:
    async with desk(scene) as account:
        yield account


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
