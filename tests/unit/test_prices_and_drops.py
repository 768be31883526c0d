"""Prices are said before a thread or a scheduled post goes out, and what is dropped stands in the log."""

import pytest

from bridge.model import Account, PostState, Role
from tests.unit.bot_scene import ANA, Scene


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
