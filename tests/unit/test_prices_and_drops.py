"""Prices are said before a thread or a scheduled post goes out, and what is dropped stands in the log."""

import pytest

from bridge.model import Account, PostState, Role
from tests.unit.bot_scene import ANA, BEN, Scene


@pytest.fixture
async def acme(scene: Scene) -> Account:
    return await scene.account("acme", ana=Role.OWNER)


async def test_a_scheduled_link_says_its_price_and_a_plain_text_does_not(scene: Scene, acme: Account) -> None:
    assert "the link makes it $0.20" in await scene.ask(ANA, "!schedule in 2h | see https://example.org")
    assert "$" not in await scene.ask(ANA, "!schedule in 2h | hello")


async def test_a_split_thread_says_what_it_costs_in_all(scene: Scene, acme: Account) -> None:
    words = "word " * 70
    assert "$" not in await scene.ask(ANA, f"!thread {words}")
    shown = await scene.ask(ANA, f"!thread {words}https://example.org")
    assert "it costs $0.215 in all" in shown


async def test_the_first_link_is_asked_about_with_its_price_and_later_ones_are_not(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!tweet see https://example.org")
    post = await scene.post()
    assert post.state is PostState.HELD
    assert post.reason == (
        "There is a link in it: the link makes it $0.20. I ask you this once; an owner can have it asked each time:"
        " !policy @acme links=ask."
    )
    assert await scene.ask(ANA, "!send k1") == "Sending k1."
    await scene.say(ANA, "!tweet and https://example.com")
    assert (await scene.post()).state is PostState.QUEUED
    await scene.account("acme", ben=Role.POSTER)
    await scene.say(BEN, "!tweet@acme mine https://example.net")
    assert (await scene.post()).state is PostState.HELD  # each person once


async def test_what_tells_its_price_anyway_asks_nothing_more(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!schedule in 2h | see https://example.org")
    assert (await scene.post()).state is PostState.SCHEDULED
    await scene.say(ANA, "!policy @acme hold=20s")
    assert (await scene.ask(ANA, "!tweet see https://example.com")).endswith("the link makes it $0.20")
    assert (await scene.post()).state is PostState.QUEUED


async def test_asked_each_time_it_is_asked_once_for_each_post(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!policy @acme links=ask")
    for text in ("one https://example.org", "two https://example.org"):
        await scene.say(ANA, f"!tweet {text}")
        assert (await scene.post()).reason == "There is a link in it: the link makes it $0.20."


async def drops(scene: Scene, acme: Account) -> list[tuple[str, str]]:
    deeds = await scene.store.transact(lambda tx: tx.log.of_account(acme.id, 50))
    return [(deed.detail, deed.outcome) for deed in deeds if deed.verb == "drop" and deed.actor == ANA]


async def test_an_undo_in_time_is_logged(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!tweet hello")
    await scene.say(ANA, "!undo")
    assert await drops(scene, acme) == [("k1, “hello”", "undone: not posted")]


@pytest.mark.parametrize("how", ["command", "reaction"])
async def test_a_dropped_question_is_logged(scene: Scene, acme: Account, how: str) -> None:
    await scene.say(ANA, "!tweet old words", age=7200)
    post = await scene.post()
    assert post.state is PostState.HELD
    name = await scene.question(ANA, [post])
    if how == "command":
        await scene.say(ANA, f"!drop {name}")
    else:
        await scene.react(ANA, "$question", "❌")
    assert await drops(scene, acme) == [("k1, “old words”", "not posted")]
