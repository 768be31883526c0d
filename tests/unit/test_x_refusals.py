"""X's adapter: what X's refusals mean, and above all a 401."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.errors import LinkBroken, OperatorMustAct, OutOfCredit, PublishError, Rejected, Throttled
from bridge.model import Draft
from tests.fakes.raw_http import Write, answer, cut
from tests.unit.x_stand import ANA, CREATED, GRANTED, NOW, PAIR, Make, fails, problem, stands


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    async with stands() as build:
        yield build


REFUSED: dict[str, tuple[Write, type[PublishError], str]] = {
    "duplicate": (problem(403, "You are not allowed to create a Tweet with duplicate content."), Rejected, "already"),
    "too long": (problem(403, "Your Tweet text is too long."), Rejected, "too long"),
    "too long as 400": (problem(400, "Your Tweet text is too long."), Rejected, "too long"),
    "reply": (
        problem(403, "Reply to this conversation is not allowed because you have not been mentioned or otherwise"),
        Rejected,
        "mentioned or quoted",
    ),
    "reply gone": (
        problem(403, "You attempted to reply to a Tweet that is deleted or not visible to you."),
        Rejected,
        "deleted",
    ),
    "read-only": (
        problem(
            403, "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint."
        ),
        OperatorMustAct,
        "Read and write",
    ),
    "read-only by type": (
        problem(403, "no", type="https://api.twitter.com/2/problems/oauth1-permissions"),
        OperatorMustAct,
        "Read and write",
    ),
    "not enrolled": (problem(403, "x", reason="client-not-enrolled"), OperatorMustAct, "not enrolled"),
    "not enrolled by type": (
        problem(403, "x", type="https://api.twitter.com/2/problems/client-forbidden"),
        OperatorMustAct,
        "not enrolled",
    ),
    "credits": (problem(402, "x", title="CreditsDepleted"), OutOfCredit, "credit"),
    "402 of any kind": (answer(402, "<html>"), OutOfCredit, "credit"),
    "cap": (
        problem(429, "x", {"x-rate-limit-remaining": "12"}, title="UsageCapExceeded"),
        OutOfCredit,
        "cap",
    ),
    "cap by type": (problem(429, "x", type="https://api.x.com/2/problems/usage-capped/"), OutOfCredit, "cap"),
    "unknown 403": (problem(403, "Some\nnew   reason"), Rejected, "Some new reason"),
    "403 html": (answer(403, "<html>blocked</html>"), Rejected, "403"),
    "400": (
        answer(400, '{"errors":[{"message":"media is odd"}],"detail":"One or more parameters to your request"}'),
        Rejected,
        "media is odd",
    ),
    "404": (problem(404, "Could not find"), Rejected, "no such post"),
    "418": (answer(418), Rejected, "418"),
    "408": (answer(408), Throttled, "again"),
    "cut 403": (cut(b"HTTP/1.1 403 No\r\nContent-Length: 50\r\n\r\n{"), Rejected, "403"),
}


@pytest.mark.parametrize(("refused", "kind", "says"), REFUSED.values(), ids=REFUSED)
async def test_refusals(make: Make, refused: Write, kind: type[PublishError], says: str) -> None:
    _, x = await make(refused)
    error = await fails(x.post(PAIR, Draft("hello")))
    assert type(error) is kind
    assert error.certain
    assert says in str(error)
    assert isinstance(error, Rejected) is (kind is Rejected)
    assert getattr(error, "duplicate", False) == ("already" in says)


async def test_xs_own_words_are_shown_without_what_looks_secret(make: Make) -> None:
    _, x = await make(problem(403, f"token {PAIR.token} and pin 7654321 \u202e are \0 odd"))
    error = await fails(x.post(PAIR, Draft("hello")))
    assert "\u202e" not in str(error)


@pytest.mark.parametrize(
    ("headers", "at", "wait"),
    [
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(NOW) + 300)}, None, 300),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(NOW) + 300)}, NOW - 50, 350),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(NOW) - 300)}, NOW, 1),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "soon"}, NOW, 60),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "9" * 12}, NOW, 90_000),
        (
            {
                "x-rate-limit-remaining": "3",
                "x-rate-limit-reset": str(int(NOW) + 9),
                "x-app-limit-24hour-remaining": "0",
                "x-app-limit-24hour-reset": str(int(NOW) + 4000),
            },
            NOW,
            4000,
        ),
        ({}, NOW, 60),
    ],
)
async def test_throttled_until_x_says(make: Make, headers: dict[str, str], at: float | None, wait: float) -> None:
    _, x = await make(answer(429, '{"title":"Too Many Requests"}', headers, at=at))
    error = await fails(x.post(PAIR, Draft("hello")))
    assert isinstance(error, Throttled)
    assert error.retry_at == NOW + wait


async def test_a_success_that_uses_up_the_limit_tells_to_rest(make: Make) -> None:
    headers = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(NOW) + 120)}
    _, x = await make(
        answer(201, CREATED, headers, at=NOW), answer(200, '{"data":{"retweeted":true}}', headers, at=NOW)
    )
    assert (await x.post(PAIR, Draft("hello"))).rest == NOW + 120
    assert (await x.repost(PAIR, ANA, "12")).rest == NOW + 120


async def test_a_repost_that_is_there_already_is_no_error(make: Make) -> None:
    _, x = await make(problem(403, "You have already retweeted this Tweet."))
    assert (await x.repost(PAIR, ANA, "12")).remote_id == "12"


async def test_a_dead_token_is_a_broken_link(make: Make) -> None:
    server, x = await make(answer(401, '{"title":"Unauthorized"}', at=NOW), GRANTED)
    assert isinstance(await fails(x.post(PAIR, Draft("hello"))), LinkBroken)
    assert [asked.target for asked in server.asked] == ["/2/tweets", "/oauth/request_token"]


async def test_a_dead_consumer_key_is_the_operators(make: Make) -> None:
    refused = answer(401, '{"errors":[{"code":32,"message":"Could not authenticate you."}]}', at=NOW)
    _, x = await make(refused)
    error = await fails(x.post(PAIR, Draft("hello")))
    assert type(error) is OperatorMustAct
    assert "key" in str(error)
    assert type(await fails(x.begin_link())) is OperatorMustAct


async def test_a_suspended_app_is_the_operators(make: Make) -> None:
    suspended = answer(401, '{"errors":[{"code":416,"message":"Invalid / suspended application"}]}', at=NOW)
    _, x = await make(answer(401, "{}", at=NOW), suspended)
    assert "suspended" in str(await fails(x.post(PAIR, Draft("hello"))))


@pytest.mark.parametrize("probe", [answer(503), cut(), answer(429, "{}")], ids=["503", "cut", "429"])
async def test_when_x_does_not_tell_why_the_link_is_not_called_broken(make: Make, probe: Write) -> None:
    _, x = await make(answer(401, "{}", at=NOW), probe)
    error = await fails(x.post(PAIR, Draft("hello")))
    assert isinstance(error, Throttled)
    assert error.retry_at > NOW


async def test_a_key_whose_callback_is_refused_is_a_living_key(make: Make) -> None:
    _, x = await make(answer(401, "{}", at=NOW), answer(403, '{"errors":[{"code":415,"message":"Callback"}]}'))
    assert isinstance(await fails(x.post(PAIR, Draft("hello"))), LinkBroken)


async def test_a_wrong_clock_is_put_right(make: Make) -> None:
    ahead = NOW + 3600
    server, x = await make(answer(401, "{}", at=ahead), answer(201, CREATED, at=ahead))
    error = await fails(x.post(PAIR, Draft("hello")))
    assert isinstance(error, Throttled)
    assert error.retry_at == NOW
    await x.post(PAIR, Draft("hello"))
    assert f'oauth_timestamp="{int(ahead)}"' in server.asked[1].headers["authorization"]
    assert len(server.asked) == 2


async def test_two_requests_with_the_wrong_time_do_not_break_a_link(make: Make) -> None:
    _, x = await make(answer(401, "{}", at=NOW + 3600))
    errors = await asyncio.gather(*(fails(x.post(PAIR, Draft(text))) for text in ("one", "two", "three")))
    assert [type(error) for error in errors] == [Throttled] * 3


async def test_a_date_that_never_fits_ends_in_words_and_not_in_a_loop(make: Make) -> None:
    times = iter(range(1, 100))

    async def wild(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer(401, "{}", at=NOW + 100_000 * next(times))(reader, writer)

    _, x = await make(wild)
    assert isinstance(await fails(x.post(PAIR, Draft("hello"))), Throttled)
    assert type(await fails(x.post(PAIR, Draft("hello")))) is OperatorMustAct


async def test_a_clock_that_x_calls_wrong_without_telling_its_own(make: Make) -> None:
    _, x = await make(answer(401, '{"errors":[{"code":135,"message":"Timestamp out of bounds."}]}'))
    assert "clock" in str(await fails(x.post(PAIR, Draft("hello"))))
