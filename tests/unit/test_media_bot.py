"""Pictures at the bot: which one a command is about, what its caption says, and what is refused before any download."""

from dataclasses import replace

import pytest

from bridge.errors import ChatUnreachable
from bridge.model import Draft, Medium, Message, PostState, Role, Unreadable
from tests.unit.bot_scene import ANA, BEN, COPY, LOBBY, PRESS, Scene
from tests.unit.drafting_scene import ADA, now_says, shown, team

CAT = Medium(
    "mxc://example.org/cat", "image/jpeg", 300_000, "cat.jpg", key="a-key", iv="an-iv", sha256="a-hash", copies=(COPY,)
)
DOG = replace(CAT, source="mxc://example.org/dog", name="dog.jpg")


async def drafts(scene: Scene) -> list[Draft]:
    return [post.draft for post in await scene.posts()]


@pytest.mark.parametrize(
    ("caption", "text", "alt"),
    [
        ("Hello", "Hello", ""),
        ("Hello\nalt: A cat", "Hello", "A cat"),
        ("Hello\n\nyou\r\nALT:A cat\non a chair\n", "Hello\n\nyou", "A cat\non a chair"),
        ("The basalt: a rock\nalt:", "The basalt: a rock", ""),
        ("Hello alt: no", "Hello alt: no", ""),
    ],
)
async def test_a_caption_is_text_and_alt_text(scene: Scene, caption: str, text: str, alt: str) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.say(ANA, f"!tweet {caption}", media=(CAT,))
    assert await drafts(scene) == [Draft(text, media=(replace(CAT, alt=alt),))]
    assert scene.network.fetched == []


async def test_without_a_picture_alt_is_text(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.say(ANA, "!tweet Hello\nalt: A cat")
    assert await drafts(scene) == [Draft("Hello\nalt: A cat")]


NOT_YOURS = (
    "Not posted: the picture that you reply to is not yours, so it cannot come with it. Send it here yourself first, or"
    " say it without replying to that."
)


async def test_a_reply_to_an_own_picture_takes_it(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER, ben=Role.OWNER)
    scene.network.messages["$cat"] = Message("$cat", PRESS, ANA, "", scene.now, media=(CAT,))
    await scene.say(ANA, "!tweet mine\nalt: A cat", reply_to="$cat")
    assert await scene.ask(BEN, "!tweet not mine", reply_to="$cat") == NOT_YOURS
    await scene.say(ANA, "!tweet not here", LOBBY, reply_to="$cat")
    await scene.say(ANA, "!tweet both\nalt: A cat\nalt: A dog", reply_to="$cat", media=(DOG,))
    assert [[(one.name, one.alt) for one in draft.media] for draft in await drafts(scene)] == [
        [("cat.jpg", "A cat")],
        [],
        [("cat.jpg", "A cat"), ("dog.jpg", "A dog")],
    ]


async def test_what_cannot_be_looked_at_is_not_posted_without(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    scene.network.errors["message"] = ChatUnreachable("away")
    words = await scene.ask(ANA, "!tweet mine", reply_to="$cat")
    assert "could not check what you reply to" in words
    assert await drafts(scene) == []
    await scene.say(ANA, "!tweet no reply")
    assert await drafts(scene) == [Draft("no reply")]


async def test_what_cannot_be_read_is_not_posted_without(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER, ben=Role.OWNER)
    scene.network.messages["$cat"] = Unreadable("$cat", PRESS, ANA, scene.now, "no key")
    words = await scene.ask(ANA, "!tweet mine", reply_to="$cat")
    assert words.startswith("Not posted: I cannot read what you reply to")
    await scene.say(BEN, "!tweet not mine", reply_to="$cat")
    assert await drafts(scene) == [Draft("not mine")]


@pytest.mark.parametrize(
    ("medium", "said"),
    [
        (replace(CAT, mime="audio/ogg"), "JPEG"),
        (replace(CAT, mime=""), "JPEG"),
        (replace(CAT, size=(50 << 20) + 1), "too large"),
        (replace(CAT, mime="video/mp4", size=(512 << 20) + 1), "too large"),
        (replace(CAT, mime="video/mp4", duration=141.0), "too long"),
        (replace(CAT, alt="x"), "k1, “Hello”, goes out as @acme in 10 s"),
        (CAT, ""),
    ],
)
async def test_what_is_not_taken_is_refused_before_it_is_fetched(scene: Scene, medium: Medium, said: str) -> None:
    await scene.account("acme", ana=Role.OWNER)
    words = await scene.ask(ANA, "!tweet Hello", media=(medium,))
    assert bool(words) == bool(said)
    assert said in words
    assert scene.network.fetched == []


async def test_too_many_alt_texts_are_refused(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    words = await scene.ask(ANA, "!tweet Hello\nalt: one\nalt: two", media=(CAT,))
    assert words == "Not posted: there are 2 alt texts for one picture."
    assert await drafts(scene) == []


async def test_a_thread_has_it_on_its_first_part_and_a_schedule_too(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.say(ANA, "!thread One\n---\nTwo\nalt: A cat", media=(CAT,))
    await scene.say(ANA, "!schedule in 2 hours | Later\nalt: A cat", media=(CAT,))
    with_alt = replace(CAT, alt="A cat")
    assert await drafts(scene) == [Draft("One", media=(with_alt,)), Draft("Two"), Draft("Later", media=(with_alt,))]


async def test_an_approval_is_bound_to_the_picture_and_its_alt_text(scene: Scene) -> None:
    await team(scene)
    said = await scene.say(ANA, "!tweet@acme Hello\nalt: A cat", media=(CAT,))
    post = await scene.post()
    assert post.state is PostState.DRAFT
    words = await now_says(scene, await shown(scene, post))
    assert "Picture: cat.jpg (image/jpeg, 292 kB)\nIts alt text:\n│ A cat\n" in words
    contents = {post.content}
    await scene.edit(ANA, said, "!tweet@acme Hello\nalt: A dog")
    contents.add((await scene.post()).content)
    assert (await scene.post()).draft.media[0].alt == "A dog"
    await scene.set(replace(await scene.post(), draft=Draft("Hello", media=(replace(DOG, alt="A dog"),))))
    changed = await scene.post()
    contents.add(await scene.store.transact(lambda tx: tx.decisions.content(changed)))
    assert len(contents) == 3
    await scene.ask(ADA, f"!approve {post.label}.2")
    assert (await scene.post()).state is PostState.DRAFT


async def test_an_edit_keeps_the_picture_and_its_alt_text(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    said = await scene.say(ANA, "!tweet Hello\nalt: A cat", media=(CAT,))
    await scene.edit(ANA, said, "!tweet Hello you")
    assert await drafts(scene) == [Draft("Hello you", media=(replace(CAT, alt="A cat"),))]
    await scene.edit(ANA, said, "!tweet Hello you\nalt:")
    assert await drafts(scene) == [Draft("Hello you", media=(CAT,))]
    await scene.say(ANA, f"!edit {(await scene.post()).label} Hello\nalt: A dog")
    uploaded = replace(CAT, alt="A dog", remote_id="7", uploaded_at=scene.now)
    await scene.set(replace(await scene.post(), draft=Draft("Hello", media=(uploaded,))))
    await scene.say(ANA, f"!edit {(await scene.post()).label} Hello all")
    assert await drafts(scene) == [Draft("Hello all", media=(uploaded,))]
    await scene.say(ANA, f"!edit {(await scene.post()).label} Hello all\nalt: A bird")
    assert await drafts(scene) == [Draft("Hello all", media=(replace(CAT, alt="A bird"),))]


# ---------------------------------------------------------------- pictures without text


@pytest.mark.parametrize(
    ("command", "alt"),
    [("!tweet", ""), ("!tweet \n", ""), ("!tweet\nalt: A cat", "A cat"), ("!tweet \u200f\u200b", ""), ("!draft", ""),
     ("!thread", ""), ("!thread\nalt: A cat", "A cat"), ("!schedule in 2h", ""),
     ("!schedule in 2h\nalt: A cat", "A cat"),
     ("!schedule in 2h |", "")],
)  # fmt: skip
async def test_a_picture_alone_is_a_post(scene: Scene, command: str, alt: str) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.say(ANA, command, media=(CAT,))
    assert await drafts(scene) == [Draft("", media=(replace(CAT, alt=alt),))]
    scene.network.messages["$cat"] = Message("$cat", PRESS, ANA, "", scene.now, media=(DOG,))
    await scene.say(ANA, command, reply_to="$cat")
    assert (await drafts(scene))[1] == Draft("", media=(replace(DOG, alt=alt),))
    assert "Look twice" not in "\n".join(await scene.heard())


async def test_a_reply_can_be_a_picture_alone(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    await scene.say(ANA, f"!reply {scene.publisher.post_url('ben', '1234')} ", media=(CAT,))
    assert await drafts(scene) == [Draft("", "1234", (CAT,))]


async def test_without_text_and_picture_there_is_nothing_to_post(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    scene.network.messages["$cat"] = Message("$cat", PRESS, BEN, "", scene.now, media=(CAT,))
    scene.network.messages["$text"] = Message("$text", PRESS, ANA, "hello", scene.now)
    how = "Write it like this: !tweet[@ACCOUNT] TEXT · for instance: !tweet Good morning!"
    words = f"Not posted. There is no text to post. {how}"
    assert await scene.ask(ANA, "!tweet") == await scene.ask(ANA, "!tweet", reply_to="$text") == words
    words = await scene.ask(ANA, "!tweet", reply_to="$cat")
    assert words == NOT_YOURS
    assert await scene.ask(ANA, "!schedule in 2h") != ""
    assert await drafts(scene) == []


async def test_its_pictures_stand_for_what_it_says(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER)
    name = "a\u202egpj.exe\n\x1b[2J"
    words = await scene.ask(ANA, "!schedule in 2h", media=(replace(CAT, name=name), DOG))
    assert words.startswith("Scheduled k1, 2 pictures (“agpj.exe [2J”, “dog.jpg”), as @acme: ")
    assert await scene.ask(ANA, "!edit k1") == (
        "There is no text. To change what it says: !edit k1 TEXT · to describe its picture: !alt k1 WHAT IT SHOWS"
    )
    assert (await scene.ask(ANA, "!edit k1 alt: A cat")).startswith("There is no text.")
    assert "not posted" in await scene.ask(ANA, "!drop k1")
