"""Alt texts: said before or after the post, by its name or as a reply; asked for or demanded by an account's policy."""

from dataclasses import replace

import pytest

from bridge.model import Draft, Medium, Message, Post, PostState, Role, Speech
from tests.unit.bot_scene import ANA, BEN, CAP, COPY, LOBBY, PRESS, SOON, STALE, Scene
from tests.unit.drafting_scene import ADA, CHANGED, OWEN, POLLY, now_says, set_policy, shown, speak, team

CAT = Medium("mxc://example.org/cat", "image/jpeg", 300_000, "cat.jpg", sha256="a-hash", copies=(COPY,))
DOG = replace(CAT, source="mxc://example.org/dog", name="dog.jpg")
FREE, LACKS = 15_000, "The picture has no alt text."


async def alts(scene: Scene, number: int = -1) -> list[str]:
    return [one.alt for one in (await scene.post(number)).draft.media]


async def held(scene: Scene, alt: str = "ask", text: str = "hello", *media: Medium) -> Post:
    """A post of @acme that waits, since its policy is that."""
    await team(scene, alt=alt)
    await scene.say(POLLY, f"!tweet@acme {text}", media=media or (CAT,))
    return await scene.post()


async def bot_said(scene: Scene, post: Post) -> str:
    """The event of the bot's newest words about the post."""
    await speak(scene)
    return [a.event_id or "" for a in await scene.answers(Speech.TEXT) if a.post_id == post.id][-1]


# ---------------------------------------------------------------- the verb


async def test_it_is_set_by_the_posts_name(scene: Scene) -> None:
    await team(scene, hold=20.0)
    await scene.say(POLLY, "!tweet@acme hello", media=(CAT,))
    words = await scene.ask(POLLY, "!alt k1 A cat asleep\non a chair")
    assert (
        words == "Changed k1, “hello”, the picture “cat.jpg” has the alt text “A cat asleep on a chair”: it goes out in"
        " 20 s. To stop it: !undo k1 · the alt text makes it $0.02"
    )
    post = await scene.post()
    assert (post.state, post.draft.media[0].alt) == (PostState.QUEUED, "A cat asleep\non a chair")
    assert post.cost == FREE + 5_000
    assert (
        await scene.ask(POLLY, "!alt k1 A cat asleep\non a chair")
        == "That picture of k1 has just that alt text already."
    )


async def test_one_of_several_is_named_by_its_number(scene: Scene) -> None:
    await team(scene, hold=20.0)
    await scene.say(POLLY, "!tweet@acme hello", media=(CAT, DOG))
    assert await scene.ask(POLLY, "!alt k1 A dog") == "It has 2 pictures. Say which one: !alt k1 1 WHAT IT SHOWS"
    assert (await scene.ask(POLLY, "!alt k1 3 A dog")).startswith("It has 2 pictures.")
    assert (await scene.ask(POLLY, "!alt k1 0 A dog")).startswith("It has 2 pictures.")
    assert await scene.ask(POLLY, "!alt k1 2") == "What does it show? !alt k1 2 WHAT IT SHOWS"
    assert "picture 2 “dog.jpg” has the alt text “2 dogs”" in await scene.ask(POLLY, "!alt k1 2 2 dogs")
    assert await alts(scene) == ["", "2 dogs"]


async def test_a_number_before_the_only_picture_is_text(scene: Scene) -> None:
    await team(scene, hold=20.0)
    await scene.say(POLLY, "!tweet@acme hello", media=(CAT,))
    await scene.say(POLLY, "!alt k1 2 cats")
    assert await alts(scene) == ["2 cats"]


@pytest.mark.parametrize("reply_to", ["question", "command"])
async def test_a_reply_needs_no_name(scene: Scene, reply_to: str) -> None:
    post = await held(scene)
    await scene.question(POLLY, [post])
    words = await scene.ask(POLLY, "!alt K9 with a cat", reply_to="$question" if reply_to == "question" else "$1")
    assert words.endswith(f"has the alt text “K9 with a cat”: it goes out {SOON} · the alt text makes it $0.02")
    assert await alts(scene) == ["K9 with a cat"]


async def test_a_reply_to_the_picture_itself_is_about_that(scene: Scene) -> None:
    await team(scene, hold=20.0)
    for name, medium in (("$cat", CAT), ("$dog", DOG)):
        own = (replace(medium, message_id=name),)
        scene.network.messages[name] = Message(name, PRESS, POLLY, "", scene.now, media=own)
    said = await scene.say(POLLY, "!tweet@acme hello", reply_to="$cat", media=(CAT,))
    await scene.say(POLLY, "!send k1")
    assert [one.message_id for one in (await scene.post()).draft.media] == ["$cat", "$dog", said]
    assert "picture 2 “dog.jpg” has the alt text “3 dogs”" in await scene.ask(POLLY, "!alt 3 dogs", reply_to="$dog")
    assert "picture 1 “cat.jpg” has the alt text “A cat”" in await scene.ask(POLLY, "!alt 1 A cat", reply_to=said)
    assert (await scene.ask(BEN, "!alt no", reply_to="$dog")).startswith("Which one?")
    await scene.say(POLLY, "!tweet@acme world", reply_to="$dog")
    assert await scene.ask(POLLY, "!alt dogs", reply_to="$dog") == (
        "That is about k1, k2. Say which one: !alt ID WHAT IT SHOWS"
    )
    assert await alts(scene, 0) == ["A cat", "3 dogs", ""]


async def test_at_the_daily_cap_the_alt_text_stays_and_the_post_waits(scene: Scene) -> None:
    post = await held(scene)
    for _ in range(CAP):
        await scene.say(POLLY, f"!tweet@acme number {_}")
    words = await scene.ask(POLLY, f"!alt {post.label} A cat")
    assert words.endswith("not posted, it waits for its author's word (!send k1) · the alt text makes it $0.02.")
    kept = await scene.post(0)
    assert (kept.state, kept.draft.media[0].alt) == (PostState.HELD, "A cat")
    assert kept.reason.startswith("The limit is 50 posts in 24 hours")


async def test_a_reply_to_a_preview_may_name_it_too(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!tweet@acme hello", media=(CAT,))
    event = await shown(scene, await scene.post())
    assert (await scene.ask(ADA, "!alt A cat", reply_to=event)).endswith(
        "it is k1.2 now and waits for approval. Since these are your words, somebody else has to approve them."
    )
    assert (await scene.ask(ANA, "!alt k1.2 A tom", reply_to=event)).endswith("it is k1.3 now and waits for approval.")
    assert await alts(scene) == ["A tom"]


async def test_a_reply_that_names_another_is_asked_about(scene: Scene) -> None:
    await team(scene, hold=20.0)
    first = await scene.say(POLLY, "!tweet@acme hello", media=(CAT,))
    await scene.say(POLLY, "!tweet@acme world", media=(CAT,))
    words = await scene.ask(POLLY, "!alt k2 A cat", reply_to=first)
    assert words == "You reply to k1, and name k2: send it again without the reply."
    assert await alts(scene, 0) == await alts(scene, 1) == [""]


async def test_a_question_about_several_does_not_tell_which(scene: Scene) -> None:
    await held(scene)
    await scene.say(POLLY, "!tweet@acme world", media=(CAT,))
    await scene.question(POLLY, await scene.posts())
    words = await scene.ask(POLLY, "!alt A cat", reply_to="$question")
    assert words == "That is about k1, k2. Say which one: !alt ID WHAT IT SHOWS"


async def test_who_may_not_change_the_post_may_not_describe_it(scene: Scene) -> None:
    await team(scene, hold=20.0)
    await scene.account("other", ben=Role.OWNER)
    said = await scene.say(POLLY, "!tweet@acme hello", media=(CAT,))
    assert (await scene.ask(BEN, "!alt k1 A cat")).startswith("You may not change k1")
    assert (await scene.ask(OWEN, "!alt A cat", reply_to=said)).startswith("Which one?")
    assert (await scene.ask(POLLY, "!alt A cat", LOBBY, reply_to=said)).startswith("Which one?")
    assert (await scene.ask(POLLY, "!alt A cat")).startswith("Which one? !alt ID [NUMBER] WHAT IT SHOWS")
    assert await alts(scene) == [""]


async def test_what_has_no_picture_or_is_out_cannot_be_described(scene: Scene) -> None:
    await team(scene, hold=20.0)
    await scene.say(POLLY, "!tweet@acme hello")
    assert await scene.ask(POLLY, "!alt k1 A cat") == "k1 has no picture."
    await scene.say(POLLY, "!tweet@acme world", media=(CAT,))
    await scene.set(replace(await scene.post(), state=PostState.POSTED, claimed_at=scene.now))
    assert await scene.ask(POLLY, "!alt k2 A cat") == (
        "It is too late to change k2: it is posted. To delete it: !undo k2 · then say it anew."
    )


async def test_of_a_thread_it_is_on_the_part_that_has_the_picture(scene: Scene) -> None:
    await team(scene, alt="ask")
    await scene.say(POLLY, "!thread@acme One\n---\nTwo", media=(CAT,))
    assert [post.state for post in await scene.posts()] == [PostState.HELD] * 2
    assert (await scene.ask(POLLY, "!alt k2 A cat")).endswith(f": it goes out {SOON} · it costs $0.035 in all")
    assert [post.state for post in await scene.posts()] == [PostState.QUEUED] * 2
    assert await alts(scene, 0) == ["A cat"]


@pytest.mark.parametrize("alt", ["A \0 cat", "A \ud800 cat", "A \x1b[2J cat", "x" * 1001, "y" * 10_000])
async def test_what_is_no_alt_text_is_refused(scene: Scene, alt: str) -> None:
    await team(scene, hold=20.0)
    await scene.say(POLLY, "!tweet@acme hello", media=(CAT,))
    words = await scene.ask(POLLY, f"!alt k1 {alt}")
    assert "alt text" in words
    assert await alts(scene) == [""]
    words = await scene.ask(POLLY, f"!tweet@acme hello\nalt: {alt}", media=(CAT,))
    assert "alt text" in words
    assert len(await scene.posts()) == 1


async def test_marks_of_direction_stay_in_it_and_not_in_the_answer(scene: Scene) -> None:
    await team(scene, hold=20.0)
    await scene.say(POLLY, "!tweet@acme hello", media=(replace(CAT, name="a\u202egpj.exe\n\x1b[2Jk9"),))
    words = await scene.ask(POLLY, "!alt k1 \u200fחתול ישן")
    assert not set(words) & set("\u202e\u200f\x1b\n")
    assert await alts(scene) == ["\u200fחתול ישן"]


# ---------------------------------------------------------------- the policy


@pytest.mark.parametrize("alt", ["off", "ask", "require"])
async def test_a_described_picture_is_never_asked_about(scene: Scene, alt: str) -> None:
    await team(scene, alt=alt)
    await scene.say(POLLY, "!tweet@acme hello\nalt: A cat", media=(CAT,))
    await scene.say(POLLY, "!tweet@acme text alone")
    assert [post.state for post in await scene.posts()] == [PostState.QUEUED] * 2


async def test_asked_for_it_is_held_and_goes_with_it_or_without(scene: Scene) -> None:
    post = await held(scene)
    assert (post.state, post.reason) == (PostState.HELD, LACKS)
    await scene.question(POLLY, [post])
    assert (await scene.ask(POLLY, "!alt k1 A cat")).endswith(f": it goes out {SOON} · the alt text makes it $0.02")
    assert ((await scene.post()).state, (await scene.post()).question_id) == (PostState.QUEUED, None)
    await scene.say(POLLY, "!tweet@acme world", media=(CAT,))
    await scene.question(POLLY, [await scene.post()])
    assert await scene.ask(POLLY, "!send k2") == "Sending k2."
    assert ((await scene.post()).state, await alts(scene)) == (PostState.QUEUED, [""])


async def test_each_picture_must_be_described_before_it_goes(scene: Scene) -> None:
    post = await held(scene, "ask", "hello", CAT, DOG)
    assert post.reason == "Pictures 1 and 2 have no alt text."
    assert (await scene.ask(POLLY, "!alt k1 2 A dog")).endswith(
        "it waits for its author's word (!send k1) · the alt text makes it $0.02."
    )
    assert (await scene.post()).reason == "Picture 1 has no alt text."
    assert (await scene.ask(POLLY, "!alt k1 1 A cat")).endswith(f": it goes out {SOON} · the alt text makes it $0.025")


async def test_the_edit_of_the_caption_or_the_post_gives_it_too(scene: Scene) -> None:
    await held(scene)
    await scene.edit(POLLY, "$1", "!tweet@acme hello\nalt: A cat")
    assert (await scene.post()).state is PostState.QUEUED
    await scene.say(POLLY, "!tweet@acme world", media=(CAT,))
    await scene.say(POLLY, "!edit k2 world\nalt: A cat")
    assert (await scene.post()).state is PostState.QUEUED


async def test_what_waits_for_more_than_that_waits_on(scene: Scene) -> None:
    post = await held(scene, "ask", "call me at +1 202 555 0143")
    assert post.reason == f"It looks as if a phone number were in it. {LACKS}"
    assert (await scene.ask(POLLY, "!alt k1 A cat")).endswith(
        "not posted, it waits for its author's word (!send k1) · the alt text makes it $0.02."
    )
    await scene.say(POLLY, "!tweet@acme old", age=STALE + 1.0, media=(CAT,))
    assert (await scene.post()).reason == LACKS
    assert (await scene.ask(POLLY, "!alt k2 A cat")).endswith(
        "it waits for its author's word (!send k2) · the alt text makes it $0.02."
    )


async def test_an_alt_text_that_looks_like_a_secret_is_asked_about(scene: Scene) -> None:
    await held(scene)
    words = await scene.ask(POLLY, "!alt k1 a note, password: hunter2!")
    assert "hunter2" not in words
    assert words.endswith("not posted, it waits for its author's word (!send k1) · the alt text makes it $0.02.")
    assert (await scene.post()).reason == "It looks as if a password were in it."
    await set_policy(scene, (await scene.account("acme")), alt="off")
    await scene.say(POLLY, "!tweet@acme world\nalt: password: hunter2!", media=(CAT,))
    assert (await scene.post()).reason == "It looks as if a password were in it."


async def test_demanded_no_word_lets_it_go_without(scene: Scene) -> None:
    post = await held(scene, "require")
    must = f"{LACKS} The account's policy is to post none without."
    assert (post.state, post.reason) == (PostState.HELD, must)
    await scene.question(POLLY, [post])
    refused = f"Not sent: {must} To give it one: !alt k1 WHAT IT SHOWS"
    assert await scene.ask(POLLY, "!send k1") == refused
    assert await scene.react(POLLY, "$question", "✅") == refused
    assert (await scene.post()).state is PostState.HELD
    assert (await scene.ask(POLLY, "!alt A cat", reply_to="$question")).endswith(
        f": it goes out {SOON} · the alt text makes it $0.02"
    )


async def test_demanded_a_draft_cannot_be_approved_or_sent_without(scene: Scene) -> None:
    await team(scene, alt="require")
    await scene.say(ANA, "!tweet@acme hello", media=(CAT,))
    event = await shown(scene, await scene.post())
    words = await now_says(scene, event)
    assert "It has no alt text. To give it one: !alt k1 WHAT IT SHOWS" in words
    assert f"Look twice: {LACKS} The account's policy is to post none without." in words
    assert (await scene.ask(ADA, "!approve k1")).startswith(f"k1 cannot be approved: {LACKS}")
    assert (await scene.react(ADA, event, "✅")).startswith(f"k1 cannot be approved: {LACKS}")
    assert (await scene.post()).state is PostState.DRAFT
    await scene.say(ANA, "!alt k1 A cat")
    assert "Look twice" not in await now_says(scene, await shown(scene, await scene.post(), 2))
    await scene.say(ADA, "!approve k1.2")
    assert (await scene.post()).state is PostState.QUEUED

    await scene.say(POLLY, "!draft@acme mine", media=(CAT,))
    assert (await scene.ask(POLLY, "!send k2")).startswith(f"Not sent: {LACKS}")
    assert (await scene.post()).state is PostState.DRAFT


async def test_described_anew_it_waits_for_approval_anew(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!tweet@acme hello", media=(CAT,))
    first = await shown(scene, await scene.post())
    await scene.say(ANA, "!alt k1 A cat")
    assert (await now_says(scene, first)).startswith("Replaced: k1 was changed and is k1.2 now.")
    assert await scene.react(ADA, first, "✅") == CHANGED.format(2, "approve")
    assert (await scene.post()).state is PostState.DRAFT
    await scene.say(BEN, "!alt k1 A dog")
    assert (await scene.ask(BEN, "!approve k1.3")).startswith("You changed k1 to what it says now")
    await scene.say(ADA, "!approve k1.3")
    assert (await scene.post()).state is PostState.QUEUED


async def test_a_preview_of_four_long_alt_texts_fits_into_an_event(scene: Scene) -> None:
    await team(scene)
    caption = "hello" + "".join(f"\nalt: {chr(0x1F408) * 1000}" for _ in range(4))
    await scene.say(ANA, f"!tweet@acme {caption}", media=(CAT, DOG, CAT, DOG))
    words = await now_says(scene, await shown(scene, await scene.post()))
    assert len(words) < 3000
    assert "The whole of it stands before this, on 2 pages." in words
    assert "it waits for approval" in words


async def test_the_policy_is_shown_and_set(scene: Scene) -> None:
    await team(scene)
    assert "alt=off" in await scene.ask(OWEN, "!policy @acme")
    assert await scene.ask(OWEN, "!policy @acme alt=require") == "@acme: alt=require (was off)."
    assert (await scene.ask(OWEN, "!policy @acme alt=maybe")).startswith("alt is off, ask or require, not “maybe”.")


async def test_a_room_that_is_not_the_posts_hears_nothing_of_it(scene: Scene) -> None:
    await team(scene)
    await scene.say(POLLY, "!tweet@acme hello", PRESS, media=(CAT,))
    assert await scene.posts()
    assert (await scene.post()).draft == Draft("hello", media=(CAT,))
