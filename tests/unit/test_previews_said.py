"""Previews through the real speaker: one message, edited in place, in the order of what happened."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest

from bridge.chat.matrix.sending import edit_of, notice_of
from bridge.errors import ChatRefused
from bridge.model import Outgoing, PostState, Role, Speech
from tests.fakes.network import Said
from tests.unit.bot_scene import PRESS, Scene
from tests.unit.drafting_scene import ADA, ANA, shown, team


@pytest.fixture
async def speaking(scene: Scene) -> AsyncIterator[Scene]:
    """The scene, whose bot speaks."""
    await team(scene, approvals=2)
    task = asyncio.create_task(scene.bot.run())
    yield scene
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def until_said(scene: Scene, speech: Speech, words: str) -> Said:
    """Wait for something of that kind with these words in it."""
    count = 0
    while True:
        for said in scene.network.sent:
            if said.outgoing.speech is speech and words in said.outgoing.body:
                return said
        count = len(scene.network.sent)
        await scene.network.until_sent(count + 1)


async def test_it_is_one_message_and_its_edits_name_it(speaking: Scene) -> None:
    command = await speaking.say(ANA, "!draft@acme hello")
    shown = await until_said(speaking, Speech.TEXT, "Draft k1 for @acme")
    assert shown.outgoing.target == command
    await speaking.react(ADA, shown.event_id, "✅")
    edit = await until_said(speaking, Speech.EDIT, "1 of 2")
    assert (edit.outgoing.target, edit.outgoing.room) == (shown.event_id, PRESS)
    assert "│ hello" in edit.outgoing.body
    await speaking.edit(ANA, command, "!draft@acme goodbye")
    replaced = await until_said(speaking, Speech.EDIT, "Replaced: k1")
    assert replaced.outgoing.target == shown.event_id
    second = await until_said(speaking, Speech.TEXT, "Draft k1.2 for @acme")
    assert second.event_id != shown.event_id
    assert [said.outgoing.speech for said in speaking.network.sent].count(Speech.TEXT) == 2


async def test_changes_before_it_was_said_are_few_edits(speaking: Scene) -> None:
    speaking.network.hold.clear()
    await speaking.say(ANA, "!draft@acme hello")
    for _ in range(3):
        tick = await speaking.say(ADA, "!approve k1")
        await speaking.redact(ADA, tick)
    speaking.network.hold.set()
    last = await until_said(speaking, Speech.EDIT, "0 of 2")
    shown = await until_said(speaking, Speech.TEXT, "Draft k1 for @acme")
    assert last.outgoing.target == shown.event_id
    assert [said.outgoing.speech for said in speaking.network.sent].count(Speech.EDIT) == 1


async def test_a_preview_that_is_refused_takes_its_edits_with_it(speaking: Scene) -> None:
    speaking.network.failures.append(ChatRefused("no"))  # the 👀
    speaking.network.failures.append(ChatRefused("no"))  # the preview
    await speaking.say(ANA, "!draft@acme hello")
    assert (await speaking.post()).state is PostState.DRAFT
    await speaking.say(ADA, "!approve k1")
    await until_said(speaking, Speech.TEXT, "Approved k1, “hello”: 1 of 2")
    assert all(said.outgoing.speech is not Speech.EDIT for said in speaking.network.sent)


async def test_a_preview_names_no_other_account_of_its_author(scene: Scene) -> None:
    await team(scene)
    await scene.account("secret", ana=Role.OWNER)
    await scene.say(ANA, "!tweet@secret same words")
    words = await scene.ask(ANA, "!tweet@acme same words")
    assert "Look twice: It is the same text as from another account. X forbids that." in words
    assert "secret" not in words
    assert "k1" not in words


async def premium(scene: Scene) -> None:
    account = await team(scene)
    await scene.store.transact(lambda tx: tx.accounts.save(replace(account, premium=True)))


def whole_text(pages: list[str]) -> str:
    """What the pages show, without bars and their first lines."""
    lines = [line for page in pages for line in page.splitlines()[1:]]
    return "".join(("" if line[:2] == "┆ " else "\n") + line[2:] for line in lines if line[:2] in ("│ ", "┆ "))


@pytest.mark.parametrize("letter", ["a", "ა", "語", "🙂", "\\", "a\n"])
@pytest.mark.parametrize("parts", [1, 12])
async def test_what_a_preview_leaves_out_stands_before_it_and_no_network_cuts_any(
    scene: Scene, parts: int, letter: str
) -> None:
    await premium(scene)
    # All that X takes, of which no line is longer than a page and no edge of a page lies between two lines alone.
    texts = [f"{number} {letter * (9_000 if parts == 1 else 2_000)}".strip() for number in range(parts)]
    text = "\n---\n".join(texts)
    await scene.say(ANA, f"!thread {text}" if parts > 1 else f"!draft {text}")
    post = await scene.post(0)
    *pages, preview = [a for a in await scene.answers(Speech.TEXT) if a.post_id == post.id]
    assert bool(pages) is (parts > 1 or letter != "a")
    assert ("The whole of it stands before this, on " in preview.body) is bool(pages)
    assert f"reject: ❌ or !reject {post.label} [reason]" in preview.body
    said = Outgoing("key", PRESS, Speech.EDIT, preview.body, target="$preview")
    assert edit_of(said)["m.new_content"]["body"] == preview.body
    for page in pages:
        assert notice_of(Outgoing("key", PRESS, Speech.TEXT, page.body))["body"] == page.body
    if pages:
        assert whole_text([page.body for page in pages]) == "\n" + "\n".join(texts)
        shown = (await scene.ask(ADA, f"!show {post.label}")).replace("\n\n", "\n")
        assert all(page.body in shown for page in pages)
        assert await scene.ask(ADA, f"!approve {post.label}")
        assert (await scene.post(0)).state is PostState.QUEUED


async def test_pages_are_messages_of_their_own_before_the_one_that_takes_ticks(speaking: Scene) -> None:
    await premium(speaking)
    await speaking.say(ANA, f"!tweet {'語' * 12_000}")
    preview = await until_said(speaking, Speech.TEXT, "Draft k1 for @acme")
    pages = [said for said in speaking.network.sent if ", page " in said.outgoing.body]
    assert [page.outgoing.body.splitlines()[0] for page in pages] == [
        f"k1 for @acme, by {ANA.name}, page {number} of 3:" for number in (1, 2, 3)
    ]
    assert speaking.network.sent.index(preview) > speaking.network.sent.index(pages[-1])
    await speaking.react(ADA, pages[0].event_id, "✅")
    assert await speaking.store.transact(lambda tx: tx.decisions.of(1)) == []


async def test_what_is_too_long_to_be_shown_cannot_be_approved(scene: Scene) -> None:
    await premium(scene)
    text = "\n---\n".join(f"{number} {'語' * 12_000}" for number in range(6))
    said = await scene.ask(ANA, f"!thread {text}")
    assert "It is too long for me to show it whole, so it cannot be approved." in said
    assert ", page 12 of " in said
    assert ", page 13 of " not in said
    assert (await scene.ask(ADA, "!approve k1")).startswith("k1 cannot be approved: it is too long for me to show it")
    preview = await shown(scene, await scene.post(0))
    assert "k1 cannot be approved" in await scene.react(ADA, preview, "✅")
    assert (await scene.post(0)).state is PostState.DRAFT
    await scene.say(ANA, "!edit k1 short")
    await scene.say(ANA, "!edit k2 shorter")
    assert "It is too long" not in await scene.ask(ANA, "!edit k3 very short")


async def test_a_thread_of_the_usual_length_is_shown_whole(scene: Scene) -> None:
    await team(scene)
    parts = [f"{number:03}" + "x" * 277 for number in range(25)]
    words = await scene.ask(ANA, "!thread " + "\n---\n".join(parts))
    assert all(f"│ {part}\n" in words for part in parts)
