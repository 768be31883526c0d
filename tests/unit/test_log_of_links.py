"""What of linking and unlinking stands in the log."""

from pathlib import Path

from bridge.model import Policy, Role
from bridge.store import Database
from tests.unit.bot_scene import ANA, BEN, DM, PRESS, Scene
from tests.unit.linkdesk import LinkDesk


async def test_unlinking_is_logged_and_the_last_one_takes_the_policy_along(scene: Scene) -> None:
    acme = await scene.account("acme", ana=Role.OWNER, ben=Role.OWNER)
    await scene.store.transact(lambda tx: tx.policies.put(acme.id, Policy(room=PRESS, budget=5)))
    await scene.say(ANA, "unlink @acme", DM)
    assert await scene.store.transact(lambda tx: tx.policies.of(acme.id)) == Policy(room=PRESS, budget=5)
    await scene.say(BEN, "unlink @acme", DM)
    assert await scene.store.transact(lambda tx: tx.policies.of(acme.id)) == Policy()
    deeds = await scene.store.transact(lambda tx: tx.log.of_account(acme.id, 10))
    assert [(d.actor, d.verb, d.detail, d.outcome) for d in deeds] == [
        (ANA, "unlink", "@acme", "others are linked to it"),
        (BEN, "unlink", "@acme", "its token is revoked"),
    ]


async def test_linking_is_logged_however_it_ends(tmp_path: Path) -> None:
    store = await Database.open(tmp_path / "kantter.db")
    desk = LinkDesk(store, tmp_path / "kantter.db")
    async with desk.working():
        await desk.say("link")
        await desk.address()
        desk.pass_time(901)
        await desk.hears("The 15 minutes are over")
        await desk.link("acme")
    deeds = await store.transact(lambda tx: tx.log.tail(10))
    await store.close()
    assert [(d.actor, d.verb, d.outcome) for d in deeds] == [(ANA, "link", "not linked"), (ANA, "link", "owner")]
    assert deeds[1].detail == "@acme"
    assert deeds[1].account_id is not None
