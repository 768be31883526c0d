"""Several pictures: those that somebody sent one after the other, and what an edit makes of them."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.bot import pictures
from bridge.errors import ChatUnreachable, UsageError
from bridge.model import Draft, Identity, Medium, Message, PostState, Role, Unreadable
from tests.unit.bot_scene import ANA, BEN, COPY, PRESS, STALE, Scene
from tests.unit.drafting_scene import ADA, grant, now_says, set_policy, shown, team

A, B, C, D, E = (
    Medium(f"mxc://example.org/{n}", "image/jpeg", 300_000, f"{n}.jpg", key="k", sha256="a-hash", copies=(COPY,))
    for n in "abcde"
)
ASKED = (
    "k1 goes out as @acme with 2 pictures, in this order: 1 a.jpg, 2 b.jpg. Not posted yet.\n"
    "Post it: !send k1 or ✅ here · forget it: !drop k1 or ❌ · to post the last picture alone, reply to that."
)


class Talk:
    """What people say in PRESS beside commands; the network finds it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.count = 0

    def send(self, who: Identity, *media: Medium, text: str = "", thread: str | None = None) -> str:
        self.count += 1
        event_id = f"$p{self.count}"
        own = tuple(replace(one, message_id=event_id) for one in media)
        message = Message(event_id, PRESS, who, text, self.scene.now, thread=thread, media=own)
        self.scene.network.messages[event_id] = message
        return event_id

    def garble(self, who: Identity) -> None:
        self.count += 1
        event_id = f"$p{self.count}"
        self.scene.network.messages[event_id] = Unreadable(event_id, PRESS, who, self.scene.now, "no key")


@pytest.fixture
async def room(scene: Scene) -> Talk:
    await scene.account("acme", ana=Role.OWNER, ben=Role.OWNER)
    return Talk(scene)


async def names(scene: Scene) -> list[str]:
    return [one.name.removesuffix(".jpg") for one in (await scene.post()).draft.media]


async def states(scene: Scene) -> list[PostState]:
    return [post.state for post in await scene.posts()]


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
    assert (await scene.ask(ANA, "!alt k1 2 B")).endswith("not posted, it waits for its author's word.")
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
    assert await scene.ask(ANA, "!send k5") == "Sending k5."
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


# ---------------------------------------------------------------- edits


async def captioned(scene: Scene, *media: Medium, state: PostState = PostState.QUEUED, **more: object) -> str:
    """A command that is the caption of ``media``; its id."""
    said = await scene.say(ANA, "!tweet@acme hello", media=media, **more)  # type: ignore[arg-type]  # a table of fields
    await scene.set(replace(await scene.post(), state=state))
    await scene.heard()
    return said


async def test_an_edit_swaps_the_picture(scene: Scene, room: Talk) -> None:
    said = await captioned(scene, A)
    described = replace(A, alt="A", remote_id="7", message_id=said)
    await scene.set(replace(await scene.post(), draft=Draft("hello", media=(described,))))
    words = await scene.edit(ANA, said, "!tweet@acme hello", media=(replace(A, key="sealed anew"),))
    assert words == ""  # a caption's edit repeats the file
    assert (await scene.post()).draft.media == (described,)
    words = await scene.edit(ANA, said, "!tweet@acme hello", media=(B,))
    assert words == "Changed: k1 goes out with the picture “b.jpg” now."
    assert (await scene.post()).draft.media == (B,)
    assert await scene.edit(BEN, said, "!tweet@acme hello", media=(C,)) == ""
    assert (await scene.post()).draft.media == (B,)


async def test_an_edit_swaps_its_own_pictures_only(scene: Scene, room: Talk) -> None:
    answered = room.send(ANA, A)
    said = await captioned(scene, B, C, reply_to=answered)
    assert await names(scene) == ["a", "b", "c"]
    await scene.edit(ANA, said, "!tweet@acme hello\nalt: A\nalt: C", media=(C,))
    assert [(one.name, one.alt) for one in (await scene.post()).draft.media] == [("a.jpg", "A"), ("c.jpg", "C")]
    words = await scene.edit(ANA, answered, "", media=(D, E))
    assert words == "You changed a picture of k1: it has 3 pictures (“d.jpg”, “e.jpg”, “c.jpg”) now."
    assert await names(scene) == ["d", "e", "c"]
    assert await scene.edit(ANA, answered, "a caption", media=(D, E)) == ""
    assert await scene.edit(BEN, answered, "", media=(A,)) == ""
    words = await scene.edit(ANA, answered, "", media=(A, B, D, E))
    assert words.startswith(
        "You changed a picture of it. A post has at most 4 pictures. So k1, “hello”, waits, not posted"
    )
    assert (await names(scene), await states(scene)) == (["d", "e", "c"], [PostState.HELD])


async def test_an_edit_of_a_picture_of_a_draft_is_a_new_draft(scene: Scene) -> None:
    await team(scene)
    answered = Talk(scene).send(ANA, A)
    await scene.say(ANA, "!tweet@acme hello", reply_to=answered)
    await scene.say(ADA, "!approve k1")
    assert await states(scene) == [PostState.QUEUED]
    await scene.edit(ANA, answered, "", media=(B,))
    assert (await states(scene), await names(scene)) == ([PostState.DRAFT], ["b"])
    assert "Picture: b.jpg" in await now_says(scene, await shown(scene, await scene.post(), 2))


# ---------------------------------------------------------------- a picture that is removed


@pytest.mark.parametrize("command", ["!tweet@acme hello", "!schedule@acme in 2h | hello", "!draft@acme hello"])
async def test_what_has_not_gone_out_falls_with_its_picture(scene: Scene, command: str) -> None:
    account = await team(scene, hold=20.0)
    await grant(scene, account, ANA, Role.OWNER)
    room = Talk(scene)
    second = room.send(ANA, B)
    await scene.say(ANA, command, reply_to=second)
    await scene.say(ANA, "!tweet@acme other", media=(A,))
    words = await scene.redact(ANA, second)
    assert words == "You removed its picture. Undone before it went out: k1, “hello”, not posted."
    assert await states(scene) == [PostState.FAILED, PostState.QUEUED]
    assert await scene.redact(ANA, second) == ""


async def test_others_who_remove_a_picture_are_reported(scene: Scene, room: Talk) -> None:
    answered = room.send(ANA, A)
    await scene.say(ANA, "!schedule in 2h | hello", reply_to=answered)
    words = await scene.redact(BEN, answered)
    assert words == f"{BEN.name} removed a picture of k1, “hello”, which still waits to go out · undo: !undo k1"
    assert await states(scene) == [PostState.SCHEDULED]


@pytest.mark.parametrize("state", [PostState.SENDING, PostState.UNKNOWN, PostState.POSTED, PostState.FAILED])
async def test_what_may_be_out_stays_when_the_picture_is_removed(scene: Scene, room: Talk, state: PostState) -> None:
    answered = room.send(ANA, A)
    await scene.say(ANA, "!tweet hello", reply_to=answered)
    await scene.set(replace(await scene.post(), state=state, claimed_at=scene.now))
    assert await scene.redact(ANA, answered) == ""
    assert await states(scene) == [state]


async def test_a_thread_falls_whole_with_its_picture(scene: Scene, room: Talk) -> None:
    answered = room.send(ANA, A)
    [(account, _)] = await scene.store.transact(lambda tx: tx.accounts.usable_by(ANA))
    await set_policy(scene, account, hold=20.0)
    await scene.say(ANA, "!thread One\n---\nTwo", reply_to=answered)
    await scene.redact(ANA, answered)
    assert await states(scene) == [PostState.FAILED] * 2


async def test_an_edit_can_give_a_text_a_picture(scene: Scene, room: Talk) -> None:
    said = await captioned(scene)
    await scene.edit(ANA, said, "!tweet@acme hello", media=(B,))
    assert await names(scene) == ["b"]


async def test_a_swapped_picture_is_a_new_draft(scene: Scene) -> None:
    await team(scene)
    said = await captioned(scene, A, state=PostState.DRAFT)
    first = await shown(scene, await scene.post())
    await scene.edit(ANA, said, "!tweet@acme hello", media=(B,))
    assert "Replaced" in await now_says(scene, first)
    assert "Picture: b.jpg" in await now_says(scene, await shown(scene, await scene.post(), 2))


async def test_too_large_a_picture_by_edit_waits(scene: Scene, room: Talk) -> None:
    said = await captioned(scene, A)
    words = await scene.edit(ANA, said, "!tweet@acme hello", media=(replace(B, size=60 << 20),))
    assert "too large" in words
    assert await states(scene) == [PostState.HELD]


async def test_a_picture_by_edit_is_not_scaled_down_unasked(scene: Scene, room: Talk) -> None:
    said = await captioned(scene, A)
    await scene.edit(ANA, said, "!tweet@acme hello", media=(replace(B, size=6 << 20),))
    assert await states(scene) == [PostState.HELD]
    assert (await scene.post()).reason == "The picture has 6 MB, and X takes 5: it would be scaled down."
    await scene.say(ANA, "!send k1")
    assert await states(scene) == [PostState.QUEUED]
    assert [one.scaled for one in (await scene.post()).draft.media] == [True]


@pytest.mark.parametrize("command", ["!edit k1 hello you", "!edit k1"])
async def test_edit_as_a_caption_swaps_the_picture(scene: Scene, room: Talk, command: str) -> None:
    await captioned(scene, A, B)
    words = await scene.ask(ANA, f"{command}\nalt: C", media=(C,))
    text = "hello you" if "you" in command else "hello"
    assert words == f"Changed k1, “{text}”, with the picture “c.jpg”: it goes out."
    assert (await scene.post()).draft == Draft(text, media=(replace(C, alt="C"),))


async def test_edit_in_reply_to_the_own_command_keeps_what_it_has(scene: Scene, room: Talk) -> None:
    said = await captioned(scene, A)
    await scene.say(ANA, "!alt k1 A cat")
    await scene.say(ANA, "!edit k1 hello you", reply_to=said)
    assert (await scene.post()).draft == Draft("hello you", media=(replace(A, alt="A cat"),))


async def test_a_repost_takes_no_picture(scene: Scene, room: Talk) -> None:
    url = scene.publisher.post_url("ben", "1234")
    words = await scene.ask(ANA, f"!retweet {url}", media=(A,))
    assert words == "Not posted: !retweet takes no picture. Send it without one."
    assert await scene.posts() == []
    said = await scene.say(ANA, f"!retweet {url}")
    assert (await scene.edit(ANA, said, f"!retweet {url}", media=(A,))).startswith("A repost takes no picture.")


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


@settings(max_examples=200, deadline=None)
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


async def test_what_an_edit_brings_is_asked_about_anew(scene: Scene, room: Talk) -> None:
    first = room.send(ANA, A)
    room.send(ANA, B)
    said = await scene.say(ANA, "!tweet hello", reply_to=first)
    assert (await scene.post()).question_id is not None
    await scene.edit(ANA, said, "!tweet hello, password: hunter2!")
    post = await scene.post()
    assert (post.state, post.question_id) == (PostState.HELD, None)  # so it is asked about again
    assert post.reason.endswith("It looks as if a password were in it.")
    await scene.question(ANA, [post], "$again")
    await scene.edit(ANA, said, "!tweet hello you, password: hunter2!")
    assert (await scene.post()).question_id is not None
    await scene.edit(ANA, said, "!tweet hello you, password: hunter2!", media=(replace(C, size=7 << 20),))
    assert (await scene.post()).reason.endswith("these have more: 3 (7 MB). They would be scaled down.")
