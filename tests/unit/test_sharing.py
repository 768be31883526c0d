"""Who may share an account with whom, how a person takes it, and when it ends: by command, through the whole bot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.bot.notices import notices
from bridge.bot.offering import Offerer
from bridge.bot.sharing import MOST_OFFERS_A_DAY
from bridge.errors import ChatRefused, ChatUnreachable
from bridge.model import Account, Gathering, Identity, OfferState, PostState, Role, Room, RoomLost, RoomMoved, Speech
from tests.patience import until
from tests.unit.bot_scene import ANA, BEN, EVE, LOBBY, PRESS, Scene, open_scene

BEN_DM = Room("matrix", f"!dm-{BEN.name}")
OWNER, APPROVER, POSTER, CONTRIBUTOR = Role.OWNER, Role.APPROVER, Role.POSTER, Role.CONTRIBUTOR


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path) as made:
        yield made


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


# ---------------------------------------------------------------- with a person


async def test_a_person_has_a_role_only_once_they_take_it(scene: Scene) -> None:
    acme = await scene.account("acme", ana=OWNER)
    assert "I ask @ben:example.org in private whether they want to be poster of @acme" in await scene.ask(
        ANA, f"!share @acme {BEN.name}"
    )
    assert await role(scene, acme, BEN) is None
    await work_off(scene)
    [asked] = [a.body for a in await scene.answers(Speech.TEXT) if a.room == BEN_DM]
    assert asked == (
        "@ana:example.org asks whether you want to be poster of @acme on X: you post. To take it: !accept @acme or ✅ ·"
        " if not: !decline @acme or ❌"
    )
    words = await scene.ask(BEN, "accept", BEN_DM, direct=True)
    assert "You are poster of @acme now. Next, in any room where I am: !tweet@acme hello" in words
    assert "@ben:example.org is poster of @acme now." in words  # said where it was shared
    assert await role(scene, acme, BEN) is POSTER
    assert await deeds(scene) == [
        (ANA.name, "share", "@acme @ben:example.org as poster", "offered"),
        (BEN.name, "accept", "@acme as poster, offered by @ana:example.org", "taken"),
    ]
    assert "Nobody offers you an account now" in await scene.ask(BEN, "accept", BEN_DM, direct=True)


async def test_a_tick_takes_it_and_only_that_of_the_person_asked(scene: Scene) -> None:
    acme = await scene.account("acme", ana=OWNER)
    question = await offer(scene, f"!share @acme {BEN.name} approver")
    assert await scene.react(EVE, question, "✅", room=BEN_DM) == ""
    assert await role(scene, acme, EVE) is await role(scene, acme, BEN) is None
    assert "You are approver of @acme now" in await scene.react(BEN, question, "✅", room=BEN_DM)
    assert await role(scene, acme, BEN) is APPROVER
    assert await scene.react(BEN, question, "❌", room=BEN_DM) == ""
    assert await role(scene, acme, BEN) is APPROVER


@pytest.mark.parametrize("way", ["!decline", "!decline @acme", "❌"])
async def test_a_person_may_decline(scene: Scene, way: str) -> None:
    acme = await scene.account("acme", ana=OWNER)
    question = await offer(scene)
    if way == "❌":
        words = await scene.react(BEN, question, "❌", room=BEN_DM)
    else:
        words = await scene.ask(BEN, way, BEN_DM, direct=True)
    assert "Declined: you do not become poster of @acme." in words
    assert "@ben:example.org does not want to be poster of @acme." in words
    assert await scene.react(BEN, question, "✅", room=BEN_DM) == ""
    assert await role(scene, acme, BEN) is None
    assert (BEN.name, "decline", "@acme as poster, offered by @ana:example.org", "declined") in await deeds(scene)


async def test_an_offer_does_not_outlive_the_right_to_make_it(scene: Scene) -> None:
    acme = await scene.account("acme", admin=OWNER, ana=APPROVER)
    question = await offer(scene)
    await scene.store.transact(lambda tx: tx.accounts.grant(acme.id, ANA, POSTER, scene.now))
    words = await scene.react(BEN, question, "✅", room=BEN_DM)
    assert "does not stand any more" in words
    assert await role(scene, acme, BEN) is None


async def test_an_offer_that_was_withdrawn_or_replaced_counts_for_nothing(scene: Scene) -> None:
    acme = await scene.account("acme", ana=OWNER)
    question = await offer(scene)
    assert "was asked already" in await scene.ask(ANA, f"!share @acme {BEN.name}")
    assert "Withdrawn" in await scene.ask(ANA, f"!unshare @acme {BEN.name}")
    assert await scene.react(BEN, question, "✅", room=BEN_DM) == ""
    await scene.say(ANA, f"!share @acme {BEN.name} owner")
    await scene.say(ANA, f"!share @acme {BEN.name} contributor")
    await work_off(scene)
    await scene.ask(BEN, "accept", BEN_DM, direct=True)
    assert await role(scene, acme, BEN) is CONTRIBUTOR


@pytest.mark.parametrize(
    "text", ["!share @acme Ben Baker approver", "!share@acme Ben approver", "!share @acme x owner"]
)
async def test_a_display_name_stands_for_whom_the_client_mentions(scene: Scene, text: str) -> None:
    await scene.account("acme", ana=OWNER)
    role = text.rpartition(" ")[2]
    asks = f"I ask {BEN.name} in private whether they want to be {role} of"
    assert asks in await scene.ask(ANA, text, mentions=(BEN,))
    assert f"Withdrawn: {BEN.name}" in await scene.ask(ANA, "!unshare @acme Ben Baker", mentions=(BEN,))
    assert "Write it like this: !share" in await scene.ask(ANA, "!share @acme Ben Baker approver", mentions=(BEN, EVE))
    assert "I ask @eve" in await scene.ask(ANA, f"!share @acme {EVE.name} poster", mentions=(BEN,))


async def test_an_approver_by_a_room_undoes_any_post_of_the_account(scene: Scene) -> None:
    await scene.account("acme", ana=OWNER)
    await gather(scene, ANA, BEN, EVE)
    await scene.ask(ANA, "!share @acme room poster")
    await scene.say(BEN, "!tweet@acme hello")
    post = await scene.post()
    assert "only they, an approver or an owner may undo it" in await scene.ask(EVE, f"!undo {post.label}")
    await scene.ask(ANA, "!share @acme room approver")
    assert "Undone before it went out" in await scene.ask(EVE, f"!undo {post.label}")
    assert (await scene.post(0)).state is PostState.FAILED
    await gather(scene, ANA)
    await scene.set(replace(post, state=PostState.POSTED, remote_id="77"))
    assert "you may undo" in await scene.ask(EVE, f"!undo {post.label}")
    assert "stays: you may not use its account any more" in await scene.ask(BEN, f"!undo {post.label}")


async def test_a_right_can_be_taken_away_when_the_network_names_nobody(scene: Scene) -> None:
    acme = await scene.account("acme", ana=OWNER, ben=POSTER)
    scene.network.errors["named"] = ChatUnreachable("gone")
    assert "I could not check whom you mean" in await scene.ask(ANA, f"!share @acme {EVE.name}")
    assert "I could not check whom you mean" in await scene.ask(ANA, f"!unshare @acme {EVE.name}")
    assert "not poster of @acme any more" in await scene.ask(ANA, f"!unshare @acme {BEN.name}")
    assert await role(scene, acme, BEN) is None


@pytest.mark.parametrize("decided", [f"!unshare @acme {BEN.name}", f"!share @acme {BEN.name} contributor"])
async def test_a_role_that_is_decided_anew_ends_an_offer_from_before(scene: Scene, decided: str) -> None:
    acme = await scene.account("acme", ana=OWNER)
    await offer(scene, f"!share @acme {BEN.name} owner")
    await scene.store.transact(lambda tx: tx.accounts.grant(acme.id, BEN, POSTER, scene.now, linked=True))
    await scene.say(ANA, decided)
    after = await role(scene, acme, BEN)
    assert "Nobody offers you" in await scene.ask(BEN, "!accept @acme", BEN_DM, direct=True)
    await scene.react(BEN, "$offer", "✅", room=BEN_DM)
    assert await role(scene, acme, BEN) is after is not OWNER


async def test_several_offers_are_told_apart(scene: Scene) -> None:
    acme, zoo = await scene.account("acme", ana=OWNER), await scene.account("zoo", ana=OWNER)
    await scene.say(ANA, f"!share @acme {BEN.name}")
    await scene.say(ANA, f"!share @zoo {BEN.name}")
    await work_off(scene)
    assert "Which one? You are offered @acme, @zoo: !accept @acme" in await scene.ask(
        BEN, "accept", BEN_DM, direct=True
    )
    await scene.ask(BEN, "accept @zoo", BEN_DM, direct=True)
    assert (await role(scene, acme, BEN), await role(scene, zoo, BEN)) == (None, POSTER)


async def test_who_cannot_be_written_to_is_told_to_the_giver(scene: Scene) -> None:
    await scene.account("acme", ana=OWNER)
    scene.network.errors["open_dm"] = ChatRefused("no such person")
    await scene.say(ANA, f"!share @acme {BEN.name}")
    await work_off(scene)
    assert "I cannot write to @ben:example.org in private (no such person), so nothing was shared" in "\n".join(
        await scene.heard()
    )


async def test_a_change_of_a_role_needs_no_second_yes(scene: Scene) -> None:
    acme = await scene.account("acme", ana=OWNER, ben=POSTER)
    assert "already" in await scene.ask(ANA, f"!share @acme {BEN.name}")
    assert "@ben:example.org is owner of @acme now" in await scene.ask(ANA, f"!share @acme {BEN.name} owner")
    assert await role(scene, acme, BEN) is OWNER
    assert "has made you owner of @acme; you were poster" in await told(scene, BEN)
    await scene.ask(BEN, f"!share@acme {ANA.name} contributor")
    assert await role(scene, acme, ANA) is CONTRIBUTOR


async def test_the_hundredth_offer_of_a_day_is_refused(scene: Scene) -> None:
    await scene.account("acme", ana=OWNER)
    for number in range(MOST_OFFERS_A_DAY):
        assert "I ask" in await scene.ask(ANA, f"!share @acme @p{number}:example.org")
    assert "limit" in await scene.ask(ANA, f"!share @acme {BEN.name}")


GIVES = {
    OWNER: {OWNER, APPROVER, POSTER, CONTRIBUTOR},
    APPROVER: {POSTER, CONTRIBUTOR},
    POSTER: set(),
    CONTRIBUTOR: set(),
}


@pytest.mark.parametrize("giver", list(Role))
@pytest.mark.parametrize("given", list(Role))
async def test_who_may_give_which_role(scene: Scene, giver: Role, given: Role) -> None:
    acme = await scene.account("acme", admin=OWNER, ana=giver)
    words = await scene.ask(ANA, f"!share @acme {BEN.name} {given.value}")
    assert ("I ask" in words) is (given in GIVES[giver])
    await scene.store.transact(lambda tx: tx.accounts.grant(acme.id, BEN, given, scene.now))
    taken = given in GIVES[giver]
    words = await scene.ask(ANA, f"!unshare @acme {BEN.name}")
    assert (await role(scene, acme, BEN) is None) is taken, words
    assert ("has ended your role on @acme" in await told(scene, BEN)) is taken


@pytest.mark.parametrize("text", ["!share @{} @ben:example.org", "!unshare @{} me", "!team @{}", "!recover @{}",
                                  "!object @{}"])  # fmt: skip
async def test_nobody_learns_of_accounts_that_they_may_not_use(scene: Scene, text: str) -> None:
    await scene.account("secret", ana=OWNER)
    await scene.account("mine", eve=OWNER)
    words = [await scene.ask(EVE, text.format(handle)) for handle in ("secret", "nowhere")]
    assert words[0].replace("secret", "nowhere") == words[1]
    assert "You have no account" in words[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("!share", "Write it like this: !share"),
        ("!share @acme", "Write it like this: !share"),
        ("!share @acme @ben:example.org boss", "A role is one of: owner, approver, poster, contributor"),
        ("!share @acme @ben:example.org as poster now", "Write it like this: !share"),
        ("!share @acme ben", "I know nobody called “ben”"),
        ("!share @acme me owner", "already"),
        ("!share @acme !elsewhere poster", "Say it in the room that is meant"),
        ("!unshare @acme", "Write it like this: !unshare"),
        ("!unshare @acme @ben:example.org", "has no role on @acme"),
        ("!unshare @acme room", "This room has no role on @acme"),
        ("!share @acme \x00\u202e\ud800 poster", "I know nobody called"),
    ],
)
async def test_what_cannot_be_done_says_why(scene: Scene, text: str, said: str) -> None:
    await scene.account("acme", ana=OWNER)
    assert said in await scene.ask(ANA, text)
    assert await deeds(scene) == []


async def test_the_last_owner_stays_until_they_unlink(scene: Scene) -> None:
    acme = await scene.account("acme", ana=OWNER, ben=APPROVER)
    for text in ("!unshare @acme me", f"!unshare @acme {ANA.name}", "!share @acme me poster"):
        assert "You are the last owner of @acme" in await scene.ask(ANA, text)
    await scene.ask(ANA, f"!share @acme {BEN.name} owner")
    assert "You are approver of @acme now" in await scene.ask(ANA, "!share @acme me approver")
    assert "more than you have" in await scene.ask(ANA, "!share @acme me owner")
    assert "You are not approver of @acme any more" in await scene.ask(ANA, "!unshare @acme me")
    assert await role(scene, acme, ANA) is None
    assert "the last owner" in await scene.ask(BEN, "!unshare @acme me")


async def test_nobody_gives_themselves_a_role_that_a_room_gave_them(scene: Scene) -> None:
    await scene.account("acme", ana=OWNER)
    await gather(scene, ANA, BEN)
    await scene.ask(ANA, "!share @acme room approver")
    assert "You cannot give a role to yourself" in await scene.ask(BEN, "!share @acme me poster")


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
        ("share", "@acme this room as contributor", "given"),
        ("share", "@acme this room as poster", "given"),
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
    assert "You were the last one" in words
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
    assert "becomes owner at 2027-01-22" in await scene.ask(ANA, "!team @acme")
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
