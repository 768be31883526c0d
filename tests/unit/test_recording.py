"""log and who: what each person sees of what was done."""

from dataclasses import replace

import pytest

from bridge.interfaces import Tx
from bridge.model import Account, Action, Draft, Identity, Policy, Post, PostState, Role, Room, Speech
from tests.unit.bot_scene import ADMIN, ANA, BEN, DM, EVE, LOBBY, NOW, PRESS, Scene


@pytest.fixture
async def acme(scene: Scene) -> Account:
    return await scene.account("acme", ana=Role.OWNER, ben=Role.POSTER)


async def note(
    scene: Scene, account: Account, who: Identity | None, verb: str, detail: str = "", outcome: str = "",
    room: Room | None = PRESS, post_id: int | None = None
) -> None:  # fmt: skip
    await scene.store.transact(
        lambda tx: tx.log.add(
            who, verb, room=room, account_id=account.id, post_id=post_id, detail=detail, outcome=outcome, at=scene.now
        )
    )


async def put(scene: Scene, account: Account, author: Identity = ANA, room: Room = PRESS, **fields: object) -> Post:
    def work(tx: Tx) -> Post:
        row = tx.posts.add(
            Action.POST, account.id, author, room, "$said", None, Draft("hello world"), state=PostState.QUEUED,
            now=NOW, fresh_at=NOW, due_at=NOW
        )  # fmt: skip
        row = replace(row, **fields)  # type: ignore[arg-type]  # a table of fields
        tx.posts.save(row)
        tx.posts.extend(row)
        return row

    return await scene.store.transact(work)


# ---------------------------------------------------------------- log


async def test_an_owner_sees_all_and_a_poster_their_own(scene: Scene, acme: Account) -> None:
    await note(scene, acme, ANA, "policy", "approvals=2 (was 1)", "set")
    await note(scene, acme, BEN, "post", "k1, “hello”", "queued")
    await note(scene, acme, None, "fail", "k1", "not posted")
    assert (await scene.ask(ANA, "!log @acme")).splitlines() == [
        "15 Jan 08:00 · @ana:example.org · policy approvals=2 (was 1): set",
        "15 Jan 08:00 · @ben:example.org · post k1, “hello”: queued",
        "15 Jan 08:00 · I · fail k1: not posted",
    ]
    assert (await scene.ask(BEN, "!log")).splitlines() == ["15 Jan 08:00 · @ben:example.org · post k1, “hello”: queued"]


@pytest.mark.parametrize("role", list(Role))
async def test_only_oversight_shows_the_deeds_of_others(scene: Scene, role: Role) -> None:
    own = await scene.account("own", eve=role)
    await note(scene, own, ANA, "link", "@own")
    assert ("link @own" in await scene.ask(EVE, "!log @own")) is (role in (Role.OWNER, Role.APPROVER))


@pytest.mark.parametrize("text", ["!log @acme", "!log@acme 5", "!log acme"])
async def test_nobody_learns_of_an_account_that_is_not_theirs(scene: Scene, acme: Account, text: str) -> None:
    await note(scene, acme, EVE, "unlink")
    await scene.account("own", eve=Role.OWNER)
    there = await scene.ask(EVE, text)
    assert there.replace("acme", "akme") == await scene.ask(EVE, text.replace("acme", "akme"))
    assert "Nothing is noted yet" in await scene.ask(EVE, "!log")


@pytest.mark.parametrize(
    ("text", "count"), [("!log", 10), ("!log 3", 3), ("!log @acme 3", 3), ("!log 3 @acme", 3), ("!log 0", 1),
                        ("!log 50", 50), ("!log@acme 2", 2)]
)  # fmt: skip
async def test_as_many_as_asked_for_the_newest_last(scene: Scene, acme: Account, text: str, count: int) -> None:
    for number in range(60):
        await note(scene, acme, ANA, "use", f"n{number}")
    lines = (await scene.ask(ANA, text)).splitlines()
    assert len(lines) == count
    assert lines[-1].endswith("use n59")


async def test_who_wants_more_than_is_shown_hears_so(scene: Scene, acme: Account) -> None:
    for number in range(60):
        await note(scene, acme, ANA, "use", f"n{number}")
    *lines, last = (await scene.ask(ANA, "!log " + "9" * 400)).splitlines()
    assert len(lines) == 50
    assert last == "These are the newest 50; I show no more. Whoever runs me has the whole log."


async def test_several_accounts_are_told_apart(scene: Scene, acme: Account) -> None:
    own = await scene.account("own", ana=Role.OWNER)
    await note(scene, acme, ANA, "freeze")
    await note(scene, own, ANA, "freeze")
    lines = (await scene.ask(ANA, "!log", DM)).splitlines()
    assert [line.split(" · ")[-1] for line in lines] == ["freeze @acme", "freeze @own"]


async def test_a_room_hears_of_the_account_that_speaks_there_only(scene: Scene, acme: Account) -> None:
    own = await scene.account("own", ana=Role.OWNER)
    await note(scene, own, ANA, "freeze")
    await note(scene, acme, ANA, "freeze")
    await scene.say(ANA, "!tweet@own hello")
    assert (await scene.ask(ANA, "!log")).startswith("Which account? You have @acme, @own.")
    await scene.store.transact(lambda tx: tx.accounts.set_default(PRESS, acme.id))
    words = await scene.ask(ANA, "!log")
    assert "freeze" in words
    assert "own" not in words


async def test_what_was_said_elsewhere_is_told_in_private_only(scene: Scene, acme: Account) -> None:
    await note(scene, acme, ANA, "post", "k1, “secret plan”", "queued", DM)
    await note(scene, acme, ANA, "link", "@acme", "owner", DM)
    words = await scene.ask(ANA, "!log @acme")
    assert "link @acme: owner" in words
    assert "secret plan" not in words
    assert "in private only" in words
    words = await scene.ask(ANA, "log @acme", DM)
    assert "secret plan" in words
    assert "in private only" not in words


async def test_hostile_details_stay_on_one_short_line(scene: Scene, acme: Account) -> None:
    await note(scene, acme, ANA, "post", "a\nb\u202e\0" + "x" * 5000, "y" * 5000)
    (line,) = (await scene.ask(ANA, "!log")).splitlines()
    assert len(line) < 400
    assert line.isprintable()


async def test_bad_words_are_answered_with_the_usage(scene: Scene, acme: Account) -> None:
    assert "!log [@ACCOUNT] [NUMBER]" in await scene.ask(ANA, "!log @acme please")
    assert "no account here yet" in await scene.ask(EVE, "!log")


async def test_what_was_spent_is_told_by_person_and_room(scene: Scene, acme: Account) -> None:
    await put(scene, acme, ANA, cost=200_000)
    await put(scene, acme, BEN, LOBBY, cost=15_000)
    assert "@acme spent $0.215 this month: @ana:example.org $0.20, @ben:example.org $0.015, in this room $0.20." in (
        await scene.ask(ANA, "!log")
    )
    assert await scene.ask(BEN, "!log") == "You spent $0.015 on @acme this month."
    await scene.store.transact(lambda tx: tx.policies.put(acme.id, Policy(budget=5_000_000)))
    assert "$0.215 of $5.00 this month" in await scene.ask(ANA, "!log")


# ---------------------------------------------------------------- who


async def test_a_reply_to_the_bots_answer_tells_who_is_behind_it(scene: Scene, acme: Account) -> None:
    post = await put(scene, acme, BEN, state=PostState.POSTED, remote_id="1234")
    for who, verb in ((ANA, "approve"), (BEN, "edit"), (EVE, "approve"), (EVE, "withdraw"), (ANA, "approve")):
        await note(scene, acme, who, verb, post_id=post.id)
    answer_id = await scene.store.transact(
        lambda tx: tx.answers.add(PRESS, Speech.TEXT, "Posted as @acme", post_id=post.id)
    )
    answer = next(a for a in await scene.answers() if a.id == answer_id)
    await scene.said(answer, "$answer")
    words = await scene.ask(BEN, "!who", reply_to="$answer")
    url = scene.publisher.post_url("acme", "1234")
    assert words == (
        "k1, “hello world”, is a post as @acme, asked for by @ben:example.org on 15 Jan 08:00 UTC;"
        f" approved by @ana:example.org on 15 Jan 08:00; it is out: {url}."
    )
    assert await scene.ask(ANA, "!whoposted", reply_to="$said") == words
    assert await scene.ask(ANA, "!who k1") == words
    assert await scene.ask(ANA, f"!who {url}") == words


async def test_a_deletion_tells_of_the_post_it_took_back(scene: Scene, acme: Account) -> None:
    post = await put(scene, acme, BEN, state=PostState.POSTED, remote_id="1234", deleted=True)

    def work(tx: Tx) -> Post:
        return tx.posts.add(
            Action.DELETE, acme.id, ANA, PRESS, "$undo", None, Draft(""), state=PostState.POSTED, now=NOW, fresh_at=NOW,
            due_at=NOW, undoes=post.id
        )  # fmt: skip

    row = await scene.store.transact(work)
    for words in (await scene.ask(ANA, "!who", reply_to="$undo"), await scene.ask(ANA, f"!who {row.label}")):
        assert "asked for by @ben:example.org" in words
        assert words.endswith("it was out and is deleted, as @ana:example.org asked.")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (PostState.DRAFT, "waits for approval"),
        (PostState.SCHEDULED, "is scheduled"),
        (PostState.HELD, "waits for its author's word"),
        (PostState.QUEUED, "waits to be sent"),
        (PostState.SENDING, "is being sent"),
        (PostState.FAILED, "did not go out (undone)"),
        (PostState.UNKNOWN, "may or may not be out"),
    ],
)
async def test_every_state_has_its_words(scene: Scene, acme: Account, state: PostState, said: str) -> None:
    await put(scene, acme, state=state, reason="undone")
    assert said in await scene.ask(ANA, "!who k1")


async def test_who_is_for_those_with_a_role_and_words_of_a_dm_stay_there(scene: Scene, acme: Account) -> None:
    await put(scene, acme, room=DM)
    there = await scene.ask(EVE, "!who k1")
    assert there.replace("k1", "k9") == await scene.ask(EVE, "!who k9")
    assert "may ask about" in await scene.ask(EVE, "!who", reply_to="$said")
    words = await scene.ask(BEN, "!who k1")
    assert "hello" not in words
    assert "@ana:example.org" in words
    assert "hello" in await scene.ask(ANA, "who k1", DM)


async def test_the_words_of_a_rejection_stay_where_the_draft_is(scene: Scene, acme: Account) -> None:
    await scene.store.transact(lambda tx: tx.accounts.grant(acme.id, EVE, Role.CONTRIBUTOR, NOW))
    await scene.say(EVE, "!draft@acme hello")
    await scene.say(ANA, "reject k1 not before the merger", DM)
    for there in (await scene.ask(ANA, "!who k1", LOBBY), await scene.ask(ANA, "!approve k1", LOBBY)):
        assert "rejected by @ana:example.org)" in there
        assert "merger" not in there
    for there in (await scene.ask(ANA, "!who k1"), await scene.ask(ANA, "who k1", DM)):
        assert "it did not go out (rejected by @ana:example.org: “not before the merger”)." in there


@pytest.mark.parametrize("text", ["!who", "!who " + "z" * 11, "!who kzzzzzzzzzzz", "!who q1", "!who \0", "!who \ud800"])
async def test_what_names_no_post_is_said(scene: Scene, acme: Account, text: str) -> None:
    words = await scene.ask(ANA, text)
    assert "Which post?" in words or "may ask about" in words


# ---------------------------------------------------------------- what accounts and status tell of money


async def test_accounts_tells_oversight_the_sum_and_others_their_part(scene: Scene, acme: Account) -> None:
    await put(scene, acme, ANA, cost=200_000)
    await put(scene, acme, BEN, LOBBY, cost=15_000)
    assert (await scene.ask(ANA, "!accounts")).endswith("works · $0.215 this month")
    assert (await scene.ask(BEN, "!accounts")).endswith("works · $0.015 this month by you")
    await scene.store.transact(lambda tx: tx.policies.put(acme.id, Policy(budget=5_000_000)))
    assert (await scene.ask(ANA, "!accounts")).endswith("works · $0.215 of $5.00 this month")
    await scene.say(ANA, "!freeze @acme")
    assert "frozen by @ana:example.org; works" in await scene.ask(BEN, "!accounts")
    assert "@acme is frozen by @ana:example.org" in await scene.ask(BEN, "!status")


async def test_status_tells_the_operators_admins_in_private_what_all_spent(scene: Scene, acme: Account) -> None:
    other = await scene.account("other", eve=Role.OWNER)
    await put(scene, acme, ANA, cost=200_000)
    await put(scene, other, EVE, cost=15_000)
    assert "Spent this month: $0.215 (@acme $0.20, @other $0.015)" in await scene.ask(ADMIN, "status", DM)
    for who, room in ((ADMIN, PRESS), (ANA, DM), (EVE, PRESS)):
        assert "Spent" not in await scene.ask(who, "!status", room)


async def test_defaults_are_logged_for_whom_they_hold(scene: Scene, acme: Account) -> None:
    scene.network.admins |= {(PRESS, ANA)}
    await scene.say(ANA, "!use @acme")
    await scene.say(ANA, "!use @acme room")
    await scene.say(ANA, "!use none room")
    await scene.say(ANA, "!use none room")
    deeds = await scene.store.transact(lambda tx: tx.log.of_account(acme.id, 10))
    assert [(d.verb, d.detail, d.outcome) for d in deeds] == [
        ("use", "@acme", "for themselves"),
        ("use", "@acme", "for this room"),
        ("use", "default taken away", "for this room"),
    ]
