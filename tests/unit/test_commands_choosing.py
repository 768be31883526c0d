"""accounts, whoami, use, policy, status, help, resume."""

import json
from dataclasses import replace

import pytest

from bridge.bot.showing import GROUPS, PAUSE
from bridge.bot.table import COMMANDS, VERBS
from bridge.errors import ChatUnreachable
from bridge.interfaces import Topic
from bridge.model import Account, Action, PostState, Role
from tests.unit.bot_scene import ADMIN, ANA, BEN, DM, EVE, LOBBY, NOW, PRESS, STALE, Scene


@pytest.fixture
async def acme(scene: Scene) -> Account:
    return await scene.account("acme", ana=Role.OWNER, ben=Role.POSTER)


# ---------------------------------------------------------------- accounts and whoami


@pytest.mark.parametrize("room", [PRESS, DM])
async def test_accounts_shows_mine_with_role_and_health(scene: Scene, acme: Account, room: object) -> None:
    own = await scene.account("own", ana=Role.POSTER)
    await scene.account("secret", ben=Role.OWNER)
    await scene.store.transact(lambda tx: tx.accounts.save(replace(own, broken="the token is dead", premium=True)))
    await scene.store.transact(lambda tx: tx.accounts.set_default(ANA, acme.id))
    lines = (await scene.ask(ANA, "!accounts", DM if room == DM else PRESS)).splitlines()
    assert lines == [
        "@acme (owner, your default): works",
        "@own (poster, premium): must be linked again: the token is dead · !link",
    ]
    assert "!link" in await scene.ask(EVE, "!accounts")


async def test_whoami_tells_identity_and_voice(scene: Scene, acme: Account) -> None:
    words = await scene.ask(ANA, "whoami", DM)
    assert "@ana:example.org" in words
    assert "@acme (owner)" in words
    await scene.account("own", ana=Role.POSTER)
    assert "Which account?" in await scene.ask(ANA, "!whoami")
    assert "!link" in await scene.ask(EVE, "!whoami")
    assert "operator" in await scene.ask(ADMIN, "!whoami")


# ---------------------------------------------------------------- use


async def default(scene: Scene, of: object) -> int | None:
    return await scene.store.transact(lambda tx: tx.accounts.default(of))  # type: ignore[arg-type]  # who or where


@pytest.mark.parametrize("text", ["!use @acme", "!use acme", "!use ACME", "!use@acme", "use @acme"])
async def test_use_sets_my_default(scene: Scene, acme: Account, text: str) -> None:
    await scene.ask(ANA, text, DM if text.startswith("use") else PRESS)
    assert await default(scene, ANA) == acme.id
    assert await default(scene, PRESS) is None
    await scene.ask(ANA, "!use none")
    assert await default(scene, ANA) is None


async def test_use_of_what_is_not_mine_changes_nothing(scene: Scene, acme: Account) -> None:
    for text in (
        "!use @acme",
        "!use @nobody",
        "!use acme room",
        "!use",
        "!use a b c",
        "!use room",
        "!use @",
        "!use \ud800",
    ):
        assert await scene.ask(EVE, text), text
    assert await default(scene, EVE) is None
    assert await default(scene, PRESS) is None


async def test_a_room_default_needs_a_room_admin_who_owns_the_account(scene: Scene, acme: Account) -> None:
    assert "admin of this room" in await scene.ask(ANA, "!use @acme room")
    scene.network.admins |= {(PRESS, ANA), (PRESS, BEN)}
    assert "owner or approver" in await scene.ask(BEN, "!use @acme room")
    assert await default(scene, PRESS) is None
    await scene.say(ANA, "!use @acme room")
    assert await default(scene, PRESS) == acme.id
    assert await default(scene, ANA) is None
    assert "@acme" in await scene.ask(BEN, "!use")
    assert "acme" not in await scene.ask(EVE, "!use")
    assert "admin of this room" in await scene.ask(EVE, "!use none room")
    await scene.say(BEN, "!use none room")
    assert await default(scene, PRESS) is None


async def test_a_room_that_cannot_be_checked_changes_nothing_but_my_own_default_does(
    scene: Scene, acme: Account
) -> None:
    scene.network.admins.add((PRESS, ANA))
    scene.network.errors["is_admin"] = ChatUnreachable("no answer")
    answer = await scene.ask(ANA, "!use @acme room")
    assert "could not check" in answer
    assert await default(scene, PRESS) is None
    await scene.say(ANA, "!use @acme")
    assert await default(scene, ANA) == acme.id


# ---------------------------------------------------------------- policy


async def test_only_an_owner_says_that_an_account_is_premium(scene: Scene, acme: Account) -> None:
    long = "!tweet " + "word " * 100
    assert await scene.ask(ANA, long)
    assert "Only an owner" in await scene.ask(BEN, "!policy @acme premium=on")
    await scene.say(ANA, "!policy @acme Premium=ON")
    assert "25,000" in await scene.ask(BEN, "!policy acme")
    await scene.say(ANA, "!policy@acme premium=off")
    assert "280" in await scene.ask(ANA, "!policy @acme")
    for text in (
        "!policy",
        "!policy @acme",
        "!policy @acme color=red",
        "!policy @acme premium",
        "!policy @acme premium=7",
    ):
        assert await scene.ask(ANA, text), text
    there = await scene.ask(EVE, "!policy @acme premium=on")
    assert there.replace("acme", "akme") == await scene.ask(EVE, "!policy @akme premium=on")


# ---------------------------------------------------------------- status


async def test_status_shows_what_of_mine_waits_here(scene: Scene, acme: Account) -> None:
    assert "nothing of yours waits" in await scene.ask(ANA, "!status")
    await scene.say(ANA, "!tweet in the press room")
    await scene.say(ANA, "!tweet in the lobby", LOBBY)
    await scene.say(BEN, "!tweet of Ben")
    here = await scene.ask(ANA, "!status")
    assert "in the press room" in here
    assert "1 post of yours in other rooms" in here
    assert "lobby" not in here
    assert "Ben" not in here
    private = await scene.ask(ANA, "status", DM)
    assert "press room" in private
    assert "lobby" in private
    for n in range(15):
        await scene.say(ANA, f"!tweet number {n}")
    assert "6 more posts" in await scene.ask(ANA, "!status")


async def test_status_tells_rest_health_and_states(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!tweet hello")
    await scene.set(replace(await scene.post(), state=PostState.UNKNOWN))
    await scene.store.transact(lambda tx: tx.accounts.rest(acme.id, Action.POST, NOW + 7200))
    await scene.store.transact(lambda tx: tx.accounts.save(replace(acme, broken="dead")))
    words = await scene.ask(ANA, "!status")
    assert "may or may not be out" in words
    assert "in 2 h" in words
    assert "must be linked again" in words
    assert "nothing of yours" in await scene.ask(EVE, "!status")


async def test_a_pause_is_told_and_its_reason_only_to_admins_in_private(scene: Scene) -> None:
    note = json.dumps({"reason": "out of credit", "since": NOW - 7200}).encode()
    await scene.store.transact(lambda tx: tx.notes.put(*PAUSE, note))
    words = await scene.ask(EVE, "!status")
    assert "Posting is paused, for 2 h now, until the operator acts." in words
    assert "credit" not in words
    assert "credit" not in await scene.ask(ADMIN, "!status")
    assert "credit" in await scene.ask(ADMIN, "status", DM)
    await scene.store.transact(lambda tx: tx.notes.put(*PAUSE, b"\xff"))
    assert "paused" in await scene.ask(EVE, "!status")


# ---------------------------------------------------------------- help and resume


async def test_help_shows_only_what_i_may_use_here(scene: Scene, acme: Account) -> None:
    of_eve = await scene.ask(EVE, "!help")
    assert "!link" in of_eve
    for verb in ("!tweet", "!resume", "!policy", "!cancel", "!unlink"):
        assert verb not in of_eve, verb
    of_ana = await scene.ask(ANA, "help", DM)
    for verb in ("!tweet[@ACCOUNT] TEXT", "!undo", "!policy", "!cancel", "!unlink"):
        assert verb in of_ana, verb
    of_ben = await scene.ask(BEN, "!help")
    assert "!policy" in of_ben  # any role reads it
    assert "!freeze" not in of_ben
    assert "!resume" in await scene.ask(ADMIN, "!help")


@pytest.mark.parametrize("verb", ["tweet", "!tweet", "T", " post "])
async def test_help_for_one_verb_has_usage_and_example(scene: Scene, acme: Account, verb: str) -> None:
    words = await scene.ask(ANA, f"!help {verb}")
    assert "!tweet[@ACCOUNT] TEXT" in words
    assert "Example: !tweet " in words


async def test_help_reads_at_a_glance(scene: Scene, acme: Account) -> None:
    assert len((await scene.ask(ANA, "!help")).splitlines()) == len(GROUPS) + 1
    first = await scene.ask(EVE, "!help")
    assert len(first) < 600
    assert first.startswith("I post to X for people in chats like this. To begin, write !link to me in private")
    sharing = await scene.ask(ANA, "!help sharing")
    assert "!share @ACCOUNT WHO|room [ROLE]: Let a person" in sharing
    assert "!tweet" not in sharing


def test_each_verb_is_in_one_group() -> None:
    names = [name for names in GROUPS.values() for name in names.split()]
    assert sorted(names) == sorted(command.name for command in COMMANDS)
    assert not {title.lower() for title in GROUPS} & set(VERBS)


async def test_help_for_an_unknown_verb_suggests(scene: Scene, acme: Account) -> None:
    assert "!tweet?" in await scene.ask(ANA, "!help twet")
    assert "I know no verb" in await scene.ask(ANA, "!help " + "x" * 5000)
    assert "!resume" not in await scene.ask(ANA, "!help resum")


async def test_nothing_that_is_not_built_is_shown(scene: Scene, acme: Account) -> None:
    words = await scene.ask(ADMIN, "!help", DM)
    for verb in ("picture", "channel"):
        assert f"!{verb}" not in words
        assert await scene.ask(ANA, f"!{verb} x") == ""


async def test_resume_is_for_admins_and_rings_the_outbox(scene: Scene, acme: Account) -> None:
    await scene.store.transact(lambda tx: tx.notes.put(*PAUSE, b"{}"))
    await scene.say(ANA, "!tweet hello")
    assert "Only" in await scene.ask(ANA, "!resume")
    scene.store.bell(Topic.POSTS).clear()
    assert "Trying again" in await scene.ask(ADMIN, "!resume")
    assert scene.store.bell(Topic.POSTS).is_set()
    assert await scene.store.transact(lambda tx: tx.notes.get(*PAUSE)) is None
    assert "Nothing is paused" in await scene.ask(ADMIN, "!resume")


# ---------------------------------------------------------------- suggestions and places


async def test_a_slip_is_pointed_out_to_anybody_and_only_with_what_they_may_use(scene: Scene, acme: Account) -> None:
    assert "!tweet?" in await scene.ask(ANA, "!twet hello")
    assert "!help?" in await scene.ask(EVE, "!hepl")
    assert await scene.ask(EVE, "!resum") == ""
    assert await scene.ask(ANA, "!weather") == ""
    assert await scene.ask(ANA, "!twet hello", age=STALE * 2) == ""
    assert await scene.posts() == []


async def test_private_verbs_are_sent_to_private(scene: Scene, acme: Account) -> None:
    for verb in ("!cancel", "!unlink @acme"):
        assert "private" in await scene.ask(ANA, verb), verb
    assert await scene.store.transact(lambda tx: tx.accounts.role(acme.id, ANA)) is Role.OWNER


async def test_an_old_command_is_not_run(scene: Scene, acme: Account) -> None:
    assert "20 min ago" in await scene.ask(ANA, "!use @acme", age=1200)
    assert await default(scene, ANA) is None
