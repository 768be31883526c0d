"""Previews through the real speaker: one message, edited in place, in the order of what happened."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest

from bridge.chat.matrix.sending import edit_of
from bridge.errors import ChatRefused
from bridge.model import Outgoing, PostState, Role, Speech
from tests.fakes.network import Said
from tests.unit.bot_scene import PRESS, Scene
from tests.unit.drafting_scene import ADA, ANA, team


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
    assert "Look twice: It is the same text from a second account, which has it waiting or on its way (k1)." in words
    assert "secret" not in words


@pytest.mark.parametrize("letter", ["a", "ა", "語", "🙂", "\\", "a\n"])
@pytest.mark.parametrize("parts", [1, 25])
async def test_what_a_preview_leaves_out_it_says_and_no_network_cuts_it(scene: Scene, parts: int, letter: str) -> None:
    account = await team(scene)
    await scene.store.transact(lambda tx: tx.accounts.save(replace(account, premium=True)))
    text = "\n---\n".join(f"{number} {letter * (9_000 if parts == 1 else 7_000)}" for number in range(parts))
    await scene.say(ANA, f"!thread {text}" if parts > 1 else f"!draft {text}")
    post = await scene.post(0)
    [preview] = [a for a in await scene.answers(Speech.TEXT) if a.post_id == post.id]
    assert ("too long to show whole" in preview.body) is (parts > 1 or letter != "a")
    assert f"reject: ❌ or !reject {post.label} [reason]" in preview.body
    said = Outgoing("key", PRESS, Speech.EDIT, preview.body, target="$preview")
    assert edit_of(said)["m.new_content"]["body"] == preview.body


async def test_a_thread_of_the_usual_length_is_shown_whole(scene: Scene) -> None:
    await team(scene)
    parts = [f"{number:03}" + "x" * 277 for number in range(25)]
    words = await scene.ask(ANA, "!thread " + "\n---\n".join(parts))
    assert all(f"│ {part}\n" in words for part in parts)
