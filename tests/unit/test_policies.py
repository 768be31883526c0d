"""The verb policy: who reads and who sets it, every key with its values, and what is refused in which words."""

from collections.abc import Mapping

import pytest

from bridge.bot.terms import KEYS, lasting, seconds
from bridge.interfaces import Topic
from bridge.model import Account, Policy, Role, RoomMoved
from tests.unit.bot_scene import ANA, BEN, DM, EVE, LOBBY, PRESS, Scene


@pytest.fixture
async def acme(scene: Scene) -> Account:
    return await scene.account("acme", ana=Role.OWNER, ben=Role.POSTER)


async def policy(scene: Scene, account: Account) -> Policy:
    return await scene.store.transact(lambda tx: tx.policies.of(account.id))


@pytest.mark.parametrize(
    ("setting", "fields", "said"),
    [
        ("approvals=2", {"approvals": 2}, "approvals=2 (was 1)"),
        ("approvals=5", {"approvals": 5}, "approvals=5 (was 1)"),
        ("approvals_from=everyone", {"approvals_from": "everyone"}, "approvals_from=everyone (was contributors)"),
        ("Approvals-From = EVERYONE", {"approvals_from": "everyone"}, "approvals_from=everyone"),
        ("approve_by=command", {"approve_by": "command"}, "approve_by=command (was reaction)"),
        ('approve_by = "command"', {"approve_by": "command"}, "approve_by=command"),
        ("room=here", {"room": PRESS}, "room=here (was none)"),
        ("hold=20s", {"hold": 20.0}, "hold=20s (was none)"),
        ('hold = "20s"', {"hold": 20.0}, "hold=20s (was none)"),
        ("hold=90", {"hold": 90.0}, "hold=90s"),
        ("hold=2min", {"hold": 120.0}, "hold=2min"),
        ("hold=1h", {"hold": 3600.0}, "hold=1h"),
        ("hold=1.5m", {"hold": 90.0}, "hold=90s"),
        ("budget=5", {"budget": 5_000_000}, "budget=$5.00 (was none)"),
        ("budget=$7.50", {"budget": 7_500_000}, "budget=$7.50"),
        ("budget=0.015", {"budget": 15_000}, "budget=$0.015"),
        ("links=ask", {"links": "ask"}, "links=ask (was tell)"),
        ("links=allow", {"links": "allow"}, "links=allow (was tell)"),
        ("\n links=ask\n hold=20s\n", {"links": "ask", "hold": 20.0}, "hold=20s (was none), links=ask (was tell)"),
        ("links=ask hold=20s", {"links": "ask", "hold": 20.0}, "hold=20s (was none), links=ask (was tell)"),
    ],
)
async def test_an_owner_sets_it_and_takes_it_back(
    scene: Scene, acme: Account, setting: str, fields: Mapping[str, object], said: str
) -> None:
    words = await scene.ask(ANA, f"!policy @acme {setting}")
    assert said in words
    assert await policy(scene, acme) == Policy(**fields)  # type: ignore[arg-type]  # a table of fields
    assert "so already" in await scene.ask(ANA, f"!policy@acme {setting}")
    usual = "approvals=1 approvals_from=contributors approve_by=reaction room=none hold=none budget=none links=tell"
    await scene.say(ANA, f"!policy @acme {usual}")
    assert await policy(scene, acme) == Policy()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("approvals=0", "a number from 1 to 5"),
        ("approvals=6", "a number from 1 to 5"),
        ("approvals=²", "a number from 1 to 5"),
        ("approvals=" + "9" * 5000, "a number from 1 to 5"),
        ("approvals_from=ana", "contributors or everyone"),
        ("approve_by=phone", "reaction or command"),
        ("room=there", "here, none, or the address"),
        ("hold=soon", "20s or 2min"),
        ("hold=2h", "at most 1h"),
        ("hold=-1", "20s or 2min"),
        ("hold=nan", "20s or 2min"),
        ("budget=much", "dollars a month"),
        ("budget=-5", "dollars a month"),
        ("budget=1e9", "dollars a month"),
        ("budget=9999999", "dollars a month"),
        ("budget=0.0000001", "dollars a month"),
        ("links=never", "tell, ask or allow"),
        ("premium=7", "on or off"),
        ("color=red", "there are: approvals, approvals_from"),
        ("links=ask color=red", "there are: approvals"),
        ("links=", "!policy [@ACCOUNT]"),
        ("=ask", "!policy [@ACCOUNT]"),
        ("links=ask please", "!policy [@ACCOUNT]"),
        ("\0=\u202e", "there are"),
    ],
)
async def test_what_is_refused_names_what_is_allowed(scene: Scene, acme: Account, setting: str, said: str) -> None:
    words = await scene.ask(ANA, f"!policy @acme {setting}")
    assert said in words
    assert len(words) < 400
    assert await policy(scene, acme) == Policy()


@pytest.mark.parametrize("role", list(Role))
async def test_any_role_reads_and_only_an_owner_sets(scene: Scene, role: Role) -> None:
    own = await scene.account("own", eve=role)
    words = await scene.ask(EVE, "!policy @own")
    assert all(f"{key}=" in words for key in KEYS)
    words = await scene.ask(EVE, "!policy @own approvals=2")
    owner = role is Role.OWNER
    assert (f"Only an owner of @own can change that; you are {role.value}." in words) is not owner
    assert await policy(scene, own) == Policy(approvals=2 if owner else 1)


async def test_nobody_learns_of_an_account_that_is_not_theirs(scene: Scene, acme: Account) -> None:
    there = await scene.ask(EVE, "!policy @acme hold=20s")
    assert there.replace("acme", "akme") == await scene.ask(EVE, "!policy @akme hold=20s")


async def test_a_change_is_logged_and_rings_the_outbox(scene: Scene, acme: Account) -> None:
    await scene.ask(ANA, "!policy @acme")
    scene.store.bell(Topic.POSTS).clear()
    await scene.say(ANA, "!policy @acme budget=5 premium=on")
    assert scene.store.bell(Topic.POSTS).is_set()
    await scene.say(BEN, "!policy @acme budget=6")
    await scene.say(ANA, "!policy @acme budget=5")
    (deed,) = await scene.store.transact(lambda tx: tx.log.of_account(acme.id, 10))
    assert (deed.actor, deed.verb, deed.room) == (ANA, "policy", PRESS)
    assert deed.detail == "budget=$5.00 (was none), premium=on (was off)"
    found = await scene.store.transact(lambda tx: tx.accounts.get(acme.id))
    assert found is not None
    assert found.premium


async def test_too_few_approvers_are_pointed_out(scene: Scene, acme: Account) -> None:
    assert "only 1 in the team can approve" in await scene.ask(ANA, "!policy @acme approvals=2")
    assert "their own draft" in await scene.ask(ANA, "!policy @acme approvals=1 approvals_from=everyone")
    await scene.account("acme", eve=Role.APPROVER)
    assert "Mind" not in await scene.ask(ANA, "!policy @acme approvals=2 approvals_from=contributors")


async def test_the_approval_room_is_where_it_is_said(scene: Scene, acme: Account) -> None:
    assert "nobody but you sees the drafts here" in await scene.ask(ANA, "policy @acme room=here", DM)
    assert (await policy(scene, acme)).room == DM
    assert "Mind" not in await scene.ask(ANA, "!policy @acme room=here")
    await scene.bot.deliver([RoomMoved("$moved", PRESS, LOBBY)])
    assert (await policy(scene, acme)).room == LOBBY


async def test_an_approval_room_that_is_open_to_all_is_none(scene: Scene, acme: Account) -> None:
    await scene.store.transact(lambda tx: tx.shares.gather(PRESS, {ANA, BEN}, closed=False))
    assert "Anybody can come into this room" in await scene.ask(ANA, "!policy @acme room=here hold=5s")
    assert await policy(scene, acme) == Policy()
    await scene.store.transact(lambda tx: tx.shares.gather(PRESS, {ANA, BEN}, closed=True))
    assert "room=here (was none)" in await scene.ask(ANA, "!policy @acme room=here")


@pytest.mark.parametrize("length", [0.0, 1.0, 20.0, 60.0, 90.0, 120.0, 3600.0, 0.5])
def test_a_length_of_time_reads_as_it_is_said(length: float) -> None:
    assert seconds(lasting(length)) == length
