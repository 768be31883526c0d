"""X's adapter against a server that does what no good server does: what is certain, what is not, and what leaks."""

import asyncio
import json
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from bridge.config import XSettings
from bridge.errors import (
    LinkBroken,
    LinkRefused,
    OperatorMustAct,
    OutcomeUnknown,
    OutOfCredit,
    PublishError,
    Rejected,
    Throttled,
    Unreachable,
    UsageError,
)
from bridge.model import Account, Credentials, Draft
from bridge.publish.x import XPublisher, wire
from tests.fakes.raw_http import RawServer, Write, answer, cut, dribble, hang

NOW = 1_800_000_000.0
PAIR = Credentials("7-tokentokentokentoken", "token-secret-token-secret")
REQUEST = Credentials("request-token-request", "request-secret-request")
ANA = Account(1, "x", "7", "ana")
CREATED = '{"data":{"id":"1234567890123456789","text":"hello"}}'
GRANTED = answer(200, "oauth_token=r1&oauth_token_secret=s1&oauth_callback_confirmed=true")
SECRETS = ("ckey-ckey-ckey", "csecret-csecret", PAIR.token, PAIR.secret, REQUEST.token, REQUEST.secret, "7654321")

Make = Callable[..., Awaitable[tuple[RawServer, XPublisher]]]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[tuple[RawServer, XPublisher]] = []

    async def build(*answers: Write, clock: Callable[[], float] = lambda: NOW) -> tuple[RawServer, XPublisher]:
        server = await RawServer(*answers).__aenter__()
        made.append((server, publisher(server.url, clock)))
        return made[-1]

    yield build
    for server, x in made:
        await x.close()
        await server.__aexit__(None, None, None)


def publisher(url: str, clock: Callable[[], float] = lambda: NOW) -> XPublisher:
    settings = XSettings(consumer_key=SecretStr(SECRETS[0]), consumer_secret=SecretStr(SECRETS[1]), api_url=url)
    return XPublisher(settings, clock=clock)


def chain(error: BaseException) -> str:
    """Everything that could be printed of an error and of those behind it."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in seen:
            seen.append(one)
            waiting += [one.__cause__, one.__context__]
    return " ".join(f"{one!r} {one} {one.args!r} {vars(one)!r}" for one in seen)


def assert_tells_nothing(text: str) -> None:
    for secret in (*SECRETS, "oauth_signature", "OAuth "):
        assert secret not in text


async def fails(call: Awaitable[object]) -> PublishError:
    with pytest.raises(PublishError) as caught:
        await call
    assert_tells_nothing(chain(caught.value))
    return caught.value


# ---------------------------------------------------------------- the wire


LOST = {
    "cut with no answer": cut(),
    "cut in the headers": cut(b"HTTP/1.1 201 Created\r\nContent-Le"),
    "cut in the body": cut(b"HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n" + CREATED[:20].encode()),
    "not http": cut(b"hello there\r\n\r\n"),
    "half a chunk": cut(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
    "garbage": answer(201, b"\xff\xfe\x00garbage"),
    "html": answer(201, "<html>yes</html>"),
    "no id": answer(201, '{"data":{"text":"hello"}}'),
    "odd id": answer(201, '{"data":{"id":"../../x"}}'),
    "a list": answer(201, "[]"),
    "nested without end": answer(201, b"[" * 500_000),
    "too large": answer(201, b" " * ((1 << 20) + 1) + CREATED.encode()),
    "empty": answer(201),
    "500": answer(500, '{"title":"Internal Server Error"}'),
    "502 html": answer(502, "<html>bad gateway</html>", {"Content-Type": "text/html"}),
    "503": answer(503),
    "504": answer(504),
    "307": answer(307, "", {"Location": "http://127.0.0.1:9/elsewhere"}),
    "302": answer(302, "", {"Location": "/elsewhere"}),
    "wrong length header": answer(201, CREATED, {"Content-Length": "-5"}),
    "endless header": cut(b"HTTP/1.1 201 Created\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"),
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
async def test_without_a_trustworthy_answer_the_outcome_is_unknown(make: Make, lost: Write) -> None:
    server, x = await make(lost)
    error = await fails(x.post(PAIR, Draft("hello")))
    assert isinstance(error, OutcomeUnknown)
    assert not error.certain
    assert len(server.asked) == 1


SLOW = {
    "hang": hang(),
    "hang in the headers": hang(b"HTTP/1.1 201 Created\r\n"),
    "hang in the body": hang(b"HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{"),
    "dribble": dribble(CREATED.encode(), 0.05),
}


@pytest.mark.parametrize("slow", SLOW.values(), ids=SLOW)
async def test_one_deadline_covers_the_whole_exchange(make: Make, slow: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "DEADLINE", 0.3)
    server, x = await make(slow)
    began = time.monotonic()
    assert isinstance(await fails(x.post(PAIR, Draft("hello"))), OutcomeUnknown)
    assert time.monotonic() - began < 2.0
    assert len(server.asked) == 1


def test_the_deadline_leaves_room_for_a_stop_within_ten_seconds() -> None:
    assert wire.DEADLINE == 8.0


async def test_no_connection_is_certain() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", "https://no-such-host.invalid"):
        x = publisher(url)
        error = await fails(x.post(PAIR, Draft("hello")))
        assert isinstance(error, Unreachable)
        assert error.certain
        await x.close()


async def test_a_certificate_that_does_not_hold_is_certain(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_own_certificate(tmp_path))
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    x = publisher(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    error = await fails(x.post(PAIR, Draft("hello")))
    assert isinstance(error, Unreachable)
    assert "certificate" in str(error)
    assert b"".join(seen) == b""
    await x.close()
    server.close()


def _own_certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "own.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return path


async def test_a_server_without_tls_is_certain(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_CONNECT", 0.3)
    server, _ = await make(answer(201, CREATED))
    x = publisher(server.url.replace("http:", "https:"))
    assert isinstance(await fails(x.post(PAIR, Draft("hello"))), Unreachable)
    assert server.asked == []
    await x.close()


async def test_a_connection_that_nobody_accepts_is_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_CONNECT", 0.2)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        others = [socket.socket() for _ in range(4)]
        for other in others:
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        x = publisher(f"http://127.0.0.1:{full.getsockname()[1]}")
        assert isinstance(await fails(x.post(PAIR, Draft("hello"))), Unreachable)
        await x.close()
        for other in others:
            other.close()


async def test_connections_are_kept_and_cookies_are_not(make: Make) -> None:
    cookie = {"Set-Cookie": "guest_id=1; Path=/"}
    server, _ = await make(answer(201, CREATED, cookie))
    x = publisher(server.url.replace("127.0.0.1", "localhost"))  # nobody keeps cookies of a bare address
    for _ in range(3):
        await x.post(PAIR, Draft("hello"))
    assert server.connections == 1
    assert len(server.asked) == 3
    assert not any("cookie" in asked.headers for asked in server.asked)
    await x.close()


@pytest.mark.parametrize("verb", ["post", "delete", "find"])
async def test_nothing_is_sent_twice_when_a_kept_connection_breaks(make: Make, verb: str) -> None:
    server, x = await make(answer(201, CREATED), cut(), answer(200, '{"data":{"deleted":true}}'))
    await x.post(PAIR, Draft("hello"))
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "post": lambda: x.post(PAIR, Draft("more")),
        "delete": lambda: x.delete(PAIR, "12"),
        "find": lambda: x.find(PAIR, ANA, Draft("more"), since=NOW, known=()),
    }
    assert isinstance(await fails(calls[verb]()), OutcomeUnknown)
    assert len(server.asked) == 2


async def test_a_kept_connection_that_was_closed_meanwhile_is_not_used(make: Make) -> None:
    async def close_after(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer(201, CREATED)(reader, writer)
        writer.close()
        await writer.wait_closed()

    server, x = await make(close_after, answer(201, CREATED))
    await x.post(PAIR, Draft("hello"))
    await asyncio.sleep(0.05)  # lets the loop see the close, as any pause between two posts does
    await x.post(PAIR, Draft("more"))
    assert len(server.asked) == 2


async def test_what_leaves(make: Make) -> None:
    server, x = await make(answer(201, CREATED))
    await x.post(PAIR, Draft("h\u00e9 & <b> \U0001f600", reply_to="99"))
    asked = server.asked[0]
    assert (asked.method, asked.target) == ("POST", "/2/tweets")
    assert json.loads(asked.body) == {"text": "h\u00e9 & <b> \U0001f600", "reply": {"in_reply_to_tweet_id": "99"}}
    assert asked.headers["content-type"] == "application/json"
    assert f'oauth_timestamp="{int(NOW)}"' in asked.headers["authorization"]


# ---------------------------------------------------------------- what X's refusals mean


def problem(status: int, detail: str = "", headers: dict[str, str] | None = None, **more: Any) -> Write:
    return answer(status, json.dumps({"title": "T", "detail": detail, "status": status, **more}), headers)


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


# ---------------------------------------------------------------- the meanings of 401


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
