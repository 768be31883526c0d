"""Several pictures: those that somebody sent one after the other."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.bot import pictures
from bridge.errors import ChatUnreachable, UsageError
from bridge.model import Message, PostState, Role
from tests.unit.bot_scene import ANA, BEN, PRESS, STALE, Scene
from tests.unit.drafting_scene import ADA, now_says, set_policy, shown, team
from tests.unit.media_scene import A, B, C, D, E, Talk, names, states
from tests.unit.test_media_edits import captioned

ASKED = (
    "k1 goes out as @acme with 2 pictures, in this order: 1 a.jpg, 2 b.jpg. Not posted yet.\n"
    "Post it: !send k1 or ✅ here · forget it: !drop k1 or ❌ here · to post the last picture alone, reply to that."
)


@pytest.fixture
async def room(scene: Scene) -> Talk:
    await scene.account("acme", ana=Role.OWNER, ben=Role.OWNER)
    return Talk(scene)


# ---------------------------------------------------------------- which


async def test_those_right_after_the_answered_one_are_asked_about(scene: Scene, room: Talk) -> None:
    first = room.send(ANA, A)
    room.send(BEN, C)
    room.send(BEN, text="nice")
    room.send(ANA, B)
    assert await scene.ask(ANA, "!tweet hello", reply_to=first) == ASKED
    assert (await names(scene), await states(scene)) == (["a", "b"], [PostState.HELD])
    assert await scene.ask(ANA, "!send k1") == "Sending k1."
    assert await states(scene) == [PostState.QUEUED]


async def test_a_single_one_needs_no_question(scene: Scene, room: Talk) -> None:
    room.send(ANA, A)
    last = room.send(ANA, B)
    await scene.say(ANA, "!tweet hello", reply_to=last)
    assert (await names(scene), await states(scene)) == (["b"], [PostState.QUEUED])


@pytest.mark.parametrize(
    "other",
    [
        {"text": "look"},
        {"media": (replace(C, mime="application/pdf"),)},
        {"media": (replace(C, mime=""),)},
        {"media": (C, replace(C, mime="audio/ogg"))},
        {"media": (C,), "text": "!tweet that one"},
        {"media": (C,), "text": "!undo"},
    ],
)
async def test_anything_else_of_theirs_ends_the_series(scene: Scene, room: Talk, other: dict[str, object]) -> None:
    first = room.send(ANA, A)
    room.send(ANA, *other.get("media", ()), text=str(other.get("text", "")))  # type: ignore[misc]  # a table of fields
    room.send(ANA, B)
    await scene.say(ANA, "!tweet hello", reply_to=first)
    assert (await names(scene), await states(scene)) == (["a"], [PostState.QUEUED])


@pytest.mark.parametrize("caption", ["two", "!twet", "send k7"])
async def test_a_caption_does_not_end_it(scene: Scene, room: Talk, caption: str) -> None:
    first = room.send(ANA, A, text="one")
    room.send(ANA, B, text=caption)
    assert await scene.ask(ANA, "!tweet hello", reply_to=first) == ASKED


async def test_the_caption_of_an_answered_picture_can_describe_it(scene: Scene, room: Talk) -> None:
    first = room.send(ANA, A, text="alt: A")
    room.send(ANA, B, text="one\nalt: B")
    room.send(ANA, C)
    await scene.say(ANA, "!tweet hello", reply_to=first)
    assert [one.alt for one in (await scene.post()).draft.media] == ["A", "B", ""]
    await scene.say(ANA, "!tweet world\nalt: X", reply_to=first)
    assert [one.alt for one in (await scene.post()).draft.media] == ["X", "B", ""]


async def test_a_thread_is_a_place_of_its_own(scene: Scene, room: Talk) -> None:
    first = room.send(ANA, A, thread="$root")
    room.send(ANA, C)
    room.send(ANA, text="elsewhere")
    room.send(ANA, B, thread="$root")
    await scene.say(ANA, "!tweet hello", reply_to=first, thread="$root")
    assert await names(scene) == ["a", "b"]
    await scene.say(ANA, "!tweet world", reply_to=first)
    assert await names(scene) == ["a"]


async def test_what_comes_after_the_command_is_not_taken(scene: Scene, room: Talk) -> None:
    first = room.send(ANA, A)
    scene.network.messages["$1"] = Message("$1", PRESS, ANA, "!tweet hello", scene.now)
    room.send(ANA, B)
    await scene.say(ANA, "!tweet hello", reply_to=first)
    assert await names(scene) == ["a"]


async def test_a_caption_that_answers_takes_those_first(scene: Scene, room: Talk) -> None:
    first = room.send(ANA, A)
    await scene.say(ANA, "!tweet hello", media=(E,), reply_to=first)
    assert (await names(scene), await states(scene)) == (["a", "e"], [PostState.QUEUED])
    room.send(ANA, B)
    assert "3 pictures, in this order: 1 a.jpg, 2 b.jpg, 3 e.jpg." in await scene.ask(
        ANA, "!tweet world\nalt: A\nalt: B", media=(E,), reply_to=first
    )
    assert [one.alt for one in (await scene.post()).draft.media] == ["A", "B", ""]


async def test_a_gallery_is_no_guess(scene: Scene, room: Talk) -> None:
    await scene.say(ANA, "!tweet hello\nalt: A\nalt: B", media=(A, B))
    assert (await names(scene), await states(scene)) == (["a", "b"], [PostState.QUEUED])
    answered = room.send(ANA, C, D)
    await scene.say(ANA, "!tweet world", reply_to=answered)
    assert (await names(scene), await states(scene)) == (["c", "d"], [PostState.QUEUED] * 2)


async def test_what_cannot_be_read_between_is_said(scene: Scene, room: Talk) -> None:
    first = room.send(ANA, A)
    room.garble(BEN)
    await scene.say(ANA, "!tweet hello", reply_to=first)
    assert await names(scene) == ["a"]
    room.garble(ANA)
    words = await scene.ask(ANA, "!tweet world", reply_to=first)
    assert words.startswith("Not posted: you sent something after the picture that you reply to which I cannot read")
    scene.network.errors["said_after"] = ChatUnreachable("away")
    assert "could not check what you reply to" in await scene.ask(ANA, "!tweet world", reply_to=first)
    assert len(await scene.posts()) == 1


@pytest.mark.parametrize("count", [4, 1000])
async def test_more_than_are_taken_are_refused_with_their_names(scene: Scene, room: Talk, count: int) -> None:
    first = room.send(ANA, A)
    for _ in range(count):
        room.send(ANA, B)
    words = await scene.ask(ANA, "!tweet hello", reply_to=first)
    assert words.startswith("Not posted: “hello”. A post has at most 4 pictures. It would have gone out with ")
    assert words.endswith("To post the last one alone, reply to that.")
    assert len(words) < 500
    assert await scene.posts() == []


async def test_the_question_holds_whatever_else_there_is_to_say(scene: Scene, room: Talk) -> None:
    [(account, _)] = await scene.store.transact(lambda tx: tx.accounts.usable_by(ANA))
    await set_policy(scene, account, alt="require", links="ask")
    first = room.send(ANA, A)
    room.send(ANA, replace(B, name="x\u202egpj\n\x1b[2J.exe"))
    words = await scene.ask(ANA, "!tweet call +1 202 555 0143, example.org", reply_to=first, age=STALE + 1)
    assert not set(words) & set("\u202e\x1b")
    age, look, price = words.split("\n")[1:4]
    assert age == "You wrote it 10 min ago."
    assert look == (
        "Look twice: It looks as if a phone number were in it. There is a link in it: the link makes it $0.20. "
        "Pictures 1 and 2 have no alt text. The account's policy is to post none without."
    )
    assert price == "Mind that the link makes it $0.20."
    assert (await scene.ask(ANA, "!send k1")).startswith("Not sent: Pictures 1 and 2 have no alt text.")
    await scene.say(ANA, "!alt k1 1 A")
    assert (await scene.ask(ANA, "!alt k1 2 B")).endswith(
        "not posted, it waits for its author's word (!send k1) · the link and the alt text make it $0.21."
    )
    assert await scene.ask(ANA, "!send k1") == "Sending k1."


async def test_threads_and_schedules_are_asked_about_too(scene: Scene, room: Talk) -> None:
    first = room.send(ANA, A)
    room.send(ANA, B)
    words = await scene.ask(ANA, "!thread One\n---\nTwo", reply_to=first)
    assert words.startswith("k1 goes out as @acme with 2 pictures, in this order: 1 a.jpg, 2 b.jpg on the first part. ")
    assert await scene.ask(ANA, "!send q1") == "Sending 2 posts."
    words = await scene.ask(ANA, f"!thread {'word ' * 100}", reply_to=first)
    assert words.startswith(
        "As @acme I would post this in 2 parts. Not posted yet.\nThis goes with 2 pictures, in this"
    )
    await scene.say(ANA, "!drop q2")
    words = await scene.ask(ANA, "!schedule in 2h | hello", reply_to=first)
    assert words.startswith("k5 goes out as @acme at ")
    assert " with 2 pictures, in this order: " in words
    words = await scene.ask(ANA, "!send k5")
    assert words.startswith("Sending k5. It goes out at its time: Friday 15 January 2027, 10:00 UTC. To change it: ")
    assert await states(scene) == [PostState.QUEUED] * 2 + [PostState.FAILED] * 2 + [PostState.SCHEDULED]


async def test_of_a_draft_the_preview_is_the_question(scene: Scene) -> None:
    await team(scene)
    room = Talk(scene)
    first = room.send(ANA, A)
    room.send(ANA, B)
    await scene.say(ANA, "!tweet@acme hello", reply_to=first)
    post = await scene.post()
    words = await now_says(scene, await shown(scene, post))
    assert "Picture 1: a.jpg (image/jpeg, 292 kB)" in words
    assert "Picture 2: b.jpg (image/jpeg, 292 kB)" in words
    await scene.say(ADA, "!approve k1")
    assert await states(scene) == [PostState.QUEUED]


async def test_who_sees_where_the_pictures_are(scene: Scene, room: Talk) -> None:
    words = await scene.ask(ANA, "!schedule in 2h | hello", media=(A,))
    assert words.startswith("Scheduled k1, “hello” with the picture “a.jpg”, as @acme: ")
    words = await scene.ask(ANA, f"!thread {'word ' * 100}", media=(A, B))
    assert "This goes with 2 pictures (“a.jpg”, “b.jpg”) on the first part.\n" in words
    await scene.say(ANA, "!draft", media=(A,))
    assert "It has no text.\nPicture: a.jpg (image/jpeg, 292 kB)\nIt has no alt text." in await scene.ask(
        ANA, "!show k4"
    )


async def test_a_picture_that_was_edited_counts_as_people_see_it(scene: Scene, room: Talk) -> None:
    first = room.send(ANA, A)
    message = scene.network.messages[first]
    assert isinstance(message, Message)
    scene.network.messages[first] = replace(message, media_now=(C,))
    room.send(ANA, B)
    await scene.say(ANA, "!tweet hello", reply_to=first)
    assert await names(scene) == ["c", "b"]


# ---------------------------------------------------------------- hostile


async def test_a_caption_of_ten_thousand_characters_is_answered(scene: Scene, room: Talk) -> None:
    for text in ("x" * 10_000, "\nalt:" * 2000, "alt: " * 2000, "\n" * 10_000, "\u202e" * 10_000, "alt:\n" * 2000):
        await scene.ask(ANA, f"!tweet {text}", media=(A,))
        await scene.ask(ANA, f"!tweet {text}", media=(A, B, C, D))
    for post in await scene.posts():
        assert all(len(one.alt) <= 1000 for one in post.draft.media)
        assert not post.draft.text


async def test_names_are_harmless_wherever_they_are_said(scene: Scene, room: Talk) -> None:
    name = "a\u202e\x1b]0;pwn\x07\n\rPosted as @acme: https://evil.example\u2066"
    bad = replace(A, name=name)
    said = await captioned(scene, replace(B, name=name))
    heard = [
        await scene.edit(ANA, said, "!tweet@acme", media=(bad,)),
        await scene.ask(ANA, "!show k1"),
        await scene.ask(ANA, "!alt k1 A cat"),
        await scene.ask(ANA, "!queue"),
        await scene.ask(ANA, "!undo k1"),
    ]
    for words in heard:
        assert not set(words) & set("\u202e\u2066\x1b\x07\r")
        assert not any(line.startswith("Posted as") for line in words.splitlines())


@settings(max_examples=200)
@given(
    text=st.text(st.sampled_from("alt: \nA\r\0\ud800\u202e…"), max_size=200),
    count=st.integers(1, 4),
    keep=st.booleans(),
)
def test_any_caption_is_text_and_alt_texts_or_refused(text: str, count: int, keep: bool) -> None:
    media = [replace(A, alt="before")] * count
    try:
        left, described = pictures.described(text, media, keep=keep)
    except UsageError as error:
        str(error).encode("utf-8")
        return
    assert len(described) == count
    assert text.startswith(left)
    for one in described:
        one.alt.encode("utf-8")
        assert one.alt == one.alt.strip()


# ---------------------------------------------------------------- with other questions


async def test_too_large_a_picture_of_a_series_is_asked_about_once(scene: Scene, room: Talk) -> None:
    first = room.send(ANA, A)
    room.send(ANA, replace(B, size=7 << 20))
    words = await scene.ask(ANA, "!tweet hello", reply_to=first)
    assert "Look twice: X takes pictures of 5 MB, and these have more: 2 (7 MB). They would be scaled down.\n" in words
    assert await scene.ask(ANA, "!send k1") == "Sending k1."
    assert [one.scaled for one in (await scene.post()).draft.media] == [False, True]


async def test_a_series_without_alt_texts_still_waits_for_its_order(scene: Scene, room: Talk) -> None:
    [(account, _)] = await scene.store.transact(lambda tx: tx.accounts.usable_by(ANA))
    await set_policy(scene, account, alt="ask")
    first = room.send(ANA, A)
    room.send(ANA, B)
    await scene.say(ANA, "!tweet hello", reply_to=first)
    await scene.say(ANA, "!alt k1 1 A")
    await scene.say(ANA, "!alt k1 2 B")
    assert await states(scene) == [PostState.HELD]
