"""The inbox: one transaction a batch, nothing twice, and a bug costs its own event only."""

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.bot import table
from bridge.bot.asked import Asked, House
from bridge.errors import ChatUnreachable, StoreError
from bridge.interfaces import Privacy, Tx
from bridge.model import (
    Account,
    Action,
    Edit,
    Event,
    LinkState,
    Message,
    PostState,
    Reaction,
    Redaction,
    Role,
    Room,
    RoomLost,
    RoomMoved,
    Speech,
    Unreadable,
)
from tests.unit.bot_scene import ANA, BEN, DM, EVE, LOBBY, NOW, PRESS, Scene, open_scene


@pytest.fixture
async def acme(scene: Scene) -> Account:
    return await scene.account("acme", ana=Role.OWNER)


async def bookmark(scene: Scene) -> bytes | None:
    return await scene.store.transact(lambda tx: tx.notes.get("matrix", "bookmark"))


async def test_an_event_delivered_again_does_nothing(scene: Scene, acme: Account) -> None:
    message = scene.message(ANA, "!tweet hello")
    await scene.bot.deliver([message, message], "s1")
    await scene.bot.deliver([message], "s2")
    assert len(await scene.posts()) == 1
    assert await bookmark(scene) == b"s2"


async def test_a_ciphertext_under_another_event_id_does_not_run(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!tweet hello", replay_key="session:7")
    await scene.say(ANA, "!tweet hello", replay_key="session:7")
    await scene.say(ANA, "!tweet hello", replay_key="session:8")
    assert len(await scene.posts()) == 2


async def test_a_bookmark_without_events_is_kept(scene: Scene) -> None:
    await scene.bot.deliver([], "s1")
    assert await bookmark(scene) == b"s1"
    await scene.bot.deliver([])
    assert await bookmark(scene) == b"s1"


async def test_a_batch_is_one_transaction(scene: Scene, acme: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    transact = scene.store.transact

    async def counted(work: Callable[[Tx], object]) -> object:
        nonlocal count
        count += 1
        return await transact(work)

    monkeypatch.setattr(scene.store, "transact", counted)
    await scene.bot.deliver([scene.message(ANA, f"!tweet number {n}") for n in range(20)], "s1")
    assert count == 1


async def test_a_store_that_refuses_records_nothing_and_says_so(
    scene: Scene, acme: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    transact = scene.store.transact

    async def full(work: Callable[[Tx], object]) -> object:
        raise StoreError("the disk is full")

    monkeypatch.setattr(scene.store, "transact", full)
    message = scene.message(ANA, "!tweet hello")
    with pytest.raises(StoreError):
        await scene.bot.deliver([message], "s1")
    monkeypatch.setattr(scene.store, "transact", transact)
    assert await scene.posts() == []
    await scene.bot.deliver([message], "s1")
    assert len(await scene.posts()) == 1


# ---------------------------------------------------------------- bugs


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """`!tweet` with this text breaks our own code, after it wrote something."""
    work = table.VERBS["tweet"].work

    def breaks(tx: Tx, asked: Asked, house: House) -> None:
        work(tx, asked, house)
        if "bug" in asked.text:
            raise LookupError("secret " + asked.text)

    for command in table.COMMANDS:
        if command.name == "tweet":
            monkeypatch.setattr(type(command), "__setattr__", object.__setattr__)
            monkeypatch.setattr(command, "work", breaks)


@pytest.mark.usefixtures("bug")
async def test_a_bug_costs_its_own_event_only(scene: Scene, acme: Account, capsys: pytest.CaptureFixture[str]) -> None:
    texts = ["one", "bug 1", "two", "bug 2", "three"]
    await scene.bot.deliver([scene.message(ANA, f"!tweet {text}") for text in texts], "s1")
    assert [p.draft.text for p in await scene.posts()] == ["one", "two", "three"]
    words = await scene.heard()
    assert len(words) == 2
    assert all(w.startswith("Not posted: “bug ") and "Something broke (ref " in w for w in words)
    assert await bookmark(scene) == b"s1"
    logged = capsys.readouterr().out
    ref = words[0].partition("(ref ")[2].partition(")")[0]
    assert ref in logged
    assert "secret" not in logged


async def test_what_cannot_even_be_answered_is_passed_over(scene: Scene, acme: Account) -> None:
    broken = scene.message(ANA, "!tweet hello", id="$\ud800")
    await scene.bot.deliver([broken, scene.message(ANA, "!tweet hello")], "s1")
    assert [p.draft.text for p in await scene.posts()] == ["hello"]
    assert await bookmark(scene) == b"s1"


@pytest.mark.parametrize(
    "text",
    ["!tweet \ud800", "!tweet a\x00b", "!undo \x00", "!help \u202e\ud800", "!send \ud800", "!policy \ud800 premium=on",
     "!tweet@\ud800 hi", "!reply \ud800 hi", "!retweet \ud800", "!use \ud800 room", "!unlink \ud800", "!pin \ud800",
     "!\ud800tweet hi", "!tweet " + "\n" * 10_000, "!help " + "x\n" * 10_000, "!tweet@" + "a" * 100_000],
)  # fmt: skip
async def test_hostile_text_is_answered_and_breaks_nothing(scene: Scene, acme: Account, text: str) -> None:
    words = await scene.ask(ANA, text, DM)
    assert "Something broke" not in words
    assert len(words) < 2000


# ---------------------------------------------------------------- what the network is asked


async def test_only_verbs_that_need_it_ask_the_network(scene: Scene, acme: Account) -> None:
    for method in ("privacy", "is_admin", "may_redact"):
        scene.network.errors[method] = ChatUnreachable("not now")
    for text in ("!tweet hello", "!accounts", "!undo", "!help", "1234567"):
        assert "could not check" not in await scene.ask(ANA, text)
    answer = await scene.ask(ANA, "!link")
    assert "could not check" in answer
    assert await scene.store.transact(lambda tx: tx.links.pending(ANA)) is None
    del scene.network.errors["privacy"]
    await scene.say(ANA, "!link")
    assert await scene.store.transact(lambda tx: tx.links.pending(ANA)) is not None


async def test_a_pin_is_of_interest_only_while_a_link_waits(scene: Scene) -> None:
    scene.network.privacies[(DM, ANA)] = Privacy.PRIVATE
    assert await scene.ask(ANA, "1234567", PRESS) == ""

    def waiting(tx: Tx) -> None:
        link = tx.links.add(ANA, "x", DM, "$0", None, DM, NOW)
        tx.links.save(replace(link, state=LinkState.WAITING, due_at=NOW + 900))

    await scene.store.transact(waiting)
    assert await scene.ask(BEN, "1234567", DM) == ""
    await scene.ask(ANA, "1234567", DM)
    link = await scene.store.transact(lambda tx: tx.links.pending(ANA))
    assert link is not None
    assert link.state is LinkState.PROVING
    await scene.store.transact(waiting)
    assert await scene.ask(ANA, "1234567", PRESS) != ""
    assert await scene.store.transact(lambda tx: tx.links.pending(ANA)) is None


# ---------------------------------------------------------------- other kinds of events


async def test_what_could_not_be_read_is_answered_once_a_batch(scene: Scene) -> None:
    def lost(n: int, who: object = ANA) -> Unreadable:
        return Unreadable(f"$u{n}", PRESS, ANA if who == ANA else BEN, NOW, "I cannot read that, please send it again.")

    await scene.bot.deliver([lost(1), lost(2), lost(3, BEN)])
    texts = await scene.answers(Speech.TEXT)
    assert [(a.target, a.mention) for a in texts] == [("$u1", ANA), ("$u3", BEN)]
    assert texts[0].body.startswith("I cannot read that")


async def test_what_people_say_to_each_other_is_not_refused_aloud(scene: Scene) -> None:
    def untrusted(text: str) -> Unreadable:
        return Unreadable(f"$of {text}", PRESS, ANA, NOW, "That came unencrypted, so I did not run it.", text)

    await scene.bot.deliver([untrusted("good morning everybody")])
    assert await scene.answers(Speech.TEXT) == []
    await scene.bot.deliver([untrusted("!tweet hello")])
    [told] = await scene.answers(Speech.TEXT)
    assert told.target == "$of !tweet hello"
    assert await scene.posts() == []


async def test_a_slip_of_somebody_without_an_account_names_the_verb_and_the_way_to_it(scene: Scene) -> None:
    await scene.say(BEN, "!twet hello")
    [told] = await scene.answers(Speech.TEXT)
    assert "Do you mean !tweet?" in told.body
    assert "!link" in told.body


async def test_a_room_that_moved_takes_its_default_along(scene: Scene, acme: Account) -> None:
    await scene.store.transact(lambda tx: tx.accounts.set_default(PRESS, acme.id))
    await scene.say(ANA, "!tweet hello")
    new = Room("matrix", "!new")
    await scene.bot.deliver([RoomMoved("$moved", PRESS, new)])
    assert await scene.store.transact(lambda tx: tx.accounts.default(new)) == acme.id
    assert (await scene.post()).room == new


async def test_a_lost_room_keeps_what_waits(scene: Scene, acme: Account) -> None:
    await scene.store.transact(lambda tx: tx.accounts.set_default(PRESS, acme.id))
    await scene.say(ANA, "!tweet hello")
    await scene.bot.deliver([RoomLost("$lost", PRESS)])
    assert (await scene.post()).state is PostState.QUEUED
    assert await scene.store.transact(lambda tx: tx.accounts.default(PRESS)) == acme.id


async def test_ordinary_talk_is_silence(scene: Scene, acme: Account) -> None:
    for text in ("hello", "tweet hello", "", "1234567", "* !tweet hello", "> !tweet hello", " !tweet hello"):
        assert await scene.ask(ANA, text) == ""
    for text in ("hello there", "thanks a lot"):
        assert await scene.ask(ANA, text, DM) == ""
    assert await scene.posts() == []


# ---------------------------------------------------------------- anything, in any order

TEXTS = ["!tweet one", "!tweet two", "!undo", "!t@acme three", "!tweet@own x", "!send q1", "!drop k1", "!use @own",
         "!use @acme room", "!status", "!help", "!accounts", "1234567", "!link", "!undo k1",
         "!retweet 1234567890123456789"]  # fmt: skip
IDS = [f"$m{n}" for n in range(6)]
PEOPLE = [ANA, BEN, EVE]


@st.composite
def events(draw: st.DrawFn) -> Event:
    who, room = draw(st.sampled_from(PEOPLE)), draw(st.sampled_from([PRESS, LOBBY, DM]))
    at = NOW - draw(st.sampled_from([0.0, 5000.0]))
    match draw(st.sampled_from(["message"] * 5 + ["edit", "reaction", "redaction"])):
        case "message":
            key = draw(st.none() | st.sampled_from(["r1", "r2"]))
            text = draw(st.sampled_from(TEXTS) | st.text())
            return Message(draw(st.sampled_from(IDS)), room, who, text, at, room == DM, replay_key=key)
        case "edit":
            target, text = draw(st.sampled_from(IDS)), draw(st.sampled_from(TEXTS))
            return Edit(draw(st.sampled_from(["$e1", "$e2"])), room, who, target, text, at, room == DM)
        case "reaction":
            return Reaction(draw(st.sampled_from(["$r1", "$r2"])), room, who, draw(st.sampled_from(IDS)), "✅", at)
        case _:
            return Redaction(draw(st.sampled_from(["$d1", "$d2"])), room, who, draw(st.sampled_from(IDS)), at)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(events(), max_size=6), max_size=6))
async def test_no_message_is_ever_two_posts(batches: list[list[Event]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_scene(Path(folder), cap=5) as scene:
            await scene.account("acme", ana=Role.OWNER, ben=Role.POSTER)
            await scene.account("own", ana=Role.OWNER)
            for batch in batches:
                await scene.bot.deliver(batch, "s")
                await scene.bot.deliver(batch, "s")
            rows = await scene.posts()
            made = Counter(row.message_id for row in rows if row.action is not Action.DELETE)
            assert all(count == 1 for count in made.values())
            assert not [row for row in rows if row.author == EVE]
            assert not [a.body for a in await scene.answers() if "broke" in a.body]
