"""Pictures of drafts, through the whole program: approvers see what would be published, and only that goes out."""

import io

import pytest
from nio import (
    Event,
    RoomEncryptedImage,
    RoomMessageImage,
    UploadResponse,
)
from nio.crypto.attachments import decrypt_attachment, encrypt_attachment
from PIL import Image

from tests.e2e.chatter import Chatter
from tests.e2e.stage import Stage
from tests.e2e.test_drafts import team
from tests.patience import until

pytestmark = pytest.mark.homeserver


def picture(place: str = "taken at home", colour: str = "teal") -> bytes:
    """A small JPEG that tells where it was taken."""
    exif = Image.Exif()
    exif[0x010E] = place
    made = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(made, "JPEG", exif=exif)
    return made.getvalue()


async def show(person: Chatter, room: str, caption: str, content: bytes, *, encrypted: bool) -> tuple[str, str]:
    """Put a picture into the room, as clients do; the event's id, and the file's address."""
    stored, keys = encrypt_attachment(content) if encrypted else (content, {})
    answer, _ = await person.person.client.upload(
        io.BytesIO(stored), "application/octet-stream" if encrypted else "image/jpeg", filesize=len(stored)
    )
    assert isinstance(answer, UploadResponse), answer
    where = {"file": {**keys, "url": answer.content_uri}} if encrypted else {"url": answer.content_uri}
    info = {"mimetype": "image/jpeg", "size": len(content)}
    said = await person.say(room, caption, msgtype="m.image", filename="cat.jpg", info=info, **where)
    return said, answer.content_uri


async def shown(stage: Stage, person: Chatter, room: str) -> list[Event]:
    """The pictures of the bot that stand there, as that person's client has them."""
    said = await person.person.history(room)
    return [event for event in said
            if event.sender == stage.bot and isinstance(event, RoomEncryptedImage | RoomMessageImage)]  # fmt: skip


async def opened(person: Chatter, event: Event) -> bytes:
    """The file of such a picture."""
    answer = await person.person.client.download(event.url)
    if isinstance(event, RoomMessageImage):
        return bytes(answer.body)
    return bytes(decrypt_attachment(answer.body, event.key["k"], event.hashes["sha256"], event.iv))


async def private(person: Chatter, room: str) -> str:
    """That person's DM with the bot."""
    return next(said.room for said in person.notices if said.room != room)


async def test_a_picture_from_private_is_shown_clean_in_the_approval_room(stage: Stage) -> None:
    ana, _, (bob, _, dan), room = await team(stage)
    own = await private(dan, room)
    await ana.until_heard("@acme", room=room, reply_to=await ana.say(room, "!policy @acme room=here"))
    command, _ = await show(dan, own, "!tweet@acme Look\nalt: A cat", picture(), encrypted=True)
    preview = await bob.until_heard("^Draft k1 for @acme", room=room)
    assert "Picture: cat.jpg" in preview.text
    assert "not shown" not in preview.text
    [seen] = await shown(stage, bob, room)
    assert isinstance(seen, RoomEncryptedImage)
    content = await opened(bob, seen)
    assert b"taken at home" in picture()
    assert b"taken at home" not in content
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.size) == ("JPEG", (64, 48))
    info = seen.source["content"]["info"]
    assert info == {"mimetype": "image/jpeg", "size": len(content), "w": 64, "h": 48}
    assert seen.body == "cat.jpg"
    said = await bob.person.history(room)
    order = [event.event_id for event in said if event.event_id in (seen.event_id, preview.id)]
    assert order == [seen.event_id, preview.id]
    assert await shown(stage, dan, own) == []  # it stands there already
    assert (await stage.scene.person("eve")).user_id  # somebody who is in neither room
    wire = await bob.person.event(room, seen.event_id)
    assert wire["type"] == "m.room.encrypted"
    for file in stage.kantter.data.glob("kantter.db*"):
        assert seen.key["k"].encode() not in file.read_bytes()

    # Other words are another preview, with the picture before it; the old one is taken away.
    await dan.edit(own, command, "!tweet@acme Look at her\nalt: A cat")
    second = await bob.until_heard(r"^Draft k1\.2 for @acme", room=room)
    await until(lambda: (stage.bot, seen.event_id) in bob.redacted, within=15.0)
    [again] = await shown(stage, bob, room)
    assert await opened(bob, again) == content
    await bob.react(room, second.id, "✅")
    await dan.until_heard("Posted as @acme", room=own, reply_to=command)
    assert stage.texts("acme") == ["Look at her"]
    await until(lambda: (stage.bot, again.event_id) in bob.redacted, within=15.0)
    assert await shown(stage, bob, room) == []
    assert not list((stage.kantter.data / "passing").rglob("*"))


async def test_an_approver_has_it_shown_in_private(stage: Stage) -> None:
    _, _, (bob, _, dan), room = await team(stage)
    own, bobs = await private(dan, room), await private(bob, room)
    await show(dan, own, "!draft@acme Look", picture(), encrypted=True)
    await dan.until_heard("^Draft k1 for @acme", room=own)
    await bob.until_heard("^Draft k1 for @acme", room=bobs, reply_to=await bob.say(bobs, "!show k1"))
    [seen] = await shown(stage, bob, bobs)
    assert b"taken at home" not in await opened(bob, seen)
    await bob.until_heard("Rejected k1", reply_to=await bob.say(bobs, "!reject k1"))
    await until(lambda: (stage.bot, seen.event_id) in bob.redacted, within=15.0)


async def test_no_picture_of_a_private_chat_comes_into_a_room_without_encryption(stage: Stage) -> None:
    ana, _, (bob, _, dan), room = await team(stage)
    own = await private(dan, room)
    plain = await ana.create(stage.bot, bob.user_id, encrypted=False)
    await ana.until_heard("@acme", room=plain, reply_to=await ana.say(plain, "!policy @acme room=here"))
    await show(dan, own, "!draft@acme Look", picture(), encrypted=True)
    preview = await bob.until_heard("^Draft k1 for @acme", room=plain)
    assert "It is not shown here: it comes from an encrypted room, and this one is not encrypted." in preview.text
    assert await shown(stage, bob, plain) == []

    # What was sent in the open is shown in both kinds of rooms.
    other = await dan.create(stage.bot, encrypted=False)
    await show(dan, other, "!draft@acme Look again", picture(), encrypted=False)
    preview = await bob.until_heard("^Draft k2 for @acme", room=plain)
    assert "not shown" not in preview.text
    [seen] = await shown(stage, bob, plain)
    assert isinstance(seen, RoomMessageImage)
    assert b"taken at home" not in await opened(bob, seen)
    await bob.until_heard("^Draft k2 for @acme", room=room, reply_to=await bob.say(room, "!show k2"))
    [seen] = await shown(stage, bob, room)
    assert isinstance(seen, RoomEncryptedImage)
    assert b"taken at home" not in await opened(bob, seen)


def swap(stage: Stage, address: str, content: bytes) -> bytes:
    """What an admin of the homeserver could do: put other bytes behind an address. Gives what was there."""
    media_id = address.rpartition("/")[2]
    store = stage.homeserver.folder / "media" / "local_content"
    path = store / media_id[:2] / media_id[2:4] / media_id[4:]
    before = path.read_bytes()
    path.write_bytes(content)
    return before


async def test_a_file_that_was_swapped_after_the_preview_is_not_posted(stage: Stage) -> None:
    ana, _, (bob, _, dan), _ = await team(stage)
    plain = await ana.create(stage.bot, bob.user_id, dan.user_id, encrypted=False)
    await dan.until_known(plain)
    command, address = await show(dan, plain, "!tweet@acme Look", picture(), encrypted=False)
    preview = await bob.until_heard("^Draft k1 for @acme", room=plain)
    other = picture("taken at work")
    assert len(other) == len(picture())
    assert swap(stage, address, other) == picture()
    await bob.react(plain, preview.id, "✅")
    await dan.until_heard(
        "“Look” was not posted as @acme: its picture is not the one that was there when it was shown for approval",
        reply_to=command,
    )
    assert stage.sent() == []
    assert stage.states() == ["failed"]
    assert stage.x.world.media == {}

    # Not swapped, it goes out.
    command, _ = await show(dan, plain, "!tweet@acme Look again", picture(), encrypted=False)
    preview = await bob.until_heard("^Draft k2 for @acme", room=plain)
    await bob.react(plain, preview.id, "✅")
    await dan.until_heard("Posted as @acme", reply_to=command)
    assert stage.texts("acme") == ["Look again"]


async def test_killed_while_it_looks_it_shows_each_picture_once(stage: Stage) -> None:
    ana, _, (bob, _, dan), room = await team(stage)
    own = await private(dan, room)
    await ana.until_heard("@acme", room=room, reply_to=await ana.say(room, "!policy @acme room=here"))
    for number in range(1, 5):
        command, _ = await show(dan, own, f"!draft@acme Look {number}", picture(), encrypted=True)
        if number % 2:
            await dan.until_signed(command, "👀")
        await stage.kantter.kill()
        await stage.kantter.start()
        await bob.until_heard(f"^Draft k{number} for @acme", room=room, within=30.0)
        assert len(await shown(stage, bob, room)) == number
    assert stage.sent() == []
