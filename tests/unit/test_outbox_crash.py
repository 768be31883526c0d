"""The promise of the outbox: across crashes at any moment no post is doubled, none is lost, and each is answered.

A crash is the end of the run task wherever it stands; then a new outbox starts on the same store.
"""

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import LinkBroken, OutcomeUnknown, OutOfCredit, PublishError, Rejected, Throttled, Unreachable
from bridge.interfaces import Tx
from bridge.model import Account, Post, PostState, Speech
from bridge.outbox import pausing
from tests.unit.outbox_stage import Stage, stage

T = TypeVar("T")


async def come_to_rest(at: Stage) -> None:
    """More than a minute passes: every search has ended."""
    await at.pass_slowly(75.0, 3.0)


async def check(at: Stage, post: Post) -> None:
    """Never twice; out and said so, or unknown and asked about."""
    row = await at.row(post)
    taken = Counter(at.x.texts("acme"))[post.draft.text]
    assert taken <= 1
    assert at.x.repeated == 0
    if row.state is PostState.POSTED:
        assert taken == 1
        assert await at.signs(post) == ["✅"]
    else:
        assert row.state is PostState.UNKNOWN
        assert row.question_id is not None
        assert await at.signs(post) == ["❓"]
    assert await at.texts(post)


@pytest.mark.parametrize("steps", range(40))
async def test_a_crash_after_any_step_of_the_loop(at: Stage, steps: int) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    at.start()
    for _ in range(steps):
        await asyncio.sleep(0.0002)  # not a wait: the moment of the crash
    await at.crash()
    at.start()
    await come_to_rest(at)
    await check(at, post)
    assert at.x.count("post") <= 1


def stuck(at: Stage, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Let no transaction come to its end, until that is undone; rings when one was wanted."""
    transact, reached = at.store.transact, asyncio.Event()

    async def never(work: Callable[[Tx], T], *, lasting: bool = True) -> T:
        reached.set()
        await asyncio.Event().wait()
        return await transact(work, lasting=lasting)

    monkeypatch.setattr(at.store, "transact", never)
    return reached


async def test_a_crash_before_the_claim_is_committed(at: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    reached = stuck(at, monkeypatch)
    at.start()
    await reached.wait()
    monkeypatch.undo()
    await at.crash()
    assert (await at.row(post)).state is PostState.QUEUED
    at.start()
    assert (await at.until_state(post, PostState.POSTED)).attempts == 1


async def test_a_crash_between_the_claim_and_the_first_byte(at: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    transact, reached = at.store.transact, asyncio.Event()

    async def then_stop(work: Callable[[Tx], T], *, lasting: bool = True) -> T:
        await transact(work, lasting=lasting)
        reached.set()
        return await asyncio.Future()

    monkeypatch.setattr(at.store, "transact", then_stop)
    at.start()
    await reached.wait()
    monkeypatch.undo()
    assert (await at.row(post)).state is PostState.SENDING
    await at.crash()
    at.start()
    await at.settle()
    assert (await at.texts(post))[0].startswith("unknown: ")
    await come_to_rest(at)
    await check(at, post)
    assert at.x.count("post") == 0


@pytest.mark.parametrize("taken", [False, True])
async def test_a_crash_during_the_exchange(at: Stage, taken: bool) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    gate = at.x.hold("post")
    at.start()
    await gate.entered.wait()
    if taken:
        at.x.put("acme", "hello")
    await at.crash()
    at.start()
    await come_to_rest(at)
    await check(at, post)
    assert (await at.row(post)).state is (PostState.POSTED if taken else PostState.UNKNOWN)
    assert at.x.count("post") == 1


async def test_a_crash_between_the_answer_and_its_record(at: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    gate = at.x.hold("post")
    at.start()
    await gate.entered.wait()
    reached = stuck(at, monkeypatch)
    gate.release()
    await reached.wait()
    monkeypatch.undo()
    await at.crash()
    assert at.x.texts("acme") == ["hello"]
    at.start()
    await come_to_rest(at)
    await check(at, post)
    assert (await at.row(post)).state is PostState.POSTED
    assert at.x.count("post") == 1


async def test_crashes_one_after_another_while_it_is_looked_for(at: Stage) -> None:
    acme = await at.link("acme")
    at.x.blind = True
    at.x.fail("post", OutcomeUnknown("cut"), taken=True)
    post = await at.queue(acme)
    at.start()
    await at.until_state(post, PostState.UNKNOWN)
    for _ in range(5):
        await at.pass_(4.0)
        await at.crash()
        at.start()
    at.x.blind = False
    await come_to_rest(at)
    await check(at, post)
    assert (await at.row(post)).state is PostState.POSTED
    assert at.x.count("post") == 1
    assert len(await at.texts(post)) == 2


# ---------------------------------------------------------------- anything in any order

_ERRORS: dict[str, Callable[[float], PublishError]] = {
    "rejected": lambda now: Rejected("no"),
    "broken": lambda now: LinkBroken("dead"),
    "credit": lambda now: OutOfCredit("no credit"),
    "throttled": lambda now: Throttled("slow down", retry_at=now + 40.0),
    "away": lambda now: Unreachable("no route"),
    "lost": lambda now: OutcomeUnknown("cut"),
}
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(sorted(_ERRORS)), st.booleans()),
        st.tuples(st.just("queue"), st.integers(0, 1)),
        st.tuples(st.just("undo"), st.integers(0, 20)),
        st.tuples(st.just("crash"), st.integers(0, 25)),
        st.tuples(st.just("cut"), st.booleans()),
        st.tuples(st.just("pass"), st.sampled_from([0.5, 3.0, 20.0, 70.0])),
        st.tuples(st.just("blind"), st.booleans()),
    ),
    max_size=20,
)


class Story:
    """Random outcomes, wishes and crashes; then everything is mended and comes to rest."""

    def __init__(self, at: Stage) -> None:
        self.at = at
        self.posts: list[Post] = []
        self.wishes: dict[int, Post] = {}
        self.taken: Counter[str] = Counter()

    async def run(self, steps: list[tuple[str, float]]) -> None:
        at = self.at
        accounts = [await at.link("acme"), await at.link("zoo")]
        make = at.x._make

        def count(person: object, text: str, *more: object, **named: object) -> object:
            self.taken[text] += 1
            return make(person, text, *more, **named)  # type: ignore[arg-type]  # handed on

        at.x._make = count  # type: ignore[assignment,method-assign]  # the count of what was ever taken
        at.start()
        for what, value in steps:
            if what in _ERRORS:
                error = _ERRORS[what](at.time.wall)
                at.x.fail("post", error, taken=bool(value) and what == "lost")
            elif what == "queue":
                text = f"number {len(self.posts)}"
                self.posts.append(await at.queue(accounts[int(value)], text))
            elif what == "undo":
                await self._undo(int(value))
            elif what == "crash":
                for _ in range(int(value)):
                    await asyncio.sleep(0)
                await at.crash()
                at.start()
            elif what == "cut":
                await self._cut(accounts[0], taken=bool(value))
            elif what == "blind":
                at.x.blind = bool(value)
            else:
                await at.pass_(value)
        await self._mend()

    async def _cut(self, account: Account, *, taken: bool) -> None:
        """A crash in the middle of an exchange, before or after the post was taken."""
        at = self.at
        await at.settle()
        gate = at.x.hold("post")
        post = await at.queue(account, f"number {len(self.posts)}")
        self.posts.append(post)
        await at.settle()
        if gate.entered.is_set() and taken and (await at.row(post)).state is PostState.SENDING:
            at.x.put("acme", post.draft.text)
        await at.crash()
        gate.release()
        at.start()

    async def _undo(self, number: int) -> None:
        if number >= len(self.posts) or number in self.wishes:
            return
        post = await self.at.row(self.posts[number])
        if post.state in (PostState.SENDING, PostState.UNKNOWN, PostState.POSTED):
            self.wishes[number] = await self.at.undo(post)

    async def _mend(self) -> None:
        at = self.at
        at.x._plans.clear()
        await at.pass_(0.1)
        for _ in range(6):
            await at.store.transact(self._link_and_resume)
            await at.pass_slowly(75.0, 5.0)

    @staticmethod
    def _link_and_resume(tx: Tx) -> None:
        for number in (1, 2):
            account = tx.accounts.get(number)
            assert account is not None
            if account.broken:
                tx.accounts.save(type(account)(account.id, account.publisher, account.remote_id, account.handle))
        pausing.lift(tx)

    async def check(self) -> None:
        assert self.at.x.repeated == 0  # nobody said `send`
        assert self.at.x.overlaps == 0
        for number, post in enumerate(self.posts):
            row = await self.at.row(post)
            taken = self.taken[post.draft.text]
            assert taken <= 1, f"{post.label} was taken {taken} times"
            assert row.state not in (PostState.SENDING, PostState.QUEUED), f"{post.label} never ended"
            if row.state is PostState.POSTED:
                assert taken == 1
            if row.state is PostState.FAILED and number not in self.wishes:
                assert taken == 0, f"{post.label} is out and was called not posted"
            if row.state in (PostState.HELD, PostState.UNKNOWN):
                assert row.question_id is not None
            await self._check_words(number, row)

    async def _check_words(self, number: int, row: Post) -> None:
        about = await self.at.answers()
        said = [a for a in about if a.post_id == row.id or (row.question_id and a.question_id == row.question_id)]
        wish = self.wishes.get(number)
        if wish is not None:
            ended = await self.at.row(wish)
            assert ended.state in (PostState.POSTED, PostState.FAILED)
            said += [a for a in about if a.post_id == wish.id]
        assert [a for a in said if a.speech is Speech.TEXT], f"{row.label} was never answered"


async def _tell(steps: list[tuple[str, float]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with stage(Path(folder)) as at:
            story = Story(at)
            await story.run(steps)
            await story.check()


@given(steps=_STEPS)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_whatever_happens_no_post_is_doubled_or_lost(steps: list[tuple[str, float]]) -> None:
    asyncio.run(_tell(steps))


@pytest.mark.parametrize("seed", range(6))
def test_long_stories(seed: int) -> None:
    chance = random.Random(seed)
    steps: list[tuple[str, float]] = []
    for _ in range(60):
        what = chance.choice([*_ERRORS, "queue", "queue", "queue", "queue", "crash", "cut", "pass", "undo", "blind"])
        value = {"pass": chance.choice([0.5, 3.0, 20.0, 70.0]), "queue": chance.randrange(2)}.get(what)
        steps.append((what, chance.randrange(26) if value is None else value))
    steps = [(what, value % 2 if what in (*_ERRORS, "blind", "cut") else value) for what, value in steps]
    asyncio.run(_tell(steps))
