"""Accounts that are shared with a room, and those that somebody wants back: by command, through the whole bot."""

from dataclasses import replace

import pytest

from bridge.model import Account, Identity, OfferState, PostState, Role, Room, RoomLost, RoomMoved, Speech
from tests.unit.bot_scene import ANA, BEN, EVE, LOBBY, NOW, PRESS, Scene
from tests.unit.sharing_scene import BEN_DM, CONTRIBUTOR, OWNER, POSTER, deeds, gather, offer, role, told, work_off

# ---------------------------------------------------------------- with a room


async def test_the_members_of_a_room_have_its_role_while_they_are_in_it(scene: Scene) -> None:
    acme = await scene.account("acme", ana=OWNER)
    await gather(scene, ANA, BEN)
    words = await scene.ask(ANA, "!share @acme room")
    assert "Whoever is in this room is contributor of @acme now" in words
    assert await role(scene, acme, BEN) is CONTRIBUTOR
    assert await role(scene, acme, EVE) is None
    await gather(scene, ANA, EVE)
    assert (await role(scene, acme, BEN), await role(scene, acme, EVE)) == (None, CONTRIBUTOR)
    assert await role(scene, acme, ANA) is OWNER
    await scene.ask(ANA, "!share @acme room poster")
    assert await role(scene, acme, EVE) is POSTER
    await scene.ask(ANA, "!unshare @acme room")
    assert await role(scene, acme, EVE) is None
    assert [deed[1:] for deed in await deeds(scene)] == [
        ("share", "@acme the room !press as contributor", "given"),
        ("share", "@acme the room !press as poster", "given"),
        ("unshare", f"@acme the room {PRESS.id}, was poster", "taken away"),
    ]


async def test_a_room_that_opens_loses_it_for_good(scene: Scene) -> None:
    acme = await scene.account("acme", ana=OWNER)
    await gather(scene, ANA, BEN)
    await scene.ask(ANA, "!share @acme room poster")
    await gather(scene, ANA, BEN, EVE, closed=False)
    assert await role(scene, acme, BEN) is None
    [words] = await scene.heard()
    assert "not invite-only any more" in words
    assert "acme" not in words
    assert "@acme" in await told(scene, ANA)
    await gather(scene, ANA, BEN, EVE)
    assert await role(scene, acme, EVE) is await role(scene, acme, BEN) is None


@pytest.mark.parametrize("known", [None, False])
async def test_an_open_or_unknown_room_gets_nothing(scene: Scene, known: bool | None) -> None:
    acme = await scene.account("acme", ana=OWNER)
    if known is not None:
        await gather(scene, ANA, BEN, closed=known)
    assert "only with a room that is invite-only" in await scene.ask(ANA, "!share @acme room")
    assert await role(scene, acme, BEN) is None


async def test_a_room_cannot_own_and_a_dm_is_no_room(scene: Scene) -> None:
    await scene.account("acme", ana=OWNER)
    await gather(scene, ANA, BEN)
    assert "cannot own" in await scene.ask(ANA, "!share @acme room owner")
    assert "Say it in the room" in await scene.ask(ANA, "share @acme room", Room("matrix", "!dm-ana"), direct=True)
    scene.network.aliases["#press:example.org"] = PRESS
    assert "Whoever is in this room" in await scene.ask(ANA, "!share @acme #press:example.org")


async def test_a_room_that_the_bot_lost_gives_nothing_until_it_is_back(scene: Scene) -> None:
    acme = await scene.account("acme", ana=OWNER)
    await gather(scene, ANA, BEN)
    await scene.ask(ANA, "!share @acme room poster")
    await scene.bot.deliver([RoomLost("$lost", PRESS)])
    assert await role(scene, acme, BEN) is None
    assert "not now" in await scene.ask(ANA, "!team @acme", LOBBY)
    await gather(scene, ANA, BEN)
    assert await role(scene, acme, BEN) is POSTER


@pytest.mark.parametrize("closed", [True, False])
async def test_an_upgraded_room_keeps_it_while_it_is_closed(scene: Scene, closed: bool) -> None:
    acme = await scene.account("acme", ana=OWNER)
    await gather(scene, ANA, BEN)
    await scene.ask(ANA, "!share @acme room poster")
    await gather(scene, ANA, EVE, room=LOBBY, closed=closed)
    await scene.bot.deliver([RoomMoved("$moved", PRESS, LOBBY)])
    assert await role(scene, acme, BEN) is None
    assert await role(scene, acme, EVE) is (POSTER if closed else None)
    rooms = await scene.store.transact(lambda tx: tx.shares.rooms(acme.id))
    assert rooms == ([(LOBBY, POSTER)] if closed else [])


async def test_where_a_role_comes_from_is_shown(scene: Scene) -> None:
    await scene.account("acme", ana=OWNER)
    await gather(scene, ANA, BEN)
    await scene.ask(ANA, "!share @acme room poster")
    assert "@acme (poster by being in this room): works" in await scene.ask(BEN, "!accounts")
    assert "poster by being in another room" in await scene.ask(BEN, "!whoami", LOBBY)
    assert f"poster by being in the room {PRESS.id}" in await scene.ask(BEN, "whoami", BEN_DM, direct=True)
    assert "@acme (owner): works" in await scene.ask(ANA, "!accounts")
    assert "being in this room. It ends when they leave" in await scene.ask(ANA, f"!unshare @acme {BEN.name}")
    assert "You use @acme by being in a room" in await scene.ask(BEN, "unlink @acme", BEN_DM, direct=True)


async def test_the_last_to_unlink_ends_what_rooms_and_offers_let_people_do(scene: Scene) -> None:
    acme = await scene.account("acme", ana=OWNER)
    await gather(scene, ANA, BEN)
    await scene.ask(ANA, "!share @acme room poster")
    question = await offer(scene)
    words = await scene.ask(ANA, "unlink @acme", Room("matrix", "!dm-ana"), direct=True)
    assert "Nobody uses it here any more" in words
    assert await role(scene, acme, BEN) is await role(scene, acme, ANA) is None
    assert await scene.react(BEN, question, "✅", room=BEN_DM) == ""


async def test_the_team_is_shown_to_the_team(scene: Scene) -> None:
    await scene.account("acme", ana=OWNER, ben=CONTRIBUTOR)
    await gather(scene, ANA, BEN)
    await scene.ask(ANA, "!share @acme room")
    await scene.ask(ANA, f"!share @acme {EVE.name} approver")
    assert await scene.ask(ANA, "!team") == (
        "The team of @acme:\n@ana:example.org: owner\n@ben:example.org: contributor\n"
        "whoever is in this room: contributor\n@eve:elsewhere.org: asked to be approver, no answer yet"
    )
    assert "asked to be" not in await scene.ask(BEN, "!team @acme", LOBBY)
    assert await scene.ask(BEN, "!team @acme", LOBBY) == (
        "The team of @acme:\n@ana:example.org: owner\n@ben:example.org: contributor\n"
        "whoever is in another room: contributor\nWhich other rooms those are, I tell in private only."
    )


# ---------------------------------------------------------------- recover


async def linked(scene: Scene, **roles: Role) -> Account:
    """An account that Ben has linked himself."""
    account = await scene.account("acme", ben=POSTER, **roles)
    await scene.store.transact(lambda tx: tx.accounts.grant(account.id, BEN, POSTER, scene.now, linked=True))
    return account


async def test_somebody_who_linked_it_owns_it_after_a_week_without_a_word(scene: Scene) -> None:
    acme = await linked(scene, ana=OWNER)
    assert "Every owner of @acme is told" in await scene.ask(BEN, "!recover @acme")
    assert "wants to own it here" in await told(scene, ANA)
    assert "unless an owner objects" in await scene.ask(BEN, "!recover @acme")
    assert "becomes owner of @acme at 2027-01-22" in await scene.ask(ANA, "!team @acme")
    scene.later(7 * 86400 - 1)
    await work_off(scene)
    assert await role(scene, acme, BEN) is POSTER
    scene.later(1)
    await work_off(scene)
    assert await role(scene, acme, BEN) is await role(scene, acme, ANA) is OWNER
    assert "you own it now" in await told(scene, BEN)
    assert "owns @acme too now" in await told(scene, ANA)


@pytest.mark.parametrize("way", ["!object @acme", "!share @acme @eve:elsewhere.org", "!unshare @acme me"])
async def test_an_owner_who_objects_or_shares_stops_it(scene: Scene, way: str) -> None:
    acme = await linked(scene, ana=OWNER, admin=OWNER)
    await scene.ask(BEN, "!recover @acme")
    assert "Only an owner" in await scene.ask(BEN, "!object @acme")
    await scene.ask(ANA, way)
    assert "objects: you do not become owner" in await told(scene, BEN)
    scene.later(8 * 86400)
    await work_off(scene)
    assert await role(scene, acme, BEN) is POSTER
    assert "Nobody wants to recover" in await scene.ask(Identity("matrix", "@root:example.org"), "!object @acme")


async def test_an_objection_holds_for_a_week_unless_an_owner_shares(scene: Scene) -> None:
    acme = await linked(scene, ana=OWNER)
    await scene.ask(BEN, "!recover @acme")
    await scene.ask(ANA, "!object @acme")
    before = await told(scene, ANA)
    words = await scene.ask(BEN, "!recover @acme")
    assert words == (
        "An owner of @acme has objected to that, so you cannot ask again before 2027-01-22 08:00 UTC. An owner can make"
        f" you one at any time: !share @acme {BEN.name} owner"
    )
    assert await told(scene, ANA) == before
    scene.later(7 * 86400)
    assert "Every owner of @acme is told" in await scene.ask(BEN, "!recover @acme")
    await scene.ask(ANA, "!object @acme")
    assert "you cannot ask again" in await scene.ask(BEN, "!recover @acme")
    await scene.ask(ANA, f"!share @acme {BEN.name} owner")
    assert await role(scene, acme, BEN) is OWNER


async def test_who_loses_their_role_meanwhile_recovers_nothing(scene: Scene) -> None:
    acme = await linked(scene, ana=OWNER)
    await scene.ask(BEN, "!recover @acme")
    await scene.store.transact(lambda tx: tx.accounts.revoke(acme.id, BEN))
    scene.later(8 * 86400)
    await work_off(scene)
    assert await role(scene, acme, BEN) is None


async def test_only_who_linked_it_can_recover_it(scene: Scene) -> None:
    await scene.account("acme", ana=OWNER, ben=POSTER)
    assert "Only somebody who linked @acme themselves" in await scene.ask(BEN, "!recover @acme")
    assert "You own @acme already" in await scene.ask(ANA, "!recover @acme")


async def test_what_nobody_owns_is_linked_anew(scene: Scene) -> None:
    await linked(scene)
    assert "Nobody owns @acme here" in await scene.ask(BEN, "!recover @acme")


async def test_an_offer_that_lost_its_account_is_not_made(scene: Scene) -> None:
    await scene.account("acme", ana=OWNER)
    await scene.say(ANA, f"!share @acme {BEN.name}")
    [made] = await scene.store.transact(lambda tx: tx.shares.open_offers(BEN))
    await scene.store.transact(lambda tx: tx.shares.save_offer(replace(made, state=OfferState.WITHDRAWN)))
    await work_off(scene)
    assert [a for a in await scene.answers(Speech.TEXT) if a.room == BEN_DM] == []


async def test_its_only_owner_takes_it_from_the_whole_team(scene: Scene) -> None:
    mine = Room("matrix", "!dm-ana")
    acme = await scene.account("acme", ana=Role.OWNER, ben=Role.POSTER)
    await scene.say(BEN, "!schedule@acme in 2h | later")
    words = await scene.ask(ANA, "unlink @acme all", mine, direct=True)
    assert "Not posted: “later”, because @ana:example.org unlinked @acme for all." in words
    assert "Nobody uses it here any more, so I forget its token and have it revoked." in words
    assert "1 waiting post of its team will not go out." in words
    assert [post.state for post in await scene.posts()] == [PostState.FAILED]
    assert await scene.store.transact(lambda tx: (tx.accounts.people(acme.id), tx.accounts.sealed(acme.id))) == (
        [],
        None,
    )
    assert "You have no account here yet" in await scene.ask(BEN, "!tweet hello")


async def test_others_cannot_take_it_from_all(scene: Scene) -> None:
    mine = Room("matrix", "!dm-ana")
    acme = await scene.account("acme", ana=Role.POSTER, ben=Role.OWNER)
    own = "To give up your own right: !unlink @acme"
    said = f"Nothing was unlinked: only an owner can take it from all. {own}"
    assert await scene.ask(ANA, "unlink @acme all", mine, direct=True) == said
    await scene.store.transact(lambda tx: tx.accounts.grant(acme.id, ANA, Role.OWNER, NOW))
    assert (
        await scene.ask(ANA, "unlink @acme all", mine, direct=True) == f"Nothing was unlinked: others own it too. {own}"
    )
    assert await scene.ask(ANA, "unlink all", mine, direct=True) == "Say which one: !unlink @ACCOUNT all"
    assert len(await scene.store.transact(lambda tx: tx.accounts.people(acme.id))) == 2


async def test_what_waits_of_somebody_who_is_taken_out_ends_for_good(scene: Scene) -> None:
    acme = await scene.account("acme", ana=Role.OWNER, ben=Role.POSTER)
    await scene.say(BEN, "!schedule@acme in 2h | later")
    words = await scene.ask(ANA, f"!unshare @acme {BEN.name}")
    log = await scene.store.transact(lambda tx: tx.log.of_account(acme.id, 9))
    [dropped] = [deed for deed in log if deed.verb == "drop"]
    assert (dropped.actor, dropped.post_id, dropped.detail) == (ANA, 1, "k1, “later”")
    assert dropped.outcome == "not posted: @ana:example.org ended the role of @ben:example.org on @acme"
    ended = "@ana:example.org ended the role of @ben:example.org on @acme"
    assert f"Not posted: “later”, because {ended}." in words
    assert f"{BEN.name} is not poster of @acme any more. 1 waiting post of theirs will not go out." in words
    await scene.say(ANA, f"!share @acme {BEN.name} poster")
    await scene.say(BEN, "!accept")
    assert [post.state for post in await scene.posts()] == [PostState.FAILED]


async def test_owners_hear_who_unlinked_their_account(scene: Scene) -> None:
    await scene.account("acme", ana=Role.OWNER, ben=Role.POSTER)
    await scene.ask(BEN, "unlink @acme", BEN_DM, direct=True)
    assert await told(scene, ANA) == "@ben:example.org, poster of @acme, has unlinked it."
    assert await told(scene, BEN) == ""


async def test_the_last_owner_leaves_it_to_the_team_and_hears_how_to_end_it_for_all(scene: Scene) -> None:
    mine = Room("matrix", "!dm-ana")
    acme = await scene.account("acme", ana=Role.OWNER, ben=Role.POSTER)
    assert await scene.ask(ANA, "unlink @acme", mine, direct=True) == (
        "Unlinked @acme: you can no longer post as it here. The others in its team keep their roles, and can go on"
        " posting as it. Nobody owns it here now: whoever links it next does, also you with !link. To end it for all,"
        " link it again and say !unlink @acme all."
    )
    assert (await role(scene, acme, ANA), await role(scene, acme, BEN)) == (None, Role.POSTER)
