"""Prices are said before a post goes out, and what is refused or dropped stands in the log."""

from dataclasses import replace

import pytest

from bridge.model import Account, PostState, Role
from tests.unit.bot_scene import ANA, CAP, COPY, SOON, Scene

CAT = replace(COPY, alt="A cat")


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


DEAR = "k1, “see https://example.org”, goes out as @acme in 10 s. To stop it: !undo k1 or ❌ here"


async def test_an_unusual_price_is_said_while_the_post_can_still_be_stopped(scene: Scene, acme: Account) -> None:
    assert await scene.ask(ANA, "!tweet see https://example.org") == f"{DEAR} · the link makes it $0.20"
    post = await scene.post()
    assert (post.state, post.due_at) == (PostState.QUEUED, scene.now + 10.0)
    assert (await scene.ask(ANA, "!tweet and https://example.com")).endswith("the link makes it $0.20")  # each time
    assert (await scene.ask(ANA, "!tweet hello", media=(CAT,))).endswith("the alt text makes it $0.02")
    thread = await scene.ask(ANA, "!thread one\n---\ntwo example.net\n---\nthree")
    assert thread.endswith("or ❌ here · it costs $0.23 in all")
    assert {post.due_at for post in await scene.posts()} == {scene.now + 10.0}


async def test_the_usual_price_and_an_allowed_one_need_no_word(scene: Scene, acme: Account) -> None:
    assert await scene.ask(ANA, "!tweet hello") == ""
    await scene.say(ANA, "!policy @acme links=allow")
    assert await scene.ask(ANA, "!tweet see https://example.org") == ""
    assert {post.due_at for post in await scene.posts()} == {scene.now}


async def test_a_longer_hold_tells_it_too(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!schedule in 2h | see https://example.org")
    assert (await scene.post()).state is PostState.SCHEDULED
    await scene.say(ANA, "!policy @acme hold=20s")
    words = await scene.ask(ANA, "!tweet see https://example.com")
    assert words.endswith("goes out as @acme in 20 s. To stop it: !undo k2 or ❌ here · the link makes it $0.20")
    assert (await scene.post()).state is PostState.QUEUED


async def test_a_change_that_makes_it_dear_tells_it_and_waits_anew(scene: Scene, acme: Account) -> None:
    said = await scene.say(ANA, "!tweet see example.org")
    scene.later(8.0)
    words = await scene.ask(ANA, "!edit k1 look at example.com")
    assert words == f"Changed k1, “look at example.com”: it goes out {SOON} · the link makes it $0.20"
    scene.later(8.0)
    words = await scene.edit(ANA, said, "!tweet look at example.net")
    assert words == f"Changed: k1, “look at example.net”, goes out {SOON} · the link makes it $0.20"
    assert (await scene.post()).due_at == scene.now + 10.0


async def test_what_is_scheduled_or_held_tells_it_with_its_change(scene: Scene, acme: Account) -> None:
    said = await scene.say(ANA, "!schedule in 2h | see you")
    words = await scene.ask(ANA, "!edit k1 see example.org")
    assert words == "Changed k1, “see example.org”: it still goes out at its time · the link makes it $0.20."
    words = await scene.edit(ANA, said, "!schedule in 3h | see example.net")
    assert words.endswith(" UTC · the link makes it $0.20.")
    said = await scene.say(ANA, "!tweet call +1 202 555 0143")
    assert (await scene.post()).state is PostState.HELD
    words = await scene.ask(ANA, "!edit k2 call +1 202 555 0143, example.org")
    assert words.endswith("it waits for its author's word (!send k2) · the link makes it $0.20.")


async def test_after_a_freeze_the_price_is_said_again(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!freeze @acme")
    assert await scene.ask(ANA, "!tweet see example.org") == ""  # it does not go out in 10 s
    await scene.say(ANA, "!tweet hello")
    scene.later(60.0)
    words = await scene.ask(ANA, "!unfreeze @acme")
    assert words.endswith(" k1 (the link makes it $0.20) goes out in 10 s. k2 goes out now. To stop one: !undo ID")


async def test_asked_each_time_it_is_asked_once_for_each_post(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!policy @acme links=ask")
    for text in ("one https://example.org", "two https://example.org"):
        await scene.say(ANA, f"!tweet {text}")
        assert (await scene.post()).reason == "There is a link in it: the link makes it $0.20."


async def test_a_budget_below_what_is_promised_says_what_comes_of_it(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!schedule in 2h | hello")
    words = await scene.ask(ANA, "!policy @acme budget=0.001")
    assert words.endswith(
        " Used or promised: $0.015 of $0.001 this month. That is more than the budget, so the last of what waits will"
        " fail: !queue"
    )
    assert (await scene.ask(ANA, "!policy @acme budget=1")).endswith(" Used or promised: $0.015 of $1.00 this month.")
    await scene.say(ANA, "!drop k1")
    assert (await scene.ask(ANA, "!policy @acme budget=0.001")).endswith(
        " Used or promised: $0.00 of $0.001 this month."
    )


# ---------------------------------------------------------------- the log


@pytest.mark.parametrize(
    ("command", "verb", "detail"),
    [
        ("!tweet hello", "post", "“hello”"),
        ("!draft hello", "draft", "“hello”"),
        ("!schedule in 2h | hello", "schedule", "“hello”"),
        ("!thread one\n---\ntwo", "post", "“one --- two”"),
        ("!tweet", "post", "the picture “cat.jpg”"),
        ("!tweet password: hunter2hunter2", "post", "(words that look like a secret)"),
    ],
)
async def test_what_the_budget_refuses_is_logged(
    scene: Scene, acme: Account, command: str, verb: str, detail: str
) -> None:
    await scene.say(ANA, "!policy @acme budget=0.001")
    await scene.say(ANA, command, media=(COPY,) if command == "!tweet" else ())
    *_, deed = await scene.store.transact(lambda tx: tx.log.of_account(acme.id, 50))
    cost = "$0.03" if "---" in command else "$0.015"
    assert (deed.actor, deed.verb, deed.detail, deed.room, deed.post_id) == (ANA, verb, detail, scene.room, None)
    assert deed.outcome == (
        "refused: @acme's budget for this month does not suffice: $0.00 of $0.001 are used or promised, $0.001 are"
        f" left, and this costs {cost}"
    )
    assert "refused: @acme's budget" in await scene.ask(ANA, "!log")


async def test_what_a_dead_token_or_the_daily_limit_refuses_is_logged(scene: Scene, acme: Account) -> None:
    for number in range(CAP):
        await scene.say(ANA, f"!tweet {number}")
    assert "You have reached the limit" in await scene.ask(ANA, "!tweet one more")
    await scene.store.transact(lambda tx: tx.accounts.save(replace(acme, broken="X does not know its token")))
    assert "must be linked again" in await scene.ask(ANA, "!tweet another")
    *_, full, dead = await scene.store.transact(lambda tx: tx.log.of_account(acme.id, 50))
    assert (full.detail, full.outcome) == (
        "“one more”", f"refused: You have reached the limit of {CAP} posts in 24 hours"
    )  # fmt: skip
    said = "@acme must be linked again (X does not know its token)"
    assert (dead.detail, dead.outcome) == ("“another”", f"refused: {said}")


async def test_a_refused_send_is_logged(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!tweet call +1 202 555 0143")
    await scene.say(ANA, "!policy @acme budget=0.001")
    assert "Not sent: @acme's budget" in await scene.ask(ANA, "!send k1")
    *_, deed = await scene.store.transact(lambda tx: tx.log.of_account(acme.id, 50))
    assert (deed.verb, deed.post_id) == ("send", 1)
    assert deed.outcome.startswith("refused: @acme's budget for this month does not suffice: ")


async def test_what_was_said_wrongly_is_not_logged(scene: Scene, acme: Account) -> None:
    for command in ("!tweet", "!tweet@other hello", f"!tweet {'a' * 300}", "!schedule hello", "!tweet @acme hello"):
        await scene.say(ANA, command)
    assert await scene.store.transact(lambda tx: tx.log.of_account(acme.id, 50)) == []


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
