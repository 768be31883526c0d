"""X's adapter against a server that does what no good server does: what is certain, and what is not."""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bridge.errors import OutcomeUnknown, Unreachable
from bridge.model import Draft
from bridge.publish.x import wire
from tests.fakes.raw_http import Write, answer, cut, dribble, hang
from tests.unit.x_stand import ANA, CREATED, NOW, PAIR, Make, fails, publisher, stands


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    async with stands() as build:
        yield build


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
