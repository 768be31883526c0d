"""An ``alt:`` within the words of a post: asked about, taken out for its pictures, and what a change leaves of that."""

from dataclasses import replace

import pytest

from bridge.model import Draft, PostState
from tests.unit.bot_scene import ANA, SOON, Scene
from tests.unit.drafting_scene import ADA, POLLY, now_says, shown, team
from tests.unit.test_alt_texts import CAT, DOG, FREE, alts, held

WITHIN = "“alt:” stands within its text, so what follows is no alt text, but words of the post."


@pytest.mark.parametrize(
    ("caption", "text", "alt"),
    [
        ("a red one alt: red all over", "a red one", "red all over"),
        ("a red one  ALT:red\nall over ", "a red one", "red\nall over"),
        ("a red one\n\nAlt text: red all over", "a red one", "red all over"),
        ("a red one alt-text: red", "a red one", "red"),
    ],
)
async def test_it_is_asked_about_and_taken_out_at_a_word(scene: Scene, caption: str, text: str, alt: str) -> None:
    await team(scene)
    await scene.say(POLLY, f"!tweet@acme {caption}", media=(CAT,))
    post = await scene.post()
    assert (post.state, post.reason, post.draft.text) == (PostState.HELD, WITHIN, caption)
    words = await scene.ask(POLLY, "!alt k1")
    shown_alt = " ".join(alt.split())
    changed = f"Changed k1, “{text}”, the picture “cat.jpg” has the alt text “{shown_alt}”: it goes out {SOON}"
    assert words == f"{changed} · the alt text makes it $0.02"
    post = await scene.post()
    assert (post.state, post.reason, post.draft) == (PostState.QUEUED, "", Draft(text, media=(replace(CAT, alt=alt),)))
    assert post.cost == FREE + 5_000


async def test_the_same_words_go_out_when_its_author_says_so(scene: Scene) -> None:
    post = await held(scene, "off", "press alt: it opens the menu")
    await scene.question(POLLY, [post])
    assert await scene.ask(POLLY, "!send k1") == "Sending k1."
    post = await scene.post()
    assert (post.state, post.draft) == (PostState.QUEUED, Draft("press alt: it opens the menu", media=(CAT,)))


@pytest.mark.parametrize(
    "caption", ["the basalt: a rock", "halt: who goes there", "#alt: rock", "press alt:", "alto: 1"]
)
async def test_other_words_are_words(scene: Scene, caption: str) -> None:
    post = await held(scene, "off", caption)
    assert (post.state, post.draft.text) == (PostState.QUEUED, caption)


async def test_taken_out_by_a_reply_to_the_question(scene: Scene) -> None:
    post = await held(scene, "require", "one alt: A cat alt: A dog", CAT, DOG)
    await scene.question(POLLY, [post])
    words = await scene.ask(POLLY, "!alt", reply_to="$question")
    assert words == (
        "Changed k1, “one”, the picture “cat.jpg” has the alt text “A cat”, the picture “dog.jpg” has the alt text "
        f"“A dog”: it goes out {SOON} · the alt text makes it $0.025"
    )
    assert await alts(scene) == ["A cat", "A dog"]


async def test_more_of_them_than_pictures_change_nothing(scene: Scene) -> None:
    await held(scene, "off", "one alt: A cat alt: A dog")
    assert await scene.ask(POLLY, "!alt k1") == "Nothing was changed: there are 2 alt texts for one picture."
    assert ((await scene.post()).state, await alts(scene)) == (PostState.HELD, [""])


async def test_another_alt_text_leaves_the_words_and_it_waits_on(scene: Scene) -> None:
    await held(scene, "off", "one alt: A cat")
    assert (await scene.ask(POLLY, "!alt k1 A tom")).endswith(
        "not posted, it waits for its author's word (!send k1) · the alt text makes it $0.02."
    )
    post = await scene.post()
    assert (post.reason, post.draft.text, await alts(scene)) == (WITHIN, "one alt: A cat", ["A tom"])
    assert (await scene.ask(POLLY, "!alt k1")).endswith(
        f"has the alt text “A cat”: it goes out {SOON} · the alt text makes it $0.02"
    )


async def test_an_edit_that_brings_one_is_asked_about(scene: Scene) -> None:
    await team(scene, hold=20.0)
    said = await scene.say(POLLY, "!tweet@acme one", media=(CAT,))
    await scene.edit(POLLY, said, "!tweet@acme one alt: A cat")
    assert ((await scene.post()).state, (await scene.post()).reason) == (PostState.HELD, WITHIN)
    await scene.edit(POLLY, said, "!tweet@acme one\nalt: A cat")
    assert ((await scene.post()).state, await alts(scene)) == (PostState.QUEUED, ["A cat"])
    assert (await scene.ask(POLLY, "!edit k1 two alt: A dog")).endswith(
        "not posted, it waits for its author's word (!send k1) · the alt text makes it $0.02."
    )
    assert (await scene.post()).draft.text == "two alt: A dog"


async def test_of_a_thread_it_may_stand_in_any_part(scene: Scene) -> None:
    await team(scene)
    await scene.say(POLLY, "!thread@acme One\n---\nTwo alt: A cat", media=(CAT,))
    assert [post.reason for post in await scene.posts()] == [WITHIN] * 2
    words = await scene.ask(POLLY, "!alt k2")
    assert words == (
        "Changed k1, “One”, the picture “cat.jpg” has the alt text “A cat”: it goes out in 10 s. To stop it: !undo k1"
        " · it costs $0.035 in all"
    )
    first, second = await scene.posts()
    assert (first.draft, second.draft) == (Draft("One", media=(replace(CAT, alt="A cat"),)), Draft("Two"))
    assert (first.state, second.state) == (PostState.QUEUED, PostState.QUEUED)


async def test_a_part_that_is_nothing_else_stays(scene: Scene) -> None:
    await team(scene)
    await scene.say(POLLY, "!thread@acme One\n---\nalt text: A cat", media=(CAT,))
    words = await scene.ask(POLLY, "!alt k1")
    assert "no text" in words
    assert [post.state for post in await scene.posts()] == [PostState.HELD] * 2


async def test_a_preview_says_how_it_is_taken_out(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!tweet@acme one alt: A cat", media=(CAT,))
    words = await now_says(scene, await shown(scene, await scene.post()))
    assert "It has no alt text. To take what follows “alt:” out of the text for it: !alt k1\n" in words
    assert f"Look twice: {WITHIN}" in words
    words = await scene.ask(ADA, "!alt k1")
    assert words.endswith(
        ", the picture “cat.jpg” has the alt text “A cat”: it is k1.2 now and waits for approval. Since these are your"
        " words, somebody else has to approve them."
    )
    words = await now_says(scene, await shown(scene, await scene.post(), 2))
    assert "Look twice" not in words


async def test_at_its_time_a_scheduled_post_keeps_it(scene: Scene) -> None:
    await team(scene)
    await scene.say(POLLY, "!schedule@acme in 2 hours | one alt: A cat", media=(CAT,))
    at = (await scene.post()).scheduled_for
    assert (await scene.ask(POLLY, "!alt k1")).startswith("Changed k1, “one”, the picture “cat.jpg” has the alt text")
    post = await scene.post()
    assert (post.state, post.due_at, post.scheduled_for) == (PostState.SCHEDULED, at, at)


async def test_without_a_picture_its_line_is_asked_about(scene: Scene) -> None:
    await team(scene)
    said = await scene.say(POLLY, "!tweet@acme one\nalt: A cat")
    post = await scene.post()
    why = "A line of it begins with “alt:”, and it has no picture: these would be words of the post."
    assert (post.state, post.reason) == (PostState.HELD, why)
    assert await scene.ask(POLLY, "!alt k1") == "k1 has no picture."
    await scene.edit(POLLY, said, "!tweet@acme one alt: A cat")
    assert (await scene.post()).state is PostState.QUEUED


# ---------------------------------------------------------------- what a change leaves of what was asked

PHONE = "It looks as if a phone number were in it."


async def test_what_a_change_has_settled_is_offered_no_more(scene: Scene) -> None:
    await team(scene, alt="ask")
    said = await scene.say(POLLY, "!tweet@acme call +49 30 1234567 alt: A cat", media=(CAT, DOG))
    post = await scene.post()
    assert (post.state, post.reason) == (PostState.HELD, f"{PHONE} {WITHIN} Pictures 1 and 2 have no alt text.")
    await scene.edit(POLLY, said, "!tweet@acme call +49 30 1234567\nalt: A cat")
    post = await scene.post()
    assert (post.state, post.reason) == (PostState.HELD, f"{PHONE} Picture 2 has no alt text.")
    await scene.say(POLLY, "!alt k1 2 A dog")
    assert ((await scene.post()).state, (await scene.post()).reason) == (PostState.HELD, PHONE)
    await scene.edit(POLLY, said, "!tweet@acme call +49 30 1234567 alt: A cat")
    assert (await scene.post()).reason == f"{PHONE} {WITHIN}"


async def test_so_it_is_of_every_part_of_a_thread(scene: Scene) -> None:
    await team(scene)
    said = await scene.say(POLLY, "!thread@acme call +49 30 1234567\n---\nTwo alt: A cat", media=(CAT,))
    assert [post.reason for post in await scene.posts()] == [f"{PHONE} {WITHIN}"] * 2
    await scene.edit(POLLY, said, "!thread@acme call +49 30 1234567\n---\nTwo")
    assert [(post.state, post.reason) for post in await scene.posts()] == [(PostState.HELD, PHONE)] * 2


async def test_a_preview_of_a_thread_says_how_it_is_taken_out_of_another_part(scene: Scene) -> None:
    await team(scene)
    await scene.say(ANA, "!thread@acme One\n---\nTwo alt: A cat", media=(CAT,))
    words = await now_says(scene, await shown(scene, await scene.post(0)))
    assert "It has no alt text. To take what follows “alt:” out of the text for it: !alt k1\n" in words
