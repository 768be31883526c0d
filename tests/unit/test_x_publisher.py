"""X's adapter: linking, finding, and what never leaves it."""

import json
import logging
from collections.abc import AsyncIterator, Collection
from typing import Any

import pytest

from bridge.errors import LinkRefused, OperatorMustAct, OutcomeUnknown, PublishError, Rejected, Throttled, UsageError
from bridge.model import Credentials, Draft
from bridge.publish.x import XPublisher
from tests.fakes.raw_http import Write, answer, cut, hang
from tests.unit.x_stand import ANA, GRANTED, NOW, PAIR, REQUEST, Make, assert_tells_nothing, fails, stands


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    async with stands() as build:
        yield build


# ---------------------------------------------------------------- linking


async def test_the_address_asks_for_a_login(make: Make) -> None:
    server, x = await make(GRANTED)
    link = await x.begin_link()
    assert link.authorize_url.startswith(f"{server.url}/oauth/authorize?")
    assert "force_login=true" in link.authorize_url
    assert "oauth_token=r1" in link.authorize_url
    assert 'oauth_callback="oob"' in server.asked[0].headers["authorization"]
    assert link.request == Credentials("r1", "s1")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "oauth_token=a&oauth_token_secret=b",
        "oauth_token=a&oauth_token_secret=b&oauth_callback_confirmed=false",
        "oauth_token=&oauth_token_secret=b&oauth_callback_confirmed=true",
        "oauth_token=a%0ab&oauth_token_secret=b&oauth_callback_confirmed=true",
        "oauth_token=a&oauth_token=c&oauth_token_secret=b&oauth_callback_confirmed=true",
        "a&" * 1000,
    ],
)
async def test_an_odd_request_token_is_not_taken(make: Make, body: str) -> None:
    _, x = await make(answer(200, body))
    assert isinstance(await fails(x.begin_link()), OutcomeUnknown)


async def test_a_pin_is_traded(make: Make) -> None:
    server, x = await make(answer(200, "oauth_token=7-a&oauth_token_secret=b%2Bc&user_id=7&screen_name=ana_1"))
    linked = await x.finish_link(REQUEST, "7654321")
    assert (linked.remote_id, linked.handle, linked.credentials) == ("7", "ana_1", Credentials("7-a", "b+c"))
    assert 'oauth_verifier="7654321"' in server.asked[0].headers["authorization"]
    assert server.asked[0].target == "/oauth/access_token"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "oauth_token=a&oauth_token_secret=b",
        "oauth_token=a&oauth_token_secret=b&user_id=x&screen_name=ana",
        "oauth_token=a&oauth_token_secret=b&user_id=7&screen_name=%40ana%0a",
        "oauth_token=a&oauth_token_secret=b&user_id=7&screen_name=" + "a" * 30,
        "oauth_token=a&user_id=7&screen_name=ana",
    ],
)
async def test_an_odd_answer_to_a_pin_links_nothing(make: Make, body: str) -> None:
    _, x = await make(answer(200, body))
    assert isinstance(await fails(x.finish_link(REQUEST, "7654321")), OutcomeUnknown)


LINK_REFUSED: dict[str, tuple[tuple[Write, ...], type[PublishError]]] = {
    "wrong": ((answer(401, "Error processing your OAuth request: Invalid oauth_verifier parameter"),), LinkRefused),
    "late": ((answer(401, "Reverse auth credentials are invalid"),), LinkRefused),
    "other 401": ((answer(401, "no", at=NOW), GRANTED), LinkRefused),
    "dead key": ((answer(401, "no", at=NOW),), OperatorMustAct),
    "clock": ((answer(401, "no", at=NOW + 9999),), Throttled),
    "403": ((answer(403, "no"),), LinkRefused),
    "callback": ((answer(403, '{"errors":[{"code":415,"message":"no"}]}'),), OperatorMustAct),
    "500": ((answer(500, "no"),), OutcomeUnknown),
    "cut": ((cut(),), OutcomeUnknown),
    "429": ((answer(429, "no"),), Throttled),
}


@pytest.mark.parametrize(("answers", "kind"), LINK_REFUSED.values(), ids=LINK_REFUSED)
async def test_a_pin_refused(make: Make, answers: tuple[Write, ...], kind: type[PublishError]) -> None:
    _, x = await make(*answers)
    assert type(await fails(x.finish_link(REQUEST, "7654321"))) is kind


async def test_revoking_a_dead_pair_is_no_error_but_a_wrong_clock_is(make: Make) -> None:
    _, x = await make(answer(401, "{}", at=NOW), answer(401, "{}", at=NOW + 9999), answer(200, "{}"), answer(503))
    await x.revoke(PAIR)
    assert isinstance(await fails(x.revoke(PAIR)), Throttled)
    await x.revoke(PAIR)
    assert isinstance(await fails(x.revoke(PAIR)), OutcomeUnknown)


# ---------------------------------------------------------------- finding


def snowflake(at: float) -> str:
    return str(int((at - 1_288_834_974.657) * 1000) << 22)


def timeline(*posts: tuple[float, str]) -> str:
    listed = [{"id": snowflake(at), "text": text} for at, text in posts]
    return json.dumps({"data": listed, "meta": {"result_count": len(posts)}})


async def find(x: XPublisher, text: str = "hello", since: float = NOW, known: Collection[str] = ()) -> str | None:
    receipt = await x.find(PAIR, ANA, Draft(text), since=since, known=known)
    return receipt.remote_id if receipt else None


async def test_find_by_text_and_time(make: Make) -> None:
    body = timeline((NOW + 9, "other"), (NOW + 5, "hello"), (NOW + 1, "hello"), (NOW - 60, "hello"))
    server, x = await make(answer(200, body, at=NOW))
    assert await find(x) == snowflake(NOW + 1)
    assert await find(x, known={snowflake(NOW + 1)}) == snowflake(NOW + 5)
    assert await find(x, since=NOW + 30) is None
    assert await find(x, "nothing") is None
    assert server.asked[0].target.startswith(
        "/2/users/7/tweets?max_results=100&exclude=retweets&start_time=2027-01-15T"
    )


async def test_find_allows_for_clocks_that_differ(make: Make) -> None:
    body = timeline((NOW + 200 + 1, "hello"), (NOW + 200 - 60, "hello"))
    _, x = await make(answer(200, body, at=NOW + 200))
    assert await find(x) == snowflake(NOW + 200 + 1)
    _, x = await make(answer(200, timeline((NOW - 199, "hello")), at=NOW - 200))
    assert await find(x) == snowflake(NOW - 199)


async def test_find_reads_long_posts_whole(make: Make) -> None:
    post = {"id": snowflake(NOW + 1), "text": "x" * 270 + "\u2026", "note_tweet": {"text": "x" * 300}}
    server, x = await make(answer(200, json.dumps({"data": [post]}), at=NOW))
    assert await find(x, "x" * 300) == snowflake(NOW + 1)
    assert server.asked[0].target.endswith("note_tweet")


@pytest.mark.parametrize(
    "body", ['{"meta":{"result_count":0}}', '{"data":[]}', '{"data":[1,{"id":2},{"text":"hello"}]}']
)
async def test_nothing_to_find(make: Make, body: str) -> None:
    _, x = await make(answer(200, body, at=NOW))
    assert await find(x) is None


async def test_a_post_that_has_no_time_is_not_found(make: Make) -> None:
    _, x = await make(answer(200, '{"data":[{"id":"20","text":"hello"}]}', at=NOW))
    assert await find(x) is None


@pytest.mark.parametrize("body", ["", "<html>", "{}", '{"data":{}}', '{"errors":[]}'])
async def test_a_list_that_makes_no_sense_is_not_an_empty_list(make: Make, body: str) -> None:
    _, x = await make(answer(200, body, at=NOW))
    assert isinstance(await fails(find(x)), OutcomeUnknown)


# ---------------------------------------------------------------- no secret anywhere


async def test_no_secret_in_logs_or_reprs(make: Make, caplog: pytest.LogCaptureFixture, capsys: Any) -> None:
    caplog.set_level(logging.DEBUG)
    _, x = await make(
        GRANTED, answer(200, "oauth_token=7-a&oauth_token_secret=b&user_id=7&screen_name=ana"), cut(), hang()
    )
    link = await x.begin_link()
    await x.finish_link(link.request, "7654321")
    await fails(x.post(PAIR, Draft("hello")))
    shown = "".join(capsys.readouterr()) + caplog.text + repr(x) + repr(vars(x)) + repr(link)
    assert_tells_nothing(shown)


async def test_ids_that_are_none_never_leave(make: Make) -> None:
    server, x = await make(answer(200, "{}"))
    for bad in ("", "1/../2", "\u0661", "1" * 20, "-1"):
        assert isinstance(await fails(x.delete(PAIR, bad)), Rejected)
        assert isinstance(await fails(x.repost(PAIR, ANA, bad)), Rejected)
        assert isinstance(await fails(x.post(PAIR, Draft("hello", reply_to=bad))), Rejected)
        with pytest.raises(UsageError):
            x.check(Draft("hello", reply_to=bad), premium=False)
    assert isinstance(await fails(x.post(PAIR, Draft("\ud800"))), Rejected)
    assert server.asked == []
