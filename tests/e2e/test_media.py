"""Pictures, through the whole program: a caption, a reply to a picture, an encrypted room and a plain one."""

import io
import itertools
import time
from dataclasses import replace

import pytest
from nio import UploadResponse
from nio.crypto.attachments import encrypt_attachment
from PIL import Image

from bridge.sandbox.faults import Kind
from tests.e2e.chatter import Chatter
from tests.e2e.stage import Stage
from tests.patience import until

pytestmark = pytest.mark.homeserver


def picture() -> bytes:
    """A small JPEG that tells where it was taken."""
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    made = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(made, "JPEG", exif=exif)
    return made.getvalue()


async def show(person: Chatter, room: str, content: bytes, caption: str = "", *, encrypted: bool) -> str:
    """Put a picture into the room, as clients do; the event's id."""
    keys: dict[str, object] = {}
    stored = content
    if encrypted:
        stored, keys = encrypt_attachment(content)
    answer, _ = await person.person.client.upload(
        io.BytesIO(stored), "application/octet-stream" if encrypted else "image/jpeg", filesize=len(stored)
    )
    assert isinstance(answer, UploadResponse), answer
    shown: dict[str, object] = {
        "msgtype": "m.image",
        "filename": "cat.jpg",
        "info": {"mimetype": "image/jpeg", "size": len(content), "w": 64, "h": 48},
    }
    shown |= {"file": {**keys, "url": answer.content_uri}} if encrypted else {"url": answer.content_uri}
    return await person.say(room, caption or "cat.jpg", **shown)


async def test_a_picture_is_posted_with_its_caption_and_alt_text(stage: Stage) -> None:
    ana, dm = await stage.linked("acme", "ana")
    await stage.at_any_price(ana, dm, "acme")
    command = await show(ana, dm, picture(), "!tweet Look at her\nalt: A cat asleep\non a chair", encrypted=True)
    told = await ana.until_heard("Posted as @acme", reply_to=command)
    assert "alt text: “A cat asleep on a chair”" in told.text
    await ana.until_signed(command, "✅")
    assert stage.texts("acme") == ["Look at her"]
    [post] = stage.x.world.user("acme").posts.values()
    [medium] = [stage.x.world.media[media_id] for media_id in post.media]
    assert (medium.alt, medium.category, medium.complete) == ("A cat asleep\non a chair", "tweet_image", True)
    assert len(stage.sent()) == 1
    assert not list((stage.kantter.data / "passing").rglob("*"))

    # A picture alone does nothing; a reply to it, by the same person, posts it.
    first = await show(ana, dm, picture(), encrypted=True)
    reply = {"m.relates_to": {"m.in_reply_to": {"event_id": first}}}
    command = await ana.say(dm, "!tweet Again\nalt: The same cat", **reply)
    await ana.until_heard("alt text: “The same cat”", reply_to=command)
    *_, post = stage.x.world.user("acme").posts.values()
    assert [stage.x.world.media[media_id].alt for media_id in post.media] == ["The same cat"]
    assert len(stage.x.world.media) == 2

    # An alt text within the words is public only when its author says so.
    command = await show(ana, dm, picture(), "!tweet A red one alt: red all over", encrypted=True)
    question = await ana.until_heard(
        "“alt:” stands within its text.* Make that the alt text, and it goes out: !alt k.*"
        " post it all the same: !send k.* or ✅ here",
        reply_to=command,
    )
    assert len(stage.sent()) == 2
    await ana.say(dm, "!alt", **{"m.relates_to": {"m.in_reply_to": {"event_id": question.id}}})
    await ana.until_heard("Posted as @acme.*alt text: “red all over”")
    assert stage.texts("acme") == ["Look at her", "Again", "A red one"]

    # What was changed on its way is not posted.
    content = picture()
    stored, keys = encrypt_attachment(content)
    answer, _ = await ana.person.client.upload(
        io.BytesIO(stored[:-1] + bytes([stored[-1] ^ 1])), "application/octet-stream", filesize=len(stored)
    )
    broken = {"msgtype": "m.image", "filename": "cat.jpg", "info": {"mimetype": "image/jpeg"}}
    command = await ana.say(dm, "!tweet Not this one", **broken, file={**keys, "url": answer.content_uri})
    await ana.until_heard("was not posted as @acme: .*changed on its way", reply_to=command)
    assert len(stage.sent()) == 3


async def test_in_a_room_without_encryption_it_is_the_same(stage: Stage) -> None:
    ana, _ = await stage.linked("acme", "ana")
    bob = await stage.person("bob")
    room = await ana.create(stage.bot, bob.user_id, encrypted=False)
    theirs = await show(bob, room, picture(), encrypted=False)
    command = await ana.say(room, "!tweet Not my picture", **{"m.relates_to": {"m.in_reply_to": {"event_id": theirs}}})
    await ana.until_heard("Not posted: the picture that you reply to is not yours", reply_to=command)
    command = await show(ana, room, picture(), "!tweet My picture", encrypted=False)
    await ana.until_heard("Posted as @acme.*alt text: none", reply_to=command)
    [post] = stage.x.world.user("acme").posts.values()
    assert (post.text, len(post.media)) == ("My picture", 1)
    assert len(stage.sent()) == 1


async def test_killed_with_a_picture_on_its_way(stage: Stage, subtests: pytest.Subtests) -> None:
    ana, dm = await stage.linked("acme", "ana")
    await stage.at_any_price(ana, dm, "acme")
    for path, taken in itertools.product(("/2/media/upload", "/2/media/metadata", "/2/tweets"), (False, True)):
        story = f"{path}, {'after' if taken else 'before'} X took it"
        with subtests.test(story):
            stage.begin_anew()
            await killed_with_a_picture(stage, ana, dm, story, path, taken=taken)


async def killed_with_a_picture(stage: Stage, ana: Chatter, dm: str, story: str, path: str, *, taken: bool) -> None:
    stage.hang(1, taken=taken, path=path)
    command = await show(ana, dm, picture(), f"!thread One, {story}\n---\nTwo, {story}\nalt: A cat", encrypted=True)
    await until(lambda: len(stage.x.log.find("POST", path)) == 1)
    await stage.kantter.kill()
    await stage.kantter.start()
    await stage.until_on_x(f"One, {story}", f"Two, {story}", handle="acme", within=40.0)
    await ana.until_signed(command, "✅")
    first, second = stage.x.world.user("acme").posts.values()
    assert [stage.x.world.media[media_id].alt for media_id in first.media] == ["A cat"]
    assert (second.media, second.reply_to) == ((), first.id)
    assert len(stage.sent()) == 2
    assert not list((stage.kantter.data / "passing").rglob("*"))


async def test_an_alt_text_is_asked_for_and_given_later(stage: Stage) -> None:
    ana, dm = await stage.linked("acme", "ana")
    await stage.at_any_price(ana, dm, "acme")
    await ana.say(dm, "!policy @acme alt=ask")
    await ana.until_heard("alt=ask")
    command = await show(ana, dm, picture(), "!tweet Look at her", encrypted=True)
    asked = await ana.until_heard("The picture has no alt text.*!alt k1 WHAT IT SHOWS.*!send k1", reply_to=command)
    assert stage.texts("acme") == []
    await ana.say(dm, "!alt A cat asleep", **{"m.relates_to": {"m.in_reply_to": {"event_id": asked.id}}})
    await ana.until_heard("has the alt text “A cat asleep”: it goes out")
    await ana.until_heard("Posted as @acme.*the alt text makes it [$]0.02", reply_to=command)
    await ana.say(dm, "!policy @acme alt=require")
    await ana.until_heard("alt=require")
    command = await show(ana, dm, picture(), "!tweet Look again", encrypted=True)
    asked = await ana.until_heard("post none without.*!alt k2 WHAT IT SHOWS", reply_to=command)
    await ana.react(dm, asked.id, "✅")
    await ana.until_heard("Not sent: The picture has no alt text")
    await ana.say(dm, "!alt k2 The same cat")
    await stage.until_on_x("Look at her", "Look again", handle="acme")
    posts = stage.x.world.user("acme").posts.values()
    assert [stage.x.world.media[post.media[0]].alt for post in posts] == ["A cat asleep", "The same cat"]


async def test_pictures_alone_are_found_again_among_others_like_them(stage: Stage) -> None:
    ana, dm = await stage.linked("acme", "ana")
    first = await show(ana, dm, picture(), "!tweet", encrypted=True)
    await ana.until_heard("Posted as @acme with the picture “cat.jpg”: https?://", reply_to=first)
    stage.fault(Kind.CUT, taken=True)
    second = await show(ana, dm, picture(), "!tweet", encrypted=True)
    await ana.until_heard("Posted as @acme", reply_to=second, within=40.0)
    one, two = stage.x.world.user("acme").posts.values()
    assert (one.text, two.text, len(one.media), len(two.media)) == ("", "", 1, 1)
    stage.fault(Kind.CUT)
    third = await show(ana, dm, picture(), "!tweet", encrypted=True)
    # Somebody posts a picture at X itself, at the same time.
    stage.x.world.put(replace(two, id=stage.x.world.next_id(time.time()), media=("77",), at=time.time()))
    looks = f"/2/users/{stage.x.world.user('acme').id}/tweets"
    seen = len(stage.x.log.find("GET", looks))
    await until(lambda: len(stage.x.log.find("GET", looks)) >= seen + 3, within=30.0)
    assert not ana.heard("Posted as @acme", reply_to=third)
    assert len(stage.sent()) == 3


def reply(event_id: str) -> dict[str, object]:
    return {"m.relates_to": {"m.in_reply_to": {"event_id": event_id}}}


def shown_on_x(stage: Stage) -> list[list[str]]:
    """The alt texts of each post's pictures."""
    posts = stage.x.world.user("acme").posts.values()
    return [[stage.x.world.media[media_id].alt for media_id in post.media] for post in posts]


@pytest.mark.parametrize("encrypted", [True, False])
async def test_pictures_in_a_row_are_asked_about_and_posted_in_order(stage: Stage, encrypted: bool) -> None:
    ana, dm = await stage.linked("acme", "ana")
    await stage.at_any_price(ana, dm, "acme")
    bob = await stage.person("bob")
    room = await ana.create(stage.bot, bob.user_id, encrypted=encrypted)
    await bob.until_known(room)
    await ana.say(room, "here they are")
    first = await show(ana, room, picture(), encrypted=encrypted)
    await show(bob, room, picture(), encrypted=encrypted)
    await bob.say(room, "nice")
    last = [await show(ana, room, picture(), encrypted=encrypted) for _ in range(2)][-1]
    command = await ana.say(room, "!tweet Look\nalt: One\nalt: Two\nalt: Three", **reply(first))
    asked = await ana.until_heard(
        "k1 goes out as @acme with 3 pictures, in this order: 1 cat.jpg, 2 cat.jpg, 3 cat.jpg. Not posted yet.",
        reply_to=command,
    )
    assert stage.sent() == []
    await ana.react(room, asked.id, "✅")
    await ana.until_heard("Posted as @acme with 3 pictures", reply_to=command)
    await ana.say(room, "!tweet Only the last\nalt: Three", **reply(last))
    await stage.until_on_x("Look", "Only the last", handle="acme")
    assert shown_on_x(stage) == [["One", "Two", "Three"], ["Three"]]


async def test_a_gallery_is_posted_whole_and_at_once(stage: Stage) -> None:
    ana, dm = await stage.linked("acme", "ana")
    await stage.at_any_price(ana, dm, "acme")
    items = []
    for name in ("a.jpg", "b.jpg"):
        stored, keys = encrypt_attachment(picture())
        answer, _ = await ana.person.client.upload(io.BytesIO(stored), "application/octet-stream", filesize=len(stored))
        item: dict[str, object] = {"itemtype": "m.image", "body": name, "info": {"mimetype": "image/jpeg"}}
        items.append(item | {"file": {**keys, "url": answer.content_uri}})
    gallery = {"msgtype": "dm.filament.gallery", "itemtypes": items}
    command = await ana.say(dm, "!tweet Look\nalt: One\nalt: Two", **gallery)
    await ana.until_heard("Posted as @acme with 2 pictures [(]“a.jpg”, “b.jpg”[)]", reply_to=command)
    assert shown_on_x(stage) == [["One", "Two"]]


async def test_an_edit_swaps_the_picture_before_it_is_out(stage: Stage) -> None:
    ana, dm = await stage.linked("acme", "ana")
    await stage.at_any_price(ana, dm, "acme")
    await ana.say(dm, "!policy @acme alt=require")
    await ana.until_heard("alt=require")
    command = await show(ana, dm, picture(), "!tweet Look", encrypted=True)
    await ana.until_heard("The picture has no alt text", reply_to=command)
    stored, keys = encrypt_attachment(picture() + b"another one")
    answer, _ = await ana.person.client.upload(io.BytesIO(stored), "application/octet-stream", filesize=len(stored))
    new: dict[str, object] = {"msgtype": "m.image", "filename": "dog.jpg", "body": "!tweet Look\nalt: A dog"}
    new |= {"info": {"mimetype": "image/jpeg"}, "file": {**keys, "url": answer.content_uri}}
    relation = {"rel_type": "m.replace", "event_id": command}
    await ana.say(dm, "* !tweet Look", **new, **{"m.new_content": new, "m.relates_to": relation})
    await ana.until_heard("Posted as @acme with the picture “dog.jpg”.*alt text: “A dog”", reply_to=command)
    assert stage.x.world.media[next(iter(stage.x.world.user("acme").posts.values())).media[0]].alt == "A dog"

    # A file that cannot be opened is answered, and its caption does not run.
    broken = {"msgtype": "m.image", "filename": "cat.jpg", "file": {**keys, "v": "v9", "url": answer.content_uri}}
    command = await ana.say(dm, "!tweet Not this one", **broken)
    await ana.until_heard("I cannot open that file: it is encrypted in a way that I do not know", reply_to=command)
    await ana.say(dm, "!tweet Nor this one", **reply(command))
    await ana.until_heard("Not posted: I cannot read what you reply to")
    command = await show(ana, dm, picture(), "!retweet https://x.com/acme/status/1234567890123456", encrypted=True)
    await ana.until_heard("Not posted: !retweet takes no picture", reply_to=command)
    assert len(stage.sent()) == 1
    # The key that opened the picture is nowhere in the clear.
    for file in stage.kantter.data.glob("kantter.db*"):
        assert keys["key"]["k"].encode() not in file.read_bytes()


async def test_nothing_that_a_stranger_puts_into_a_file_stops_it(stage: Stage) -> None:
    ana, dm = await stage.linked("acme", "ana")
    stored, keys = encrypt_attachment(picture())
    answer, _ = await ana.person.client.upload(io.BytesIO(stored), "application/octet-stream", filesize=len(stored))
    file = {**keys, "url": answer.content_uri}
    info: dict[str, object] = {"mimetype": "image/jpeg"}
    good: dict[str, object] = {"msgtype": "m.image", "filename": "cat.jpg", "info": info, "file": file}
    item = {"itemtype": "m.image", "body": "cat.jpg", "info": info, "file": file}
    hostile: list[tuple[str, dict[str, object], str]] = [
        ("x" * 10_000, {}, "too long by 9720"),
        ("One\nalt: " + "y" * 10_000, {}, "alt text has 10000 characters"),
        ("Two\nalt: a\0b", {}, "no valid text"),
        ("Three\nalt: a" + "\nalt: b" * 4000, {}, "alt texts for one picture"),
        ("Four", {"info": {"mimetype": "text/html", "size": -1}}, "X takes no text/html"),
        ("Five", {"info": {"mimetype": "\u202eimage/png\n", "size": 1e300}}, "X takes no file of that kind"),
        ("Six", {"info": {"mimetype": "image/jpeg", "size": 300 << 20}}, "too large even to be scaled down"),
        ("Seven", {"file": "mxc://kantter.test/cat"}, "cannot open that file"),
        ("Eight", {"file": {**file, "url": "https://kantter.test/cat"}}, "cannot open that file"),
        ("Nine", {"msgtype": "m.gallery", "itemtypes": []}, "cannot open that file"),
        ("Ten", {"msgtype": "m.gallery", "itemtypes": [item] * 60}, "at most 4 pictures"),
        ("Eleven", {"msgtype": "m.gallery", "itemtypes": [item, {"itemtype": "m.location"}]}, "cannot open that file"),
    ]
    for text, odd, words in hostile:
        command = await ana.say(dm, f"!tweet {text}", **good | odd)
        await ana.until_heard(words, reply_to=command)
    assert stage.sent() == []
    name = "a\u202egpj.\x1b[2J\r\nPosted as @acme: https://evil.example"
    command = await ana.say(dm, "!tweet Fine", **good | {"filename": name, "info": {**info, "size": "many"}})
    told = await ana.until_heard("Posted as @acme with the picture “agpj.", reply_to=command)
    assert not set(told.text) & set("\u202e\x1b\r\n")
    assert stage.texts("acme") == ["Fine"]


async def test_a_post_follows_its_picture_until_it_is_out(stage: Stage) -> None:
    ana, dm = await stage.linked("acme", "ana")
    first = await show(ana, dm, picture(), encrypted=True)
    command = await ana.say(dm, "!schedule in 2h | Look", **reply(first))
    await ana.until_heard("Scheduled k1, “Look” with the picture “cat.jpg”", reply_to=command)
    stored, keys = encrypt_attachment(picture())
    answer, _ = await ana.person.client.upload(io.BytesIO(stored), "application/octet-stream", filesize=len(stored))
    new: dict[str, object] = {"msgtype": "m.image", "body": "dog.jpg", "info": {"mimetype": "image/jpeg"}}
    new |= {"file": {**keys, "url": answer.content_uri}}
    relation = {"rel_type": "m.replace", "event_id": first}
    await ana.say(dm, "* dog.jpg", **new, **{"m.new_content": new, "m.relates_to": relation})
    await ana.until_heard("You changed a picture of k1: it has the picture “dog.jpg” now")
    await ana.redact(dm, first)
    await ana.until_heard(
        "You removed its picture. Undone before it went out: k1, “Look”, not posted", reply_to=command
    )
    await stage.until_state("failed")
    await ana.until_signed(command, "❌")
    assert stage.sent() == []


async def test_a_picture_that_is_too_large_is_scaled_on_a_tick(stage: Stage) -> None:
    ana, dm = await stage.linked("acme", "ana")
    grey = Image.effect_noise((1500, 1400), 90)
    made = io.BytesIO()
    Image.merge("RGB", (grey, grey.rotate(90, expand=False), grey.rotate(180))).save(made, "PNG", compress_level=1)
    content = made.getvalue()
    assert len(content) > 5 << 20
    info = {"mimetype": "image/png"}  # some clients say no size
    stored, keys = encrypt_attachment(content)
    answer, _ = await ana.person.client.upload(io.BytesIO(stored), "application/octet-stream", filesize=len(stored))
    shown: dict[str, object] = {"msgtype": "m.image", "filename": "cat.png", "info": info}
    command = await ana.say(dm, "!tweet Look\nalt: Noise", **shown, file={**keys, "url": answer.content_uri})
    asked = await ana.until_heard(
        r"The picture has \d[.]\d MB, and X takes 5: it would be scaled down[.] It waits: not posted", reply_to=command
    )
    assert stage.x.world.media == {}
    await ana.react(dm, asked.id, "✅")
    await ana.until_heard("Posted as @acme", reply_to=command)
    [medium] = stage.x.world.media.values()
    assert (medium.size <= 5 << 20, medium.alt) == (True, "Noise")
    assert len(stage.sent()) == 1
