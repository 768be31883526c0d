"""The speaker: what stands in the store is said once, in order, whatever goes wrong on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest
from structlog.testing import capture_logs

from bridge.bot.sealing import seal
from bridge.bot.speaker import Speaker, joined
from bridge.errors import ChatRefused, ChatUnreachable, StoreError
from bridge.interfaces import Topic, Tx
from bridge.model import Answer, Identity, Outgoing, Room, Speech
from bridge.store import Database
from bridge.vault import Vault
from tests.fakes.network import FakeNetwork
from tests.patience import until

T = TypeVar("T")

ANA = Identity("matrix", "@ana:example.org")
BEN = Identity("matrix", "@ben:example.org")
PRESS = Room("matrix", "!press")
CITY = Room("matrix", "!city")
NOW = 1_800_000_000.0
VAULT = Vault([b"k" * 32])


class Stage:
    """A store, a network, a clock that a test sets, and speakers on them."""

    def __init__(self, store: Database) -> None:
        self.store = store
        self.network = FakeNetwork()
        self.now = NOW
        self.transactions = 0
        transact = store.transact

        async def counted(work: Callable[[Tx], T]) -> T:
            self.transactions += 1
            return await transact(work)

        self.counted = counted

    async def add(self, *bodies: str, room: Room = PRESS, **more: object) -> list[int]:
        fields: dict[str, object] = {"speech": Speech.TEXT} | more
        speech = fields.pop("speech")

        def work(tx: Tx) -> list[int]:
            return [tx.answers.add(room, speech, body, **fields) for body in bodies]  # type: ignore[arg-type]  # a table of fields

        return await self.store.transact(work)

    async def pending(self) -> int:
        return await self.store.transact(lambda tx: tx.answers.pending())

    async def until_done(self) -> None:
        async def done() -> bool:
            return not await self.pending()

        await until(done)

    async def until_tried(self, times: int = 1) -> None:
        await until(lambda: len(self.network.attempts) >= times)

    async def until_done_over_time(self, step: float) -> None:
        async def done() -> bool:
            self.pass_time(step)
            return not await self.pending()

        await until(done)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.store.bell(Topic.ANSWERS).set()

    @asynccontextmanager
    async def speaking(self) -> AsyncIterator[Speaker]:
        speaker = Speaker(self.store, {"matrix": self.network}, VAULT, lambda: self.now)
        task = asyncio.create_task(speaker.run())
        try:
            yield speaker
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    store = await Database.open(tmp_path / "kantter.db")
    yield Stage(store)
    await store.close()


def answer(body: str, target: str | None, mention: Identity | None = ANA) -> Answer:
    return Answer(1, PRESS, Speech.TEXT, body, target=target, mention=mention)


def test_several_texts_become_one_that_replies_where_all_reply() -> None:
    said = joined("k", [answer("one", "$1"), answer("two\nlines", "$1")])
    assert said == Outgoing("k", PRESS, Speech.TEXT, "one\n\ntwo\nlines", target="$1", mention=ANA)


def test_texts_to_several_messages_and_people_reply_to_none() -> None:
    said = joined("k", [answer("one", "$1"), answer("two", "$2", BEN)])
    assert (said.body, said.target, said.mention) == ("one\n\ntwo", None, None)


async def test_what_is_added_is_said_with_its_reply_thread_and_mention_and_recorded(stage: Stage) -> None:
    async with stage.speaking():
        await stage.add("Posted", target="$1", thread="$0", mention=ANA)
        said = (await stage.network.until_sent(1))[0]
        await stage.until_done()
    assert said.outgoing == Outgoing(said.outgoing.key, PRESS, Speech.TEXT, "Posted", "$1", "$0", ANA)
    found = await stage.store.transact(lambda tx: tx.answers.of_event("matrix", said.event_id))
    assert [a.body for a in found] == ["Posted"]


async def test_a_room_hears_its_answers_in_order_and_texts_that_wait_as_one(stage: Stage) -> None:
    await stage.add("✅", speech=Speech.REACTION, target="$1")
    await stage.add("one", "two", target="$1")
    await stage.add("❌", speech=Speech.REACTION, target="$2")
    async with stage.speaking():
        said = await stage.network.until_sent(3)
    assert [s.outgoing.body for s in said] == ["✅", "one\n\ntwo", "❌"]


async def test_a_slow_room_does_not_hold_another(stage: Stage) -> None:
    stage.network.hold.clear()
    async with stage.speaking():
        await stage.add("slow", room=PRESS)
        await stage.until_tried()
        await stage.add("quick", room=CITY)
        await stage.until_tried(2)
        await stage.add("next", room=PRESS)
        stage.network.hold.set()
        await stage.until_done()
    assert stage.network.texts(PRESS) == ["slow", "next"]
    assert stage.network.texts(CITY) == ["quick"]


async def test_an_unreachable_room_waits_and_is_tried_with_the_same_key_and_words(stage: Stage) -> None:
    stage.network.failures = [ChatUnreachable("no route"), ChatUnreachable("no route")]
    async with stage.speaking():
        await stage.add("first")
        for tries in (1, 2, 3):
            await stage.until_tried(tries)
            if tries == 1:
                await stage.add("second")  # must neither overtake nor join what was tried before
            stage.pass_time(5)
        await stage.until_done()
    assert stage.network.texts() == ["first", "second"]
    assert len({o.key for o in stage.network.attempts[:3]}) == 1
    assert {o.body for o in stage.network.attempts[:3]} == {"first"}


async def test_an_unreachable_room_is_not_tried_before_its_pause_is_over(stage: Stage) -> None:
    stage.network.failures = [ChatUnreachable("no route")]
    async with stage.speaking():
        await stage.add("first")
        await stage.until_tried()
        await stage.add("other", room=CITY)
        await stage.network.until_sent(1)
    assert stage.network.texts() == ["other"]


async def test_a_refused_answer_is_given_up_and_what_follows_is_said(stage: Stage) -> None:
    stage.network.failures = [ChatRefused("not allowed there")]
    with capture_logs() as logs:
        async with stage.speaking():
            await stage.add("✅", speech=Speech.REACTION, target="$1")
            await stage.add("after secret words")
            await stage.until_done()
    assert [s.outgoing.body for s in stage.network.sent] == ["after secret words"]
    assert any("refused" in line["event"] for line in logs)
    assert "secret words" not in str(logs)


async def test_a_bug_in_one_send_does_not_stop_the_others_and_is_given_up_in_the_end(stage: Stage) -> None:
    class Broken(FakeNetwork):
        async def send(self, outgoing: Outgoing) -> str:
            if outgoing.room == PRESS:
                self.attempts.append(outgoing)
                raise KeyError(outgoing.body)
            return await super().send(outgoing)

    stage.network = Broken()
    with capture_logs() as logs:
        async with stage.speaking():
            await stage.add("my words", room=PRESS)
            await stage.add("fine", room=CITY)
            await stage.until_done_over_time(100)
    assert stage.network.texts() == ["fine"]
    broken = [line for line in logs if line["event"] == "something broke"]
    assert len(broken) == 3
    assert all(line["ref"] and line["kind"] == "KeyError" for line in broken)
    assert "my words" not in str(logs)


async def test_a_crash_between_saying_and_recording_says_it_again_with_the_same_key(stage: Stage) -> None:
    stage.network.hold.clear()
    await stage.add("one")
    async with stage.speaking():
        await stage.until_tried()
    await stage.add("came later")
    stage.network.hold.set()
    async with stage.speaking():
        await stage.until_done()
    first, again, later = stage.network.attempts
    assert first == again
    assert later.body == "came later"
    assert stage.network.texts() == ["one", "came later"]


async def test_a_lost_answer_of_the_network_is_still_one_event(stage: Stage) -> None:
    stage.network.lost = [ChatUnreachable("the answer got lost")]
    async with stage.speaking():
        await stage.add("once")
        await stage.until_done_over_time(5)
    assert stage.network.texts() == ["once"]
    assert len(stage.network.attempts) == 2


async def test_a_redaction_takes_away_the_reaction_that_was_said_before_it(stage: Stage) -> None:
    stage.network.hold.clear()
    async with stage.speaking():
        (hourglass,) = await stage.add("⏳", speech=Speech.REACTION, target="$1")
        await stage.until_tried()
        await stage.add("", speech=Speech.REDACTION, target_answer=hourglass)
        stage.network.hold.set()
        await stage.until_done()
    assert stage.network.redacted() == [stage.network.sent[0].event_id]


async def test_a_redaction_of_what_was_never_said_is_given_up_without_a_try(stage: Stage) -> None:
    stage.network.failures = [ChatRefused("no")]
    async with stage.speaking():
        (hourglass,) = await stage.add("⏳", speech=Speech.REACTION, target="$1")
        await stage.add("", speech=Speech.REDACTION, target_answer=hourglass)
        await stage.add("👀", speech=Speech.REACTION)
        await stage.until_done()
    assert len(stage.network.attempts) == 1
    assert not stage.network.sent


async def test_what_is_due_later_is_said_then_and_not_when_it_was_cancelled(stage: Stage) -> None:
    async with stage.speaking():
        kept, gone = await stage.add("⏳", "🕰", speech=Speech.REACTION, target="$1", due_at=NOW + 1)
        await stage.add("now")
        await stage.network.until_sent(1)
        assert await stage.store.transact(lambda tx: tx.answers.cancel(gone))
        stage.pass_time(1)
        await stage.network.until_sent(2)
        await stage.until_done()
    assert [s.outgoing.body for s in stage.network.sent] == ["now", "⏳"]
    assert kept != gone


async def test_the_clock_alone_wakes_it(tmp_path: Path) -> None:
    store = await Database.open(tmp_path / "kantter.db")
    network = FakeNetwork()
    loop = asyncio.get_running_loop()
    await store.transact(lambda tx: tx.answers.add(PRESS, Speech.TEXT, "later", due_at=loop.time() + 0.05))
    task = asyncio.create_task(Speaker(store, {"matrix": network}, VAULT, loop.time).run())
    await network.until_sent(1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await store.close()
    assert network.texts() == ["later"]


async def test_a_network_that_is_not_configured_is_left_alone_without_spinning(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.add("to nobody", room=Room("irc", "#old"))
    await stage.add("to us")
    monkeypatch.setattr(stage.store, "transact", stage.counted)
    async with stage.speaking():
        await stage.network.until_sent(1)
        await asyncio.sleep(0.1)  # time in which it could spin
        assert stage.transactions < 6
    assert await stage.pending() == 1


async def test_two_answers_in_one_room_cost_three_transactions(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.add("✅", speech=Speech.REACTION, target="$1")
    await stage.add("Posted", target="$1")
    monkeypatch.setattr(stage.store, "transact", stage.counted)
    async with stage.speaking() as speaker:
        await stage.network.until_sent(2)
        await until(lambda: not speaker._speaking and not speaker._ends)
    assert stage.transactions == 3


async def test_a_database_that_refuses_is_asked_again_and_nothing_is_said_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    transact, refusals = stage.store.transact, 0

    async def moody(work: Callable[[Tx], T]) -> T:
        nonlocal refusals
        if stage.network.sent and not refusals:
            refusals += 1
            raise StoreError("disk full")
        return await transact(work)

    await stage.add("once")
    monkeypatch.setattr(stage.store, "transact", moody)
    async with stage.speaking():
        await until(lambda: refusals == 1)
        await stage.until_done_over_time(5)
    assert len(stage.network.attempts) == 1


async def test_a_sealed_answer_is_said_in_plain_and_one_that_cannot_be_opened_is_given_up(stage: Stage) -> None:
    await stage.add(seal(VAULT, "the address"), room=PRESS)
    await stage.add(seal(Vault([b"o" * 32]), "lost"), room=CITY)
    await stage.add("sealed:?", room=Room("matrix", "!broken"))
    async with stage.speaking():
        await stage.until_done()
    assert [(s.outgoing.room, s.outgoing.body) for s in stage.network.sent] == [(PRESS, "the address")]


async def test_two_hundred_answers_in_a_room_are_few_messages_and_lose_no_words(stage: Stage) -> None:
    await stage.add(*(f"answer {n}" for n in range(200)))
    async with stage.speaking():
        await stage.until_done()
    assert len(stage.network.sent) == 10
    assert "\n\n".join(stage.network.texts()).split("\n\n") == [f"answer {n}" for n in range(200)]
