"""Who may share an account with whom, how a person takes it, and when it ends: by command, through the whole bot."""

from dataclasses import replace

import pytest

from bridge.bot.sharing import MOST_OFFERS_A_DAY
from bridge.errors import ChatRefused, ChatUnreachable
from bridge.model import PostState, Role, Speech
from tests.unit.bot_scene import ANA, BEN, EVE, Scene
from tests.unit.sharing_scene import (
    APPROVER,
    BEN_DM,
    CONTRIBUTOR,
    OWNER,
    POSTER,
    deeds,
    gather,
    offer,
    role,
    told,
    work_off,
)


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
