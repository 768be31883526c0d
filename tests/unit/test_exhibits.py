"""Pictures of drafts, shown where their approvers are, and taken away again."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bridge.errors import ChatRefused
from bridge.model import Account, PostState, Room, Speech
from tests.patience import until
from tests.unit.bot_scene import ANA, BEN, DM, PRESS, Scene
from tests.unit.drafting_scene import DESK, OWEN, set_policy
from tests.unit.looking_scene import (
    BENS,
    PLAIN,
    SECRET,
    desk,
    kinds,
    picture,
    reload,
    said,
    sha256,
    until_said,
)


@pytest.fixture
async def acme(scene: Scene) -> AsyncIterator[Account]:
    async with desk(scene) as account:
        yield account


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
    await until(lambda: len(scene.network.sent) == 5)  # two previews, a picture, 👀, and who sees it
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
