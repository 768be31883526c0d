"""freeze and unfreeze: who may, what stands in the store, and who is told."""

from dataclasses import replace

import pytest

from bridge.interfaces import Topic, Tx
from bridge.model import Account, Action, Draft, Identity, PostState, Role, Room, Speech
from tests.unit.bot_scene import ANA, BEN, DM, EVE, LOBBY, NOW, PRESS, Scene


@pytest.fixture
async def acme(scene: Scene) -> Account:
    return await scene.account("acme", ana=Role.OWNER, ben=Role.POSTER)


async def frozen(scene: Scene, account: Account) -> str:
    found = await scene.store.transact(lambda tx: tx.accounts.get(account.id))
    assert found is not None
    return found.frozen


async def wait(
    scene: Scene, account: Account, author: Identity, state: PostState = PostState.QUEUED, room: Room = PRESS
) -> None:
    def work(tx: Tx) -> None:
        tx.posts.add(
            Action.POST, account.id, author, room, "$said", None, Draft("hello"), state=state, now=NOW, fresh_at=NOW,
            due_at=NOW
        )  # fmt: skip

    await scene.store.transact(work)


@pytest.mark.parametrize("verb", ["freeze", "unfreeze"])
@pytest.mark.parametrize("role", list(Role))
async def test_owners_and_approvers_may(scene: Scene, role: Role, verb: str) -> None:
    own = await scene.account("own", eve=role)
    if verb == "unfreeze":
        await scene.store.transact(lambda tx: tx.accounts.save(replace(own, frozen=str(ANA))))
    before = await frozen(scene, own)
    words = await scene.ask(EVE, f"!{verb} @own")
    may = role in (Role.OWNER, Role.APPROVER)
    assert (f"Only an owner or approver of @own can {verb} it; you are {role.value}." in words) is not may
    assert (await frozen(scene, own) != before) is may


async def test_a_frozen_account_says_by_whom_and_goes_on_once(scene: Scene, acme: Account) -> None:
    assert "nothing goes out" in await scene.ask(ANA, "!freeze @acme")
    assert await frozen(scene, acme) == str(ANA)
    assert "frozen already, by @ana:example.org" in await scene.ask(ANA, "!freeze acme")
    scene.store.bell(Topic.POSTS).clear()
    assert "goes on" in await scene.ask(ANA, "!unfreeze@acme")
    assert scene.store.bell(Topic.POSTS).is_set()
    assert "is not frozen" in await scene.ask(ANA, "!unfreeze")
    deeds = await scene.store.transact(lambda tx: tx.log.of_account(acme.id, 10))
    assert [(d.verb, d.actor, d.outcome) for d in deeds] == [
        ("freeze", ANA, "nothing waits"),
        ("unfreeze", ANA, "nothing waits"),
    ]


async def test_those_whose_posts_wait_are_told_where_they_asked(scene: Scene, acme: Account) -> None:
    other = await scene.account("other", ana=Role.OWNER)
    await wait(scene, acme, ANA)
    await wait(scene, acme, BEN)
    await wait(scene, acme, BEN, PostState.SCHEDULED)
    await wait(scene, acme, BEN, PostState.DRAFT, LOBBY)
    await wait(scene, acme, EVE, PostState.POSTED)
    await wait(scene, other, EVE)
    words = await scene.ask(ANA, "!freeze @acme")
    assert "4 posts waiting" in words
    said = [(a.room, a.mention, a.body) for a in await scene.answers(Speech.TEXT) if a.mention != ANA]
    assert said == [
        (PRESS, BEN, "@ana:example.org has frozen @acme, so this waits: k2, k3."),
        (LOBBY, BEN, "@ana:example.org has frozen @acme, so this waits: k4."),
    ]
    await scene.say(ANA, "unfreeze @acme", DM)
    said = [(a.room, a.mention, a.body) for a in await scene.answers(Speech.TEXT) if a.mention != ANA]
    assert [body for _, _, body in said[2:]] == [
        "@ana:example.org has lifted the freeze of @acme. This goes out now: k2.",
        "@ana:example.org has lifted the freeze of @acme. This goes out at its time: k3.",
        "@ana:example.org has lifted the freeze of @acme. This waits for approval as before: k4.",
    ]
    assert [post.state for post in await scene.posts()][:4] == [
        PostState.QUEUED, PostState.QUEUED, PostState.SCHEDULED, PostState.DRAFT,
    ]  # fmt: skip


async def test_many_posts_are_counted_and_what_left_is_said(scene: Scene, acme: Account) -> None:
    for _ in range(8):
        await wait(scene, acme, BEN)
    await wait(scene, acme, BEN, PostState.SENDING)
    words = await scene.ask(ANA, "!freeze @acme")
    assert "k1, k2, k3, k4, k5 and 3 more" in words
    assert "1 post had left already" in words


async def test_an_old_freeze_still_counts_and_an_old_unfreeze_does_not(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!freeze @acme", age=7200)
    assert await frozen(scene, acme)
    assert "2 h ago" in await scene.ask(ANA, "!unfreeze @acme", age=7200)
    assert await frozen(scene, acme)


@pytest.mark.parametrize("text", ["!freeze @acme", "!unfreeze @acme", "!freeze@acme"])
async def test_nobody_learns_of_an_account_that_is_not_theirs(scene: Scene, acme: Account, text: str) -> None:
    there = await scene.ask(EVE, text)
    assert there.replace("acme", "akme") == await scene.ask(EVE, text.replace("acme", "akme"))
    assert not await frozen(scene, acme)


async def test_too_many_words_are_refused(scene: Scene, acme: Account) -> None:
    assert "!freeze [@ACCOUNT]" in await scene.ask(ANA, "!freeze @acme now")
    assert not await frozen(scene, acme)
