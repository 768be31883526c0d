"""Rooms are told of by their names, where nobody reads along; and a name says nothing but itself."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bot.notices import notices
from bridge.bot.words import room_name
from bridge.errors import ChatUnreachable
from bridge.model import Account, Identity, Policy, Role, Room, RoomLost, RoomMoved, RoomName
from tests.unit.bot_scene import ANA, BEN, DM, EVE, LOBBY, PRESS, Scene
from tests.unit.sharing_scene import gather

ALIAS = "#press:example.org"
CALLED = f"“Press” ({ALIAS})"
ENDS = "It ends when they leave, and for all when the room is not invite-only any more · !unshare @acme"


@pytest.fixture
async def acme(scene: Scene) -> Account:
    """Ana's; the room Press has a role on it, and is where its drafts are shown."""
    account = await scene.account("acme", ana=Role.OWNER)
    scene.network.names[PRESS] = "Press"
    scene.network.aliases[ALIAS] = PRESS
    await gather(scene, ANA, BEN)
    await scene.ask(ANA, "!share @acme room contributor")
    await scene.ask(ANA, "!policy @acme room=here")
    return account


async def shown_in(scene: Scene, account: Account) -> Room | None:
    policy = await scene.store.transact(lambda tx: tx.policies.of(account.id))
    return policy.room


async def told(scene: Scene, who: Identity) -> list[str]:
    return [notice.words for notice in await scene.store.transact(notices) if notice.to == who]


# ---------------------------------------------------------------- told


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("team @acme", f"The team of @acme:\n@ana:example.org: owner\nwhoever is in the room {CALLED}: contributor"),
        ("policy @acme", f" room={CALLED}, "),
        ("policy @acme room=none", f"@acme: room=none (was {CALLED})."),
        ("log @acme", f" · @ana:example.org · policy room={CALLED} (was none): set"),
        ("log @acme", f" · @ana:example.org · share @acme the room {CALLED} as contributor: given"),
        ("unshare @acme !press", "The room !press has no role on @acme any more."),
        (f"unshare @acme {ALIAS}", f"The room {ALIAS} has no role on @acme any more."),
        ("unshare @acme @ben:example.org", f"@ben:example.org is contributor of @acme by being in the room {CALLED}."),
    ],
)
async def test_in_private_a_room_is_told_by_its_name(scene: Scene, acme: Account, said: str, words: str) -> None:
    assert words in await scene.ask(ANA, said, DM)


async def test_a_member_hears_by_which_room_they_have_their_role(scene: Scene, acme: Account) -> None:
    dm = Room("matrix", "!dm-ben")
    words = f"@acme (contributor by being in the room {CALLED}): works"
    assert await scene.ask(BEN, "accounts", dm, direct=True) == words
    assert f"(contributor by being in the room {CALLED})" in await scene.ask(BEN, "whoami", dm, direct=True)


@pytest.mark.parametrize("said", ["!team @acme", "!policy @acme", "!log @acme", "!accounts", "!whoami"])
async def test_elsewhere_neither_name_nor_id_is_told(scene: Scene, acme: Account, said: str) -> None:
    for who in (ANA, BEN):
        words = await scene.ask(who, said, LOBBY)
        assert words
        assert not re.search("(?i)press", words)


async def test_in_the_room_itself_it_needs_no_name(scene: Scene, acme: Account) -> None:
    assert "whoever is in this room: contributor" in await scene.ask(ANA, "!team @acme")
    assert " room=here, " in await scene.ask(ANA, "!policy @acme")
    log = await scene.ask(ANA, "!log @acme")
    assert "share @acme this room as contributor: given" in log
    assert "policy room=here (was none): set" in log


async def test_when_it_opens_its_owners_hear_its_name(scene: Scene, acme: Account) -> None:
    await gather(scene, closed=False)
    shared, shown = await told(scene, ANA)
    assert shared == f"The room {CALLED} is not invite-only any more, so it has lost its role on @acme: contributor."
    assert shown == (
        f"The room {CALLED} is not invite-only any more, and anybody could read the drafts of @acme there. So I show"
        " them there no more. To have them shown in an invite-only room, say there: !policy @acme room=here"
    )


async def test_when_it_moves_to_an_open_room_they_hear_that_ones_name(scene: Scene, acme: Account) -> None:
    scene.network.names[LOBBY] = "Lobby"
    await gather(scene, room=LOBBY, closed=False)
    await scene.bot.deliver([RoomMoved("$moved", PRESS, LOBBY)])
    assert [words.partition(" is ")[0] for words in await told(scene, ANA)] == ["The room “Lobby”"] * 2


@pytest.mark.parametrize("how", ["left", "unnamed", "away"])
async def test_what_has_no_name_is_told_by_its_id(scene: Scene, acme: Account, how: str) -> None:
    if how == "left":
        await scene.bot.deliver([RoomLost("$lost", PRESS)])
        scene.network.gone.add(PRESS)
    elif how == "unnamed":
        scene.network.names.clear()
        scene.network.aliases.clear()
    else:
        scene.network.errors["room_name"] = ChatUnreachable("the homeserver does not answer")
    assert "whoever is in the room !press: contributor" in await scene.ask(ANA, "team @acme", DM)
    assert " room=!press, " in await scene.ask(ANA, "policy @acme", DM)


# ---------------------------------------------------------------- as the value of a policy


@pytest.mark.parametrize("said", [ALIAS, "!press", f"“{ALIAS}”", f"'{ALIAS}' hold=20s"])
@pytest.mark.parametrize("place", [DM, LOBBY])
async def test_an_owner_names_the_approval_room_from_elsewhere(
    scene: Scene, acme: Account, said: str, place: Room
) -> None:
    await scene.ask(ANA, "!policy @acme room=none")
    words = await scene.ask(ANA, f"!policy @acme room={said}", place)
    assert await shown_in(scene, acme) == PRESS
    answer, _, there = words.partition("\n")
    assert f"room={said.strip('“”').split()[0].strip(chr(39))} (was none)" in there
    assert (
        answer == "Drafts of @acme that are made in private are shown here from now on: @ana:example.org wants it so."
    )
    assert [a.room for a in await scene.answers() if a.body == answer] == [PRESS]


async def test_where_they_are_not_or_anybody_can_come_it_is_not_taken(scene: Scene, acme: Account) -> None:
    await scene.ask(ANA, "!policy @acme room=none")
    refusal = (
        f"I know no invite-only room {ALIAS} where both of us are. Go there, invite me, and say:"
        " !policy @acme room=here"
    )
    for members, closed in (([BEN], True), ([], False)):
        await gather(scene, *members, closed=closed)
        assert await scene.ask(ANA, f"!policy @acme room={ALIAS}", DM) == refusal
    await scene.bot.deliver([RoomLost("$lost", PRESS)])
    assert await scene.ask(ANA, f"!policy @acme room={ALIAS}", DM) == refusal
    assert await shown_in(scene, acme) is None


async def test_only_an_owner_may(scene: Scene, acme: Account) -> None:
    await scene.ask(ANA, "!policy @acme room=none")
    assert "Only an owner of @acme can change that" in await scene.ask(BEN, f"!policy @acme room={ALIAS}")
    assert "You have no account" in await scene.ask(EVE, f"!policy @acme room={ALIAS}", LOBBY)
    assert await scene.store.transact(lambda tx: tx.policies.of(acme.id)) == Policy()


@pytest.mark.parametrize("said", ["#nowhere:example.org", "@ben:example.org", "there"])
async def test_what_is_no_room_is_none(scene: Scene, acme: Account, said: str) -> None:
    words = await scene.ask(ANA, f"!policy @acme room={said}", DM)
    assert words == (
        f"room is here, none, or the address of another room such as #press:example.org, not “{said}”."
        " It says where drafts made elsewhere, in private too, are shown besides."
    )


# ---------------------------------------------------------------- as whom to share with


@pytest.mark.parametrize("place", [DM, LOBBY])
async def test_an_account_is_shared_with_a_room_from_elsewhere(scene: Scene, acme: Account, place: Room) -> None:
    await scene.ask(ANA, "!unshare @acme room")
    await scene.say(ANA, f"!share @acme {ALIAS} poster", place)
    said = [(a.room, a.body) for a in await scene.answers() if " is poster of " in a.body]
    assert said == [
        (PRESS, "Whoever is in this room is poster of @acme now: they post. @ana:example.org wants it so."),
        (place, f"Whoever is in the room {ALIAS} is poster of @acme now: they post. {ENDS} {ALIAS}"),
    ]
    assert await scene.store.transact(lambda tx: tx.accounts.role(acme.id, BEN)) is Role.POSTER


@pytest.mark.parametrize(("members", "closed"), [([BEN], True), ([], False)])
async def test_where_they_are_not_or_anybody_can_come_it_is_not_shared(
    scene: Scene, acme: Account, members: list[Identity], closed: bool
) -> None:
    await scene.ask(ANA, "!unshare @acme room")
    await gather(scene, *members, closed=closed)
    words = await scene.ask(ANA, f"!share @acme {ALIAS}", DM)
    assert words == "Say it in the room that is meant: !share @acme room contributor"
    assert await scene.store.transact(lambda tx: tx.shares.rooms(acme.id)) == []


# ---------------------------------------------------------------- what a name may hold


@pytest.mark.parametrize(
    ("name", "alias", "words"),
    [
        ("Press", ALIAS, CALLED),
        ("Press", "", "“Press”"),
        ("", ALIAS, ALIAS),
        ("  \n ", "", ""),
        ("Press\nana: approved", "", "“Press ana: approved”"),
        ("\u202eevil\u200b\x07", "", "“evil”"),
        (f"Press” ({ALIAS}) is closed: “", "", '“Press" (#press: example. org) is closed: "”'),
        ("@ana:example.org", "", "“@ana: example. org”"),
        ("https://matrix.to/#/@ana:example.org", "", "“https: //matrix. to/#/@ana: example. org”"),
        ("matrix:u/ana:example.org", "", "“matrix: u/ana: example. org”"),
        ("www.example.org v2.0 etc.", "", "“www. example. org v2.0 etc.”"),
        ("ana@example。org", "", "“ana@example。 org”"),
        ("x" * 61, "", f"“{'x' * 60}…”"),
        ("Press", "#pr\u202eess:example.org", "“Press”"),
        ("Press", "#a b:example.org", "“Press”"),
        ("Press", "#a):“b:example.org", "“Press”"),
        ("", "#“:example.org", ""),
        ("Press", "!press:example.org", "“Press”"),
    ],
)
def test_a_name_stands_in_quotation_marks_and_is_no_address(name: str, alias: str, words: str) -> None:
    assert room_name(RoomName(name, alias)) == words


@given(st.text(max_size=300), st.text(max_size=60).map("#{}:example.org".format))
def test_whatever_it_holds_it_is_one_quotation_and_one_address(name: str, alias: str) -> None:
    words = room_name(RoomName(name, alias))
    assert words.isprintable() or "\u200d" in words
    assert words.count("“") == words.count("”") <= 1
    assert len(words) < 60 + len(alias) + 10
    quoted = words.partition("”")[0]
    assert words == alias or not re.search(r":\S|[.。．｡][^\W\d]", quoted)
