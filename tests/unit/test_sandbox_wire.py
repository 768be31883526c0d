"""Every fault, as a client on the wire sees it, and whether the post was taken all the same."""

import asyncio
import time

import aiohttp
import pytest

from bridge.sandbox import Fault, Kind
from tests.unit.sandbox_guest import guest, until

BROKEN = (aiohttp.ClientError, TimeoutError)


@pytest.mark.parametrize(
    ("fault", "error", "taken"),
    [
        (Fault(Kind.CUT), aiohttp.ServerDisconnectedError, False),
        (Fault(Kind.CUT, taken=True), aiohttp.ServerDisconnectedError, True),
        (Fault(Kind.RESET), aiohttp.ClientOSError, False),
        (Fault(Kind.RESET, taken=True), aiohttp.ClientOSError, True),
        (Fault(Kind.TRUNCATE), aiohttp.ClientPayloadError, True),
        (Fault(Kind.DRIBBLE, seconds=30), TimeoutError, True),
        (Fault(Kind.HANG), TimeoutError, False),
        (Fault(Kind.HANG, taken=True), TimeoutError, True),
        (Fault(Kind.DELAY, taken=True, seconds=30), TimeoutError, True),
    ],
    ids=lambda value: f"{value.kind.value}-{value.taken}" if isinstance(value, Fault) else None,
)
async def test_no_answer(fault: Fault, error: type[Exception], taken: bool) -> None:
    async with guest(timeout=0.3) as x:
        pair = await x.link("acme")
        x.sandbox.faults.add(fault)
        with pytest.raises(error):
            await x.post(pair, "hello")
        assert [post.text for post in x.sandbox.world.user("acme").posts.values()] == ["hello"] * taken
        assert x.sandbox.log.count("POST", "/2/tweets", "acme", taken=taken) == 1
        assert (await x.post(pair, "and again")).status == 201


async def test_a_late_request_is_carried_out_though_the_client_has_gone() -> None:
    async with guest(timeout=0.1) as x:
        pair = await x.link("acme")
        x.sandbox.faults.add(Fault(Kind.DELAY, seconds=0.3))
        with pytest.raises(TimeoutError):
            await x.post(pair, "hello")
        assert not x.sandbox.world.user("acme").posts
        await until(lambda: x.sandbox.world.user("acme").posts)


async def test_a_delay_and_a_dribble_end_well_for_the_patient() -> None:
    async with guest() as x:
        pair = await x.link("acme")
        for fault in (Fault(Kind.DELAY, seconds=0.1), Fault(Kind.DRIBBLE, seconds=0.1)):
            x.sandbox.faults.add(fault)
            began = time.monotonic()
            assert (await x.post(pair, fault.kind.value)).data["text"] == fault.kind.value
            assert time.monotonic() - began >= 0.1


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize(
    ("name", "status"), [("500", 500), ("502-html", 502), ("503", 503), ("504-html", 504), ("credits-depleted", 402)]
)
async def test_an_answer_on_demand(name: str, status: int, taken: bool) -> None:
    async with guest() as x:
        pair = await x.link("acme")
        x.sandbox.faults.add(Fault(Kind.ANSWER, answer=name, taken=taken))
        assert (await x.post(pair, "hello")).status == status
        assert len(x.sandbox.world.user("acme").posts) == taken
        assert x.sandbox.log[-1].status == status


async def test_a_rate_limit_on_demand_names_its_end_and_a_usage_cap_does_not() -> None:
    now = 1_800_000_000.0
    async with guest(lambda: now, timeout=5) as x:
        pair = (x.sandbox.world.issue("acme").credentials.token, x.sandbox.world.issue("acme").credentials.secret)
        x.sandbox.faults.add(Fault(Kind.ANSWER, answer="rate-limit", seconds=60))
        x.sandbox.faults.add(Fault(Kind.ANSWER, answer="usage-cap"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("oauthlib.oauth1.rfc5849.generate_timestamp", lambda: str(int(now)))
            limited, capped = await x.post(pair, "a"), await x.post(pair, "b")
        assert (limited.status, limited.headers["x-rate-limit-remaining"]) == (429, "0")
        assert limited.headers["x-rate-limit-reset"] == str(int(now) + 60)
        assert (capped.status, capped.json()["title"]) == (429, "UsageCapExceeded")
        assert int(capped.headers["x-rate-limit-remaining"]) > 0


async def test_garbage_and_a_redirect() -> None:
    async with guest() as x:
        pair = await x.link("acme")
        x.sandbox.faults.add(Fault(Kind.GARBAGE, taken=True))
        garbage = await x.post(pair, "hello")
        assert garbage.status == 201
        with pytest.raises(ValueError, match="Expecting value"):
            garbage.json()
        x.sandbox.faults.add(Fault(Kind.GARBAGE, body='{"data":{}}'))
        assert (await x.post(pair, "other")).json() == {"data": {}}
        x.sandbox.faults.add(Fault(Kind.REDIRECT))
        moved = await x.post(pair, "third")
        assert (moved.status, len(x.sandbox.world.user("acme").posts)) == (307, 1)
        assert not x.sandbox.log.count(path=moved.headers["location"])
        await x.plain("POST", moved.headers["location"])
        assert x.sandbox.log.count(path=moved.headers["location"]) == 1


async def test_a_fault_hits_what_it_is_meant_for_as_often_as_it_says() -> None:
    async with guest() as x:
        acme, ana = await x.link("acme"), await x.link("ana")
        x.sandbox.faults.add(Fault(Kind.ANSWER, method="POST", path="/2/*", account="acme", times=2))
        assert (await x.call("GET", "/2/users/me", acme)).status == 200
        assert (await x.post(ana, "fine")).status == 201
        assert [(await x.post(acme, f"number {n}")).status for n in range(3)] == [503, 503, 201]
        x.sandbox.faults.add(Fault(Kind.CUT))
        x.sandbox.faults.clear()
        assert (await x.post(acme, "number 4")).status == 201


async def test_an_unsigned_request_uses_up_no_fault() -> None:
    async with guest() as x:
        x.sandbox.faults.add(Fault(Kind.CUT))
        assert (await x.plain("POST", "/2/tweets", json={"text": "hello"})).status == 401
        assert len(x.sandbox.faults) == 1


async def test_stopping_ends_what_hangs() -> None:
    async with guest() as x:
        pair = await x.link("acme")
        x.sandbox.faults.add(Fault(Kind.HANG))
        waiting = asyncio.create_task(x.post(pair, "hello"))
        await until(lambda: x.sandbox.log.count("POST", "/2/tweets"))
        began = time.monotonic()
        await x.sandbox.stop()
        with pytest.raises(BROKEN):
            await waiting
        assert time.monotonic() - began < 1.5


def test_a_fault_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="no canned answer"):
        Fault(Kind.ANSWER, answer="418")
    with pytest.raises(ValueError, match="at least once"):
        Fault(Kind.CUT, times=0)
