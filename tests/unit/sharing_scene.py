"""Rooms that are told of, offers that are made, and what is told in private: what the tests of sharing share."""

import asyncio
from contextlib import suppress

from bridge.bot.notices import notices
from bridge.bot.offering import Offerer
from bridge.model import Account, Gathering, Identity, OfferState, Role, Room, Speech
from tests.patience import until
from tests.unit.bot_scene import ANA, BEN, PRESS, Scene

BEN_DM = Room("matrix", f"!dm-{BEN.name}")
OWNER, APPROVER, POSTER, CONTRIBUTOR = Role.OWNER, Role.APPROVER, Role.POSTER, Role.CONTRIBUTOR


async def gather(scene: Scene, *members: Identity, room: Room = PRESS, closed: bool = True) -> None:
    """What the network tells of a room."""
    scene.count += 1
    await scene.bot.deliver([Gathering(f"$gathering-{scene.count}", room, frozenset(members), closed)])


async def role(scene: Scene, account: Account, who: Identity) -> Role | None:
    return await scene.store.transact(lambda tx: tx.accounts.role(account.id, who))


async def told(scene: Scene, who: Identity) -> str:
    """What waits to be told to that person in private."""
    waiting = await scene.store.transact(notices)
    return "\n".join(notice.words for notice in waiting if notice.to == who)


async def work_off(scene: Scene) -> None:
    """Let the offerer do all that is due."""
    offerer = Offerer(scene.store, {"matrix": scene.network}, lambda: scene.now)
    running = asyncio.create_task(offerer.run())

    async def done() -> bool:
        offers = await scene.store.transact(lambda tx: tx.shares.open_offers())
        due = await scene.store.transact(lambda tx: tx.shares.recoveries(due=scene.now))
        return not due and all(offer.state is not OfferState.MADE for offer in offers)

    await until(done)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def offer(scene: Scene, text: str = f"!share @acme {BEN.name}", by: Identity = ANA) -> str:
    """Share with somebody, and let them be asked; gives the event of the question."""
    await scene.say(by, text)
    await work_off(scene)
    [question] = [a for a in await scene.answers(Speech.TEXT) if a.room == BEN_DM and "asks whether" in a.body]
    await scene.said(question, "$offer")
    await scene.heard()
    return "$offer"


async def deeds(scene: Scene) -> list[tuple[str | None, str, str, str]]:
    rows = await scene.store.transact(lambda tx: tx.log.tail(20))
    return [(deed.actor.name if deed.actor else None, deed.verb, deed.detail, deed.outcome) for deed in rows]
