"""Pictures of drafts whose message is not what it was, and files that are not what they seem."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.model import Account, Medium, PostState, Speech
from tests.patience import until
from tests.unit.bot_scene import ANA, BEN, DM, EVE, PRESS, Scene
from tests.unit.drafting_scene import DESK, OWEN
from tests.unit.looking_scene import PLAIN, SECRET, desk, kinds, picture, reload, said, until_said

DOG = replace(PLAIN, source="mxc://example.org/dog", name="dog.jpg")
BIRD = replace(PLAIN, source="mxc://example.org/bird", name="bird.jpg")


@pytest.fixture
async def acme(scene: Scene) -> AsyncIterator[Account]:
    async with desk(scene) as account:
        yield account


async def edited_by_ben(scene: Scene) -> str:
    """A draft of Ana's to which Ben has given a picture, at the desk, where approvers are; gives the event of that."""
    scene.network.files[DOG.source] = scene.network.files[BIRD.source] = picture(colour="red")
    await scene.say(ANA, "!draft@acme Look", media=(PLAIN,))
    await until_said(scene, DESK, "Draft k1")
    theirs = await scene.say(BEN, "!edit k1", DESK, media=(replace(DOG, room=DESK.id),))
    await until_said(scene, DESK, "Draft k1.2")
    assert Speech.MEDIA not in kinds(scene, DESK)  # it stands there
    return theirs


async def test_what_is_put_in_the_place_of_a_picture_is_not_taken_for_it(scene: Scene, acme: Account) -> None:
    theirs = await edited_by_ben(scene)
    await scene.edit(BEN, theirs, "!edit k1", DESK, media=(BIRD,))
    await until(lambda: Speech.MEDIA in kinds(scene, DESK))
    [shown] = [one for one in said(scene, DESK) if one.speech is Speech.MEDIA]
    assert shown.body == "dog.jpg"
    assert [one.name for one in (await reload(scene)).draft.media] == ["dog.jpg"]


async def test_a_picture_that_was_removed_elsewhere_is_told(scene: Scene, acme: Account) -> None:
    theirs = await edited_by_ben(scene)
    await scene.redact(BEN, theirs, DESK)
    await until(lambda: any("dog.jpg (image/jpeg)\nIts message was removed." in text for text in scene.network.shown()))
    assert Speech.MEDIA not in kinds(scene, DESK)
    await scene.say(OWEN, "!approve k1.2", DESK)
    assert (await reload(scene)).state is PostState.QUEUED


async def test_a_picture_that_others_removed_is_not_shown_again_but_told(scene: Scene, acme: Account) -> None:
    theirs = await scene.say(ANA, "", media=(PLAIN,))
    scene.network.messages[theirs] = scene.message(ANA, "", media=(PLAIN,), id=theirs)
    await scene.say(ANA, "!draft@acme Look", reply_to=theirs)
    await until_said(scene, PRESS, "Draft k1")
    assert "removed a picture of k1" in await scene.redact(EVE, theirs)
    await until(lambda: any("Its message was removed." in text for text in scene.network.shown()))
    assert Speech.MEDIA not in kinds(scene, PRESS)


async def test_the_same_bytes_with_another_key_are_another_picture(
    scene: Scene, acme: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who chooses the keys can make one file that is two pictures."""
    files = {"one": picture(colour="red"), "two": picture(colour="blue")}

    async def fetch(medium: Medium, into: Path, *, most: int) -> None:
        into.write_bytes(files[medium.key])

    monkeypatch.setattr(scene.network, "fetch", fetch)
    media = tuple(replace(SECRET, key=key) for key in files)
    await scene.say(ANA, "!draft@acme Look", DM, media=media)
    await until_said(scene, DESK, "Draft k1")
    assert kinds(scene, DESK) == [Speech.MEDIA, Speech.MEDIA, Speech.TEXT]
    first, second = (one.copies[0].source for one in (await reload(scene)).draft.media)
    assert scene.network.uploads[first] != scene.network.uploads[second]
